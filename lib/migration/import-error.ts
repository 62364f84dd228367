/** What stops an import, in one line for the operator. */
export class ImportError extends Error {
  /** The error of a file that could not be read; one that is ours already passes as it is. */
  static from(file: string, error: unknown): ImportError {
    if (error instanceof ImportError) return error;
    return new ImportError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
