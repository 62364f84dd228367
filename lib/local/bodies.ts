/** Bodies of a local run: one file per call, `bodies/<day>/<call id>.json`. Days past their time are removed. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BodyRecord, BodyStore } from '../stores/bodies.ts';
import { isErrno } from './start-error.ts';

const DAY_MS = 86_400_000;
/** How often old days are looked for, milliseconds. */
const SWEEP_MS = 3_600_000;

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/**
 * Bodies in a folder.
 *
 * @param ttlDays days they are kept
 */
export function createBodyFolder(folder: string, ttlDays: number, now: () => number = Date.now): BodyStore {
  let sweptAt = 0;
  const fileOf = (id: string, at: number): string => join(folder, dayOf(at), `${encodeURIComponent(id)}.json`);

  async function sweep(): Promise<void> {
    if (now() - sweptAt < SWEEP_MS) return;
    sweptAt = now();
    const oldest = dayOf(now() - ttlDays * DAY_MS);
    const days = await readdir(folder);
    await Promise.all(days.filter((day) => day < oldest).map((day) => rm(join(folder, day), { recursive: true, force: true })));
  }

  return {
    async put(record) {
      await mkdir(join(folder, dayOf(record.at)), { recursive: true, mode: 0o700 });
      await writeFile(fileOf(record.id, record.at), JSON.stringify(record), { mode: 0o600 });
      await sweep();
    },
    async get(id, at) {
      try {
        return JSON.parse(await readFile(fileOf(id, at), 'utf8')) as BodyRecord;
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return undefined;
        throw error;
      }
    },
  };
}
