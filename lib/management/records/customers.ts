/** Customers, the end users of whoever calls: `/customer/...` and `/end_user/...`. */
import * as z from 'zod/mini';
import type { Customer } from '../../domain/customer.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { chosen, edited } from '../changes.ts';
import { check, flag, freeObject, names, ownerId, ownerIds, text } from '../input.ts';
import { BELONGING_FIELDS, belongingAfter, belongingRow, requireOwners } from './belonging.ts';
import { LIMIT_FIELDS, limitRow, withLimits } from '../limit-fields.ts';
import { keptAfter, readBody } from '../fields.ts';
import { changeOne, createOne, deleteOne, historyRow, readOne, type RecordKind } from './record-kind.ts';
import { askedPart, contains, each, newEntity, PAGING, select, type Query } from './records.ts';
import { limitedRow } from '../standing.ts';

/** The body of `/customer/new` and `/customer/update`. */
export const customerBody = z.object({
  ...LIMIT_FIELDS,
  user_id: ownerId(),
  alias: z.nullish(text()),
  blocked: z.nullish(flag),
  allowed_model_region: z.nullish(z.enum(['eu', 'us'], 'expected eu or us')),
  default_model: z.nullish(text()),
  ...BELONGING_FIELDS,
  metadata: z.nullish(freeObject),
});

const row = (customer: Customer, now: number): JsonObject => ({
  user_id: customer.id,
  alias: customer.alias ?? null,
  blocked: customer.blocked,
  allowed_model_region: customer.region ?? null,
  default_model: customer.defaultModel ?? null,
  ...belongingRow(customer),
  ...limitRow(customer, now),
  metadata: customer.metadata,
  ...customer.kept,
  ...historyRow(customer),
});

const CUSTOMER: RecordKind<Customer> = {
  name: 'customer',
  idField: 'user_id',
  store: ({ customers }) => customers,
  row,
  scope: ({ id }) => ({ kind: 'customer', id }),
};

const answer = async (deps: ManagementDeps, customer: Customer): Promise<JsonObject> => ({
  ...row(customer, deps.now()),
  ...(await limitedRow(deps, 'customer', customer)),
});

const changed = (customer: Customer, body: z.infer<typeof customerBody>, kept: JsonObject, now: number): Customer =>
  edited(withLimits(customer, body, now), {
    kept: undefined,
    ...keptAfter(customer.kept, kept),
    alias: chosen(body.alias, customer.alias),
    blocked: chosen(body.blocked, customer.blocked) ?? false,
    region: chosen<'eu' | 'us'>(body.allowed_model_region, customer.region),
    defaultModel: chosen(body.default_model, customer.defaultModel),
    ...belongingAfter(customer, body),
    metadata: chosen(body.metadata, customer.metadata) ?? {},
  });

/** A customer with nothing set. */
function blank(deps: ManagementDeps, caller: Caller, id: string): Customer {
  const entity = { ...newEntity(deps, caller), id: id };
  return { ...entity, metadata: {}, blocked: false, budgetAnchor: entity.createdAt };
}

/**
 * `POST /customer/new`.
 *
 * @throws GatewayError `invalid_request`, `conflict`
 */
export async function newCustomer(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields, kept } = readBody(customerBody, body);
  await requireOwners(deps, fields);
  const customer = changed(blank(deps, caller, fields.user_id), fields, kept, deps.now());
  return answer(deps, await createOne(deps, caller, CUSTOMER, customer));
}

/**
 * `POST /customer/update`: null clears a field, an absent one stays.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`
 */
export async function updateCustomer(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields, kept } = readBody(customerBody, body);
  await requireOwners(deps, fields);
  return answer(
    deps,
    await changeOne(deps, caller, CUSTOMER, fields.user_id, (customer) => changed(customer, fields, kept, deps.now())),
  );
}

/**
 * `GET /customer/info?end_user_id=`.
 *
 * @throws GatewayError `not_found`
 */
export async function customerInfo(deps: ManagementDeps, id: string | undefined): Promise<JsonObject> {
  const asked = check(ownerId(), id, 'end_user_id');
  const customer = await deps.customers.get(asked, { fresh: true });
  if (customer !== undefined) return answer(deps, customer);
  throw new GatewayError('not_found', `No customer '${asked}': not found.`, { type: 'not_found_error', param: 'end_user_id' });
}

/** Query of `/customer/list`. */
export const CUSTOMER_LISTING = ['alias', 'budget_id', 'blocked', ...PAGING];

/**
 * `GET /customer/list`, newest first: all of them as LiteLLM has it, one page where one is asked for.
 *
 * @throws GatewayError `invalid_request`
 */
export async function listCustomers(deps: ManagementDeps, query: Query): Promise<readonly JsonObject[]> {
  const [budget, blocked] = [query('budget_id'), query('blocked')];
  const customers = await select(
    deps.customers,
    (customer) =>
      contains(customer.alias, query('alias')) &&
      (budget === undefined || budget === customer.budgetId) &&
      (blocked === undefined || blocked === String(customer.blocked)),
  );
  return each(askedPart(customers, query), (customer) => answer(deps, customer));
}

/** The body of routes about several customers. */
export const customersBody = z.object({ user_ids: names });
/** That of `/customer/block`. */
export const blockedBody = z.object({ user_ids: ownerIds });

/**
 * `POST /customer/delete`, customers in `user_ids`. All of them must exist, else none is deleted.
 *
 * @throws GatewayError `not_found`
 */
export async function deleteCustomers(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const ids = [...new Set(check(customersBody, body).user_ids)];
  await each(ids, (id) => readOne(deps, CUSTOMER, id));
  await each(ids, (id) => deleteOne(deps, caller, CUSTOMER, id));
  return { deleted_customers: ids.length, message: `Successfully deleted customers with ids: ${ids.join(', ')}` };
}

/** `POST /customer/block` and `/customer/unblock`. Customers nobody has seen yet are made, so that blocking one holds from its first call. */
export async function setCustomersBlocked(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
  blocked: boolean,
): Promise<JsonObject> {
  // One that is made by this has to be one that calls can name.
  const ids = [...new Set(check(blocked ? blockedBody : customersBody, body).user_ids)];
  const rows = await each(ids, async (id) => {
    if (blocked) await deps.customers.create(blank(deps, caller, id));
    return changeOne(deps, caller, CUSTOMER, id, (known) => ({ ...known, blocked }), blocked ? 'blocked' : 'unblocked');
  });
  return blocked
    ? { blocked_users: rows.map((customer) => row(customer, deps.now())) }
    : { unblocked_users: rows.map(({ id }) => id) };
}
