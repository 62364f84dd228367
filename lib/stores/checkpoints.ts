import type { Checkpoint } from '../domain/checkpoint.ts';

/** Port: the last checkpoint of the books. One that is lost costs a reconciliation from the beginning, and nothing else. */
export interface CheckpointStore {
  /** The last one written; undefined when there is none, or it is too old. */
  read(): Promise<Checkpoint | undefined>;
  /** Takes the place of the one before, as a whole or not at all. */
  write(checkpoint: Checkpoint): Promise<void>;
}
