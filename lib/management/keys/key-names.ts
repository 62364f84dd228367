/** Who keys of the ledger are: their names, also of keys that were deleted or got a new secret. */
import { scopeOf, type VirtualKey } from '../../domain/key.ts';
import type { ManagementDeps } from '../deps.ts';

/** What reports say of a key. */
export interface KeyName {
  readonly alias?: string;
  /** `sk-...a1b2`. */
  readonly name?: string;
  readonly teamId?: string;
  readonly userId?: string;
  readonly exists: boolean;
}

const PAGE = 500;
/** Keys looked up one by one; for more, or for those that got a new secret, all are read. */
const MOST_SINGLE = 100;

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
  if (wanted.size <= MOST_SINGLE) await Promise.all([...wanted].map(findOne));
  if (wanted.size > 0) await findAmongAll();
  await Promise.all([...wanted].map(findDeleted));
  return names;

  function found(hash: string, key: VirtualKey, exists: boolean): void {
    names.set(hash, nameOf(key, exists));
    wanted.delete(hash);
  }

  async function findOne(hash: string): Promise<void> {
    const key = await deps.keys.get(hash);
    if (key !== undefined) found(hash, key, true);
  }

  async function findAmongAll(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await deps.keys.list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      for (const key of page.items) if (wanted.has(scopeOf(key).id)) found(scopeOf(key).id, key, true);
      cursor = page.cursor;
    } while (cursor !== undefined && wanted.size > 0);
  }

  async function findDeleted(hash: string): Promise<void> {
    const deleted = await deps.deletedKeys.get(hash);
    if (deleted !== undefined) found(hash, deleted.record, false);
  }
}
