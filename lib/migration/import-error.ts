import { isErrno, StartError } from '../local/start-error.ts';

/** Reasons of the file system, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'there is no such file or folder',
  EACCES: 'no permission to read it',
  EISDIR: 'it is a folder',
};

/** What stops an import, in one line for the operator. */
export class ImportError extends Error {
  /** The error of a file that could not be read, in one line; one that is ours already names its file. */
  static from(file: string, error: unknown): ImportError {
    if (error instanceof ImportError) return error;
    if (error instanceof StartError) return new ImportError(error.message);
    const [, reason] = Object.entries(REASONS).find(([code]) => isErrno(error, code)) ?? [];
    const told = reason ?? (error instanceof Error ? error.message : String(error));
    return new ImportError(`${file}: ${told.replaceAll(/\s*\n\s*/g, ' ')}`);
  }
}
