/** Files that are either the old text or the new text, whatever happens in between. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { isErrno } from './start-error.ts';

/**
 * Replaces a file in one step: the text goes to a neighbour, is flushed, and takes the name. Mode 0600: only its owner reads it.
 *
 * @throws Error of node:fs when the folder cannot be written.
 */
export function writeAtomically(path: string, text: string): void {
  const neighbour = `${path}.new`;
  try {
    const descriptor = openSync(neighbour, 'w', 0o600);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(neighbour, path);
  } catch (error) {
    rmSync(neighbour, { force: true });
    throw error;
  }
}

/** The text of a file, or undefined when there is none. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
