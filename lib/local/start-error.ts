/** Why a local start could not go on. Its message is one clear line for the operator, printed without a stack; exit code 1. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** True for a system error with this code (`ENOENT`, `EADDRINUSE`, ...). */
export const isErrno = (error: unknown, code: string): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && error.code === code;
