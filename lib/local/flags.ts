/** Flags of the commands of this project. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { StartError } from './start-error.ts';

/**
 * What stands on a command line.
 *
 * @throws StartError in one line for a flag that is not there, or lacks its value
 */
export function readFlags<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split(/\.?\s+To specify|\n/);
    throw new StartError(`${reason}; --help lists the flags`);
  }
}
