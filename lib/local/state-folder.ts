/** The folder that keeps what a local run must not forget: tables, secrets, keys. One Tollgate at a time works in it. */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { readIfPresent, writeAtomically } from './atomic-file.ts';
import { isAlive, markOf, type ProcessMark } from './process-identity.ts';
import { isErrno, StartError } from './start-error.ts';

/** An open folder. */
export interface StateFolder {
  readonly path: string;
  /** Path of a file in it. */
  file(name: string): string;
  /** Content of a small text file in it, without the newline at its end; undefined when there is none. Throws StartError. */
  read(name: string): string | undefined;
  /** Throws StartError when the file system refuses. */
  write(name: string, text: string): void;
  /** Lets the next Tollgate in. */
  close(): void;
}

const README = `State of a local Tollgate: tables, provider credentials, the master key and a virtual key. Keep it out of version control.
Delete the folder, while Tollgate is stopped, to start afresh.
`;

const OWNER_FILE = 'owner.json';
const markSchema = z.object({ pid: z.int(), identity: z.string() });

/** A process mark in a file; undefined when there is none, or none that can be read. */
export function readMark(path: string): ProcessMark | undefined {
  try {
    return z.parse(markSchema, JSON.parse(readIfPresent(path) ?? ''));
  } catch {
    return undefined;
  }
}

/**
 * Takes the folder; makes it where needed, with mode 0700. One that exists keeps its mode: our files in it are 0600.
 *
 * @throws StartError when it cannot be written, or a running Tollgate has it.
 */
export function openStateFolder(path: string): StateFolder {
  const folder = resolve(path);
  const file = (name: string): string => join(folder, name);
  const ownerFile = file(OWNER_FILE);
  try {
    makeFolder(folder);
    const owner = readMark(ownerFile);
    if (owner !== undefined && owner.pid !== process.pid && isAlive(owner)) {
      throw new StartError(
        `${folder} is in use by another Tollgate (process ${owner.pid}); stop it, or choose another folder with --data`,
      );
    }
    writeAtomically(ownerFile, `${JSON.stringify(markOf(process.pid))}\n`);
    if (!existsSync(file('README'))) writeAtomically(file('README'), README);
  } catch (error) {
    throw unusableState(folder, error);
  }
  return {
    path: folder,
    file,
    read(name) {
      try {
        return readIfPresent(file(name))?.trimEnd();
      } catch (error) {
        throw unusableState(file(name), error);
      }
    },
    write(name, text) {
      try {
        writeAtomically(file(name), `${text}\n`);
      } catch (error) {
        throw unusableState(file(name), error);
      }
    },
    close: () => rmSync(ownerFile, { force: true }),
  };
}

/** Makes a folder and those above it. Node's own way (`recursive`) never ends where a file system refuses with ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** What the file system says of a place for state, in one line for the operator; other errors stay what they are. */
export function unusableState(place: string, error: unknown): unknown {
  if (error instanceof StartError || !(error instanceof Error)) return error;
  const reasons = {
    ENOENT: 'the file system refuses',
    EACCES: 'no permission',
    EPERM: 'no permission',
    EROFS: 'the file system is read-only',
    ENOSPC: 'the disk is full',
  };
  const taken = ['ENOTDIR', 'EEXIST', 'EISDIR'].some((code) => isErrno(error, code));
  const [, reason] = Object.entries(reasons).find(([code]) => isErrno(error, code)) ?? [];
  const cause = taken ? 'a file is in its place' : (reason ?? error.message);
  return new StartError(`cannot keep state in ${place}: ${cause}; choose another folder with --data, or none with --ephemeral`);
}
