/** Tasks of keys in memory. */
import type { KeyTask, TaskStore } from '../tasks.ts';

/** Tasks in memory. */
export function createTaskStore(): TaskStore {
  const tasks = new Map<string, KeyTask>();
  const nameOf = ({ kind, hash }: KeyTask): string => `${kind}#${hash}`;
  return {
    async put(task) {
      tasks.set(nameOf(task), task);
    },
    due: async (now, limit) =>
      [...tasks.values()]
        .filter(({ at }) => at <= now)
        .toSorted((one, other) => one.at - other.at)
        .slice(0, limit),
    async done(task) {
      if (tasks.get(nameOf(task))?.at === task.at) tasks.delete(nameOf(task));
    },
  };
}
