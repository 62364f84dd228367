/** What was deleted: keys and teams leave a copy with what they had spent and who deleted them. */
import { scopeOf, type VirtualKey } from '../../domain/key.ts';
import type { Deleted } from '../../domain/entity.ts';
import type { KeyOwner } from '../../domain/owned.ts';
import type { Team } from '../../domain/team.ts';
import { netSpend, NO_TOTAL, type TotalScope } from '../../domain/total.ts';
import type { Caller } from '../../exchange.ts';
import type { EntityStore } from '../../stores/entities.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { TEAM } from './identity-kinds.ts';
import { keyRow } from '../keys/key-answer.ts';
import { deleteOne } from '../records/record-kind.ts';
import { each, newEntity, newId, ownedBy, select } from '../records/records.ts';

/** Keeps a copy under the id the ledger knows the record by; where one was deleted before under the same id, under an id of its own. */
async function keepCopy<T>(
  deps: ManagementDeps,
  caller: Caller,
  { store, record, scope }: { readonly store: EntityStore<Deleted<T>>; readonly record: T; readonly scope: TotalScope },
): Promise<Deleted<T>> {
  const { createdBy: deletedBy = '', ...entity } = newEntity(deps, caller);
  const spend = netSpend(await deps.totals.read(scope));
  const copy = { ...entity, id: scope.id, metadata: {}, record, deletedAt: entity.createdAt, deletedBy, spend };
  if ((await store.create(copy)) === 'exists') await store.create({ ...copy, id: newId(deps) });
  return copy;
}

/** Deletes a key. The copy is written first: a crash in between leaves a copy too many, never a key nobody knows of. */
export async function buryKey(deps: ManagementDeps, caller: Caller, key: VirtualKey): Promise<void> {
  const copy = await keepCopy(deps, caller, {
    store: deps.deletedKeys,
    record: key,
    scope: { kind: 'key', id: scopeOf(key).id },
  });
  await deps.keys.delete(key.hash);
  const before = keyRow(key, { spent: copy.spend, held: 0n, total: { ...NO_TOTAL, spend: copy.spend } });
  await audit(deps, caller, { action: 'deleted', kind: 'key', id: key.hash, before });
}

/** Deletes the keys of an owner, those that match. */
export async function buryKeys(
  deps: ManagementDeps,
  caller: Caller,
  owner: KeyOwner,
  matches: (key: VirtualKey) => boolean = () => true,
): Promise<void> {
  await each(await select(ownedBy(deps.keys, owner), matches), (key) => buryKey(deps, caller, key));
}

/** Deletes the record of a team, leaving a copy. */
export async function buryTeam(deps: ManagementDeps, caller: Caller, team: Team): Promise<void> {
  await keepCopy(deps, caller, { store: deps.deletedTeams, record: team, scope: { kind: 'team', id: team.id } });
  await deleteOne(deps, caller, TEAM, team.id);
}
