/** Who keys of the ledger are: their names, also of keys that were deleted or got a new secret. */
import { scopeOf, type VirtualKey } from '../../domain/key.ts';
import { allOf, readAll } from '../../domain/pages.ts';
import type { ManagementDeps } from '../deps.ts';
import { each, ownedBy } from '../records/records.ts';

/** What reports say of a key. */
export interface KeyName {
  readonly alias?: string;
  /** `sk-...a1b2`. */
  readonly name?: string;
  readonly teamId?: string;
  readonly userId?: string;
  readonly exists: boolean;
}

/** Keys with new secrets that are looked up one by one; for more of them all are read. */
const MOST_RENEWED = 20;

const nameOf = ({ alias, name, teamId, userId }: VirtualKey, exists: boolean): KeyName => ({
  ...(alias === undefined ? {} : { alias }),
  name,
  ...(teamId === undefined ? {} : { teamId }),
  ...(userId === undefined ? {} : { userId }),
  exists,
});

/** The names of keys by their first hash, which the ledger knows them by; a key nobody remembers has none. */
export async function keyNames(deps: ManagementDeps, hashes: Iterable<string>): Promise<ReadonlyMap<string, KeyName>> {
  const names = new Map<string, KeyName>();
  const wanted = new Set(hashes);
  wanted.delete('master');
  await each([...wanted], findOne);
  await each([...wanted], findDeleted);
  if (wanted.size <= MOST_RENEWED) await each([...wanted], findRenewed);
  else await findAmongAll();
  return names;

  function found(hash: string, key: VirtualKey, exists: boolean): void {
    names.set(hash, nameOf(key, exists));
    wanted.delete(hash);
  }

  async function findOne(hash: string): Promise<void> {
    const key = await deps.keys.get(hash);
    if (key !== undefined) found(hash, key, true);
  }

  async function findRenewed(hash: string): Promise<void> {
    const keys = await readAll(ownedBy(deps.keys, { kind: 'origin', id: hash }));
    const key = keys.find(({ supersededBy }) => supersededBy === undefined) ?? keys[0];
    if (key !== undefined) found(hash, key, true);
  }

  async function findAmongAll(): Promise<void> {
    for await (const key of allOf((page) => deps.keys.list(page))) {
      if (wanted.has(scopeOf(key).id)) found(scopeOf(key).id, key, true);
      if (wanted.size === 0) return;
    }
  }

  async function findDeleted(hash: string): Promise<void> {
    const deleted = await deps.deletedKeys.get(hash);
    if (deleted !== undefined) found(hash, deleted.record, false);
  }
}
