/** Budgets as rows that many records share: `/budget/...`. */
import * as z from 'zod/mini';
import type { SharedBudget } from '../../domain/customer.ts';
import { withDefaults, type Limits } from '../../domain/limits.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { limitHolders, type LimitHolder } from '../../money/limit-holders.ts';
import { openBudgets } from '../budget.ts';
import type { ManagementDeps } from '../deps.ts';
import { chosen } from '../changes.ts';
import { check, freeObject, names, text } from '../input.ts';
import { LIMIT_FIELDS, limitRow, withLimits } from '../limit-fields.ts';
import { readBody } from '../fields.ts';
import { readPage, type PageRequest } from './reading.ts';
import { changeOne, createOne, deleteOne, historyRow, readOne, type RecordKind } from './record-kind.ts';
import { askedPart, contains, each, newEntity, newId, PAGING, select, type Query } from './records.ts';

/** The body of `/budget/new` and `/budget/update`. */
export const budgetBody = z.object({
  ...LIMIT_FIELDS,
  budget_id: z.nullish(text()),
  allowed_models: z.nullish(names),
  metadata: z.nullish(freeObject),
});

const row = (budget: SharedBudget, now: number): JsonObject => {
  const { budget_id: _, ...limits } = limitRow(budget, now);
  return { budget_id: budget.id, ...limits, allowed_models: budget.models, ...historyRow(budget) };
};

/** The kind. A shared budget limits nobody by itself: each record that names it counts on meters of its own. */
export const BUDGET: RecordKind<SharedBudget> = {
  name: 'budget',
  idField: 'budget_id',
  store: ({ budgets }) => budgets,
  row,
};

const answer = (deps: ManagementDeps, budget: SharedBudget): JsonObject => row(budget, deps.now());

const changed = (budget: SharedBudget, body: z.infer<typeof budgetBody>, now: number): SharedBudget => ({
  ...withLimits(budget, { ...body, budget_id: undefined }, now),
  models: chosen(body.allowed_models, budget.models) ?? [],
  metadata: chosen(body.metadata, budget.metadata) ?? {},
});

/**
 * `POST /budget/new`. Without `budget_id` one is made.
 *
 * @throws GatewayError `invalid_request`, `conflict`
 */
export async function newBudget(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const fields = readBody(budgetBody, body).fields;
  const entity = { ...newEntity(deps, caller), id: fields.budget_id ?? newId(deps) };
  const blank = { ...entity, metadata: {}, models: [], budgetAnchor: entity.createdAt };
  return answer(deps, await createOne(deps, caller, BUDGET, changed(blank, fields, entity.createdAt)));
}

/**
 * `POST /budget/update`: null clears a field, an absent one stays. It counts for everybody who has the budget, at once; caps that come
 * into force by it find what was spent.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`
 */
export async function updateBudget(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const fields = readBody(budgetBody, body).fields;
  const id = check(text(), fields.budget_id, 'budget_id');
  const holders = await holdersOf(deps, id);
  const edit = async (budget: SharedBudget): Promise<SharedBudget> => {
    const next = changed(budget, fields, deps.now());
    await each(holders, ({ scope, limits, defaults }) => {
      const filled = (shared: SharedBudget): Limits => withDefaults(withDefaults(limits, shared), defaults);
      return openBudgets(deps, { scope, limits: filled(next) }, filled(budget));
    });
    return next;
  };
  return answer(deps, await changeOne(deps, caller, BUDGET, id, edit));
}

/** Who has a shared budget. Reads every record that may have limits: nothing lists them by their budget. */
async function holdersOf(deps: ManagementDeps, id: string): Promise<readonly LimitHolder[]> {
  const holders: LimitHolder[] = [];
  for await (const holder of limitHolders(deps)) if (holder.limits.budgetId === id) holders.push(holder);
  return holders;
}

/** The body of `/budget/info`. */
export const budgetsBody = z.object({ budgets: names });

/** `POST /budget/info`: the budgets there are of those named in `budgets`. */
export async function budgetInfo(deps: ManagementDeps, body: JsonObject): Promise<readonly JsonObject[]> {
  const { budgets: ids } = check(budgetsBody, body);
  const found = await each(ids, (id) => deps.budgets.get(id, { fresh: true }));
  return found.filter((budget) => budget !== undefined).map((budget) => answer(deps, budget));
}

