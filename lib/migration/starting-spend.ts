/** What LiteLLM counted as spent: in the ledger, and in the meters of the budgets that it counts on. */
import { createHash } from 'node:crypto';
import { budgetsOf } from '../domain/budget.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { withDefaults, type Limits } from '../domain/limits.ts';
import type { Scope } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import type { Owner } from '../domain/owner.ts';
import { windowAt } from '../domain/window.ts';
import { bringIn, broughtInto } from '../money/bring-in.ts';
import { countsOn } from '../money/budgeted-scopes.ts';
import { readMeter } from '../money/shards.ts';
import type { Stores } from '../stores/stores.ts';
import type { Imported } from './records.ts';

/**
 * A function that books what a scope spent elsewhere: an entry of its own in the ledger, whose id is the scope's, so that it is booked
 * once; then the same amount in the meters it counts on. LiteLLM zeroes `spend` when a budget resets, so the amount is that of the current
 * window, and dated to its beginning: budgets of windows that began later, and of single models, begin at nothing, since LiteLLM keeps
 * their counters outside of its database.
 *
 * Should it stop in between, a second run finds the entry and a meter into which nothing was brought. What is missing still is left to the
 * night's reconciliation: where somebody else brought something in meanwhile, or the row does not say when its window began, so that the
 * second run takes it for another one.
 *
 * @param now milliseconds since the epoch
 */
export function createBooking({ ledger, meters }: Pick<Stores, 'ledger' | 'meters'>, imported: Imported, now: () => number) {
  const limitsOf = limitsByScope(imported);
  return async function book(scope: Scope, amount: Money): Promise<'created' | 'kept'> {
    const endedAt = now();
    const limits = limitsOf.get(nameOf(scope));
    const budgets = limits === undefined ? [] : budgetsOf({ scope, limits }, endedAt);
    // Before the entry: whoever brings in something afterwards may have seen it.
    const seen = await Promise.all(budgets.map(async (budget) => ({ budget, meter: await readMeter(meters, budget.meter) })));
    const own = spendEntry(scope, amount, { at: limits === undefined ? endedAt : beginningOf(limits, endedAt), endedAt });
    const isNew = (await ledger.record(own)) === 'recorded';
    const entry = isNew ? own : await ledger.get(own.id);
    for (const { budget, meter } of seen) {
      if (entry?.cost === undefined || !countsOn(budget, entry)) continue;
      if (isNew || broughtInto(meter) === 0n) await bringIn(meters, budget, meter, entry.cost);
    }
    return isNew ? 'created' : 'kept';
  };
}

const nameOf = ({ kind, id }: Scope): string => `${kind}#${id}`;

const beginningOf = ({ budgetDuration: duration, budgetAnchor: anchor }: Limits, now: number): number =>
  Math.min(now, windowAt({ duration, anchor, now }).start);

/** Limits in force by scope: those of shared budgets filled in. */
function limitsByScope(imported: Imported): ReadonlyMap<string, Limits> {
  const shared = new Map(imported.budgets.map((budget) => [budget.id, budget]));
  const found = new Map<string, Limits>();
  const add = (kind: Scope['kind'], id: string, limits: Limits): void =>
    void found.set(nameOf({ kind, id }), withDefaults(limits, shared.get(limits.budgetId ?? '')));
  for (const key of imported.keys) if (key.supersededBy === undefined) add('key', key.hash, key);
  for (const team of imported.teams) add('team', team.id, team);
  for (const user of imported.users) add('user', user.id, user);
  for (const organization of imported.organizations) add('organization', organization.id, organization);
  for (const project of imported.projects) add('project', project.id, project);
  for (const customer of imported.customers) add('customer', customer.id, customer);
  for (const tag of imported.tags) add('tag', tag.id, tag);
  return found;
}

/** Where an owner of spend stands in a ledger entry. */
const OWNER_FIELDS: Readonly<Partial<Record<Scope['kind'], keyof Owner>>> = {
  team: 'teamId',
  user: 'userId',
  organization: 'organizationId',
  project: 'projectId',
  customer: 'endUser',
};

/** Stands for the key of spend that belongs to no key, and for the route. */
const IMPORT = 'import';

/** Spend of one scope alone: its keys, teams and users each bring what they spent themselves. */
function spendEntry(scope: Scope, amount: Money, times: Pick<LedgerEntry, 'at' | 'endedAt'>): LedgerEntry {
  const field = OWNER_FIELDS[scope.kind];
  return {
    id: `import-${scope.kind}-${createHash('sha256').update(scope.id).digest('hex')}`,
    ...times,
    status: 'success',
    keyHash: scope.kind === 'key' ? scope.id : IMPORT,
    ...(field === undefined ? {} : { [field]: scope.id }),
    tags: scope.kind === 'tag' ? [scope.id] : [],
    kind: 'adjustment',
    adjusts: scope,
    route: IMPORT,
    clientDialect: '',
    modelGroup: '',
    stream: false,
    httpStatus: 200,
    cost: amount,
    price: { source: 'operator', rule: 'starting_spend' },
    attempts: 0,
    durationMs: 0,
  };
}
