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
import { keyRow, keySecretName } from '../keys/key-answer.ts';
import { recordsOfKey } from '../keys/key-succession.ts';
import { deleteOne } from '../records/record-kind.ts';
import { each, newEntity, newId, ownedBy, select, undo } from '../records/records.ts';

/**
 * Keeps a copy under the id the ledger knows the record by; where another one was deleted before under the same id, under an id of its own.
 * One that was kept of the same record already, by a deletion that was cut off, is as good.
 */
async function keepCopy<T extends { readonly createdAt: number }>(
  deps: ManagementDeps,
  caller: Caller,
  { store, record, scope }: { readonly store: EntityStore<Deleted<T>>; readonly record: T; readonly scope: TotalScope },
): Promise<Deleted<T>> {
  const { createdBy: deletedBy = '', ...entity } = newEntity(deps, caller);
  const spend = netSpend(await deps.totals.read(scope));
  const copy = { ...entity, id: scope.id, metadata: {}, record, deletedAt: entity.createdAt, deletedBy, spend };
  if ((await store.create(copy)) === 'created') return copy;
  const known = await store.get(scope.id, { fresh: true });
  if (known?.record.createdAt === record.createdAt) return known;
  await store.create({ ...copy, id: newId(deps) });
  return copy;
}

/**
 * Deletes a key: the records of all its secrets, and the one that the keeper left for its owner. The copy is written first: a crash in between
 * leaves a copy too many, never a key nobody knows of.
 */
export async function buryKey(deps: ManagementDeps, caller: Caller, key: VirtualKey): Promise<void> {
  const copy = await keepCopy(deps, caller, {
    store: deps.deletedKeys,
    record: key,
    scope: { kind: 'key', id: scopeOf(key).id },
  });
  const gone = await deps.keys.delete(key.hash);
  const isAlone = gone?.rev === key.rev && key.origin === undefined && gone.rotatingTo === undefined;
  const others = isAlone ? [] : await recordsOfKey(deps, key);
  await each(others, ({ hash }) => deps.keys.delete(hash));
  // It opens nothing any more: should it stay, that is told in the log alone.
  if (key.lastRotatedAt !== undefined || others.length > 0)
    await undo(deps, 'key', () => deps.secrets.delete(keySecretName(key)));
  if (gone === undefined && others.length === 0) return;
  const before = keyRow(key, { spent: copy.spend, held: 0n, total: { ...NO_TOTAL, spend: copy.spend } });
  await audit(deps, caller, { action: 'deleted', kind: 'key', id: key.hash, before });
}

/** Deletes the keys of an owner, those that match. Records of old secrets only point to keys, which may have another owner by now. */
export async function buryKeys(
  deps: ManagementDeps,
  caller: Caller,
  owner: KeyOwner,
  matches: (key: VirtualKey) => boolean = () => true,
): Promise<void> {
  const keys = await select(ownedBy(deps.keys, owner), (key) => key.supersededBy === undefined && matches(key));
  await each(keys, (key) => buryKey(deps, caller, key));
}

/** Deletes the record of a team, leaving a copy. */
export async function buryTeam(deps: ManagementDeps, caller: Caller, team: Team): Promise<void> {
  await keepCopy(deps, caller, { store: deps.deletedTeams, record: team, scope: { kind: 'team', id: team.id } });
  await deleteOne(deps, caller, TEAM, team.id);
}
