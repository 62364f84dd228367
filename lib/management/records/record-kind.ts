/**
 * What management does with a record of any kind: make it, change it, delete it, list them; each change conditional on what was read,
 * with its budgets opened, audited, and told to a gateway in the same process.
 */
import { hasLimits, type LimitedScope } from '../../domain/budget.ts';
import type { Entity } from '../../domain/entity.ts';
import type { Limits } from '../../domain/limits.ts';
import type { Scope } from '../../domain/meter.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { EntityStore } from '../../stores/entities.ts';
import { audit } from '../audit.ts';
import { openBudgets } from '../budget.ts';
import type { ManagementDeps } from '../deps.ts';
import { changeRecord, notFound, readRecord, taken } from './records.ts';
import { budgeted, requireBudget } from '../standing.ts';

/** A kind of record. */
export interface RecordKind<T extends Entity> {
  /** Word for people, and kind of the audit's rows: `team`. */
  readonly name: string;
  /** Field that names one: `team_id`. */
  readonly idField: string;
  readonly store: (deps: ManagementDeps) => EntityStore<T>;
  /** The row without figures, for the audit; windows end after `now`, milliseconds since the epoch. */
  readonly row: (record: T, now: number) => JsonObject;
  /** Whose meters the limits of a record count on; absent for records that limit nobody by themselves. */
  readonly scope?: (record: T) => Scope;
}

/**
 * A record as of now.
 *
 * @throws GatewayError `not_found`
 */
export const readOne = <T extends Entity>(deps: ManagementDeps, kind: RecordKind<T>, id: string): Promise<T> =>
  readRecord(kind.store(deps), kind.name, id, kind.idField);

/** The limited scope of a record, those of its shared budget filled in; undefined when it limits nobody. */
async function limitedOf<T extends Entity & Partial<Limits>>(
  deps: ManagementDeps,
  kind: RecordKind<T>,
  record: T,
): Promise<LimitedScope | undefined> {
  if (record.budgetAnchor === undefined || kind.scope === undefined) return undefined;
  const limits = await budgeted(deps, record as Limits);
  return hasLimits(limits) ? { scope: kind.scope(record), limits } : undefined;
}

/**
 * Stores a new record.
 *
 * @throws GatewayError `conflict` when the id is taken, `invalid_request` for a shared budget that is not there
 */
export async function createOne<T extends Entity & Partial<Limits>>(
  deps: ManagementDeps,
  caller: Caller,
  kind: RecordKind<T>,
  record: T,
): Promise<T> {
  await requireBudget(deps, record);
  const limited = await limitedOf(deps, kind, record);
  if (limited !== undefined) await openBudgets(deps, limited);
  if ((await kind.store(deps).create(record)) === 'exists') throw taken(kind.name, record.id, kind.idField);
  deps.onChange?.();
  await audit(deps, caller, { action: 'created', kind: kind.name, id: record.id, after: kind.row(record, deps.now()) });
  return record;
}

/**
 * Changes a record, again when somebody else was faster.
 *
 * @param action what the audit calls it
 * @throws GatewayError `not_found`, `conflict`
 */
export async function changeOne<T extends Entity & Partial<Limits>>(
  deps: ManagementDeps,
  caller: Caller,
  kind: RecordKind<T>,
  id: string,
  edit: (record: T) => T | Promise<T>,
  action: 'updated' | 'blocked' | 'unblocked' = 'updated',
): Promise<T> {
  const { before, after } = await changeRecord(
    deps,
    caller,
    { store: kind.store(deps), kind: kind.name, id },
    async (record) => {
      const changed = await edit(record);
      await requireBudget(deps, changed, record);
      const [was, is] = await Promise.all([limitedOf(deps, kind, record), limitedOf(deps, kind, changed)]);
      if (is !== undefined) await openBudgets(deps, is, was?.limits);
      return changed;
    },
  );
  await audit(deps, caller, {
    action,
    kind: kind.name,
    id,
    before: kind.row(before, deps.now()),
    after: kind.row(after, deps.now()),
  });
  return after;
}

/**
 * Deletes a record.
 *
 * @returns it as it was
 * @throws GatewayError `not_found`
 */
export async function deleteOne<T extends Entity>(
  deps: ManagementDeps,
  caller: Caller,
  kind: RecordKind<T>,
  id: string,
): Promise<T> {
  const record = await kind.store(deps).delete(id);
  if (record === undefined) throw notFound(kind.name, id, kind.idField);
  deps.onChange?.();
  await audit(deps, caller, { action: 'deleted', kind: kind.name, id, before: kind.row(record, deps.now()) });
  return record;
}

/** When and by whom a record was made and changed, as rows say it. */
export const historyRow = ({ createdAt, updatedAt, createdBy, updatedBy }: Entity): JsonObject => ({
  created_at: new Date(createdAt).toISOString(),
  created_by: createdBy ?? null,
  updated_at: new Date(updatedAt).toISOString(),
  updated_by: updatedBy ?? null,
});
