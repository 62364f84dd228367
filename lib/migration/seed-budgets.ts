/** Meters of budgets that LiteLLM had before: they begin with what it had counted. */
import { budgetsOf } from '../domain/budget.ts';
import { withDefaults, type Limits } from '../domain/limits.ts';
import type { Scope } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import type { MeterStore } from '../stores/meters.ts';
import type { Imported } from './records.ts';

/**
 * A function that makes the meters of a scope's budgets with an amount spent, where they are not there yet. LiteLLM zeroes `spend` when a
 * budget resets, so the amount is that of the current window. Budgets of single models and further windows begin at nothing: LiteLLM
 * keeps their counters outside of its database.
 */
export function seedBudgets(meters: Pick<MeterStore, 'seed'>, imported: Imported, now: () => number) {
  const limits = limitsByScope(imported);
  return async function seed(scope: Scope, spent: Money): Promise<void> {
    const own = limits.get(nameOf(scope));
    if (own?.maxBudget === undefined) return;
    const [budget] = budgetsOf({ scope, limits: own }, now());
    if (budget !== undefined) await meters.seed(budget.meter, { usd: spent });
  };
}

const nameOf = ({ kind, id }: Scope): string => `${kind}#${id}`;

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
