import type { BodyRecord, BodyStore } from '../bodies.ts';

/** Bodies in memory: for tests, and for local runs that keep nothing. */
export function createBodyStore(): BodyStore {
  const records = new Map<string, BodyRecord>();
  return {
    put: async (record) => void records.set(record.id, record),
    get: async (id) => records.get(id),
  };
}