/** Query of `/budget/list`. */
export const BUDGET_LISTING = ['budget_id', ...PAGING];

/** `GET /budget/list`; `budget_id` is a part of the id. */
export async function listBudgets(deps: ManagementDeps, query: Query): Promise<readonly JsonObject[]> {
  const budgets = await select(deps.budgets, ({ id }) => contains(id, query('budget_id')));
  return askedPart(budgets, query).map((budget) => answer(deps, budget));
}

/** Filters of `/management/v1/budgets`: LiteLLM has `q` for a part of the id. */
export const BUDGET_FILTERS: readonly string[] = ['budget_id', 'q'];

/** `GET /management/v1/budgets`: the same, read on by cursors. */
export const readBudgets = (deps: ManagementDeps, request: PageRequest): Promise<JsonObject> =>
  readPage<SharedBudget>(request, BUDGET_FILTERS, {
    parts: [{ name: 'all', page: (page) => deps.budgets.list(page) }],
    matches: ({ id }) => contains(id, request.query('budget_id')) && contains(id, request.query('q')),
    row: (budget) => answer(deps, budget),
  });

/** The body of `/budget/delete`. */
export const budgetDeletion = z.object({ id: text() });

/**
 * `POST /budget/delete`, the budget in `id`: once nobody has it any more, since whoever has it would be left without its caps. (In LiteLLM a
 * foreign key empties the holders' `budget_id`.) Should somebody take it in the same moment, it is there again: only who looks once more after
 * it is gone can know.
 *
 * @throws GatewayError `not_found`; `invalid_request` naming how many have it, or the setting that gives it to new customers
 */
export async function deleteBudget(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const id = check(text(), body['id'] ?? body['budget_id'], 'id');
  await readOne(deps, BUDGET, id);
  requireNoDefault(deps, id);
  requireUnheld(id, await holdersOf(deps, id));
  const budget = await deleteOne(deps, caller, BUDGET, id);
  const late = await holdersOf(deps, id);
  if (late.length > 0) await createOne(deps, caller, BUDGET, budget);
  requireUnheld(id, late);
  return answer(deps, budget);
}

/** Customers that are still to come have it as well. */
function requireNoDefault({ customerBudget }: ManagementDeps, id: string): void {
  if (id !== customerBudget) return;
  const fault =
    `id: the budget '${id}' is the one of customers nobody has made (TOLLGATE_CUSTOMER_BUDGET_ID), who would have no caps ` +
    'without it; change the setting first';
  throw new GatewayError('invalid_request', fault, { param: 'id' });
}

function requireUnheld(id: string, holders: readonly LimitHolder[]): void {
  if (holders.length === 0) return;
  const counts = [...Map.groupBy(holders, ({ scope }) => scope.kind)].map(([kind, { length }]) => `${kind}: ${length}`);
  const fault =
    `id: the budget '${id}' limits ${holders.length} (${counts.join(', ')}), which would have no caps without it; ` +
    'give them another budget_id, or null, first';
  throw new GatewayError('invalid_request', fault, { param: 'id' });
}

const SETTINGS = [
  ['max_budget', 'Float', 'Requests are refused once this is spent, USD.'],
  ['soft_budget', 'Float', 'Somebody is told once this is spent, USD; nothing is refused.'],
  ['budget_duration', 'String', 'Length of the budget window: 30s, 30m, 30h, 30d, 1mo.'],
  ['max_parallel_requests', 'Integer', 'Requests open at once.'],
  ['tpm_limit', 'Integer', 'Tokens per minute.'],
  ['rpm_limit', 'Integer', 'Requests per minute.'],
] as const;

/**
 * `GET /budget/settings`: the fields of a budget, what they mean and what they are set to.
 *
 * @throws GatewayError `not_found`
 */
export async function budgetSettings(deps: ManagementDeps, id: string | undefined): Promise<readonly JsonObject[]> {
  const values = answer(deps, await readOne(deps, BUDGET, check(text(), id, 'budget_id')));
  return SETTINGS.map(([name, type, description]) => ({
    field_name: name,
    field_type: type,
    field_description: description,
    field_value: values[name] ?? null,
    stored_in_db: values[name] !== null,
    field_default_value: null,
  }));
}
