/** The last checkpoint, in memory. */
import type { Checkpoint } from '../../domain/checkpoint.ts';
import type { CheckpointStore } from '../checkpoints.ts';

/** The last checkpoint, in memory. */
export function createCheckpointStore(): CheckpointStore {
  let last: Checkpoint | undefined;
  return {
    read: async () => last,
    write: async (checkpoint) => void (last = checkpoint),
  };
}
