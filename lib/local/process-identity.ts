/** Which process is behind a number: numbers are given out again, a start time with it is not. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process as it is remembered on disk. */
export interface ProcessMark {
  readonly pid: number;
  readonly identity: string;
}

/** Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)), counted after the command name, which may hold blanks and parentheses. */
const STATE_FIELD = 0;
const START_FIELD = 19;

/**
 * A text that is the same for as long as the process lives and differs for any other process of that number. Undefined when there is
 * no such process, or the platform does not tell (neither `/proc` nor `ps`).
 */
export function identityOf(pid: number): string | undefined {
  if (process.platform === 'linux') return linuxIdentity(pid);
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return started.trim() === '' ? undefined : started.trim();
  } catch {
    return undefined;
  }
}

function linuxIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[STATE_FIELD] === 'Z' ? undefined : fields[START_FIELD];
  } catch {
    return undefined;
  }
}

/** The mark of a process, to be written down. */
export const markOf = (pid: number): ProcessMark => ({ pid, identity: identityOf(pid) ?? '' });

/** True when the marked process still runs. */
export const isAlive = ({ pid, identity }: ProcessMark): boolean => identity !== '' && identityOf(pid) === identity;
