/**
 * For whom: puts the customer, the session and the tags of a request on the exchange, with their records. A customer nobody has seen
 * before has its default limits from its first call on; its record is written after the last byte.
 */
import { mayName, type Belonging, type Customer, type SharedBudget, type Tag } from '../domain/customer.ts';
import { requireId } from '../domain/id.ts';
import { withDefaults } from '../domain/limits.ts';
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import { describeError, type Log } from '../log.ts';
import type { EntityStore } from '../stores/entities.ts';
import { allTags, namesIn, type NameSettings } from './names.ts';
import { lineOf } from './owner.ts';
import type { Policy } from './policy.ts';

/** Most customers remembered as written, of one process. */
const MOST_KEPT = 10_000;

/** What it needs. Look-ups are cached for seconds. */
export interface IdentifyDeps extends NameSettings {
  readonly customer: (id: string) => Promise<Customer | undefined>;
  readonly tag: (name: string) => Promise<Tag | undefined>;
  readonly budget: (id: string) => Promise<SharedBudget | undefined>;
  readonly customers: Pick<EntityStore<Customer>, 'create'>;
  /** Shared budget of customers nobody has made (LiteLLM `max_end_user_budget_id`). */
  readonly defaultBudget?: string;
  /** Customers nobody has made belong to the team, or else the organization, of the key that names them first. */
  readonly ofTeams?: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
}

/**
 * Sets what the request names: called with the body as it was sent, before the gateway's own fields are taken out.
 *
 * @throws GatewayError `invalid_request` for tags, where the operator takes none from clients, and for names that can be no ids
 */
export function takeNames(exchange: Exchange, body: JsonObject, settings: NameSettings): void {
  const { endUser, sessionId, tags } = namesIn(body, exchange.request.headers, settings);
  if (settings.rejectTags === true && tags.length > 0) {
    const message =
      "Client-side tags are not allowed in requests ('reject_clientside_metadata_tags'): tags can only be set on keys.";
    throw new GatewayError('invalid_request', message, { param: 'metadata.tags' });
  }
  // A token of an identity provider has the last word on whom it speaks for.
  if (endUser !== undefined) exchange.endUser ??= endUser;
  if (sessionId !== undefined) exchange.sessionId = sessionId;
  exchange.tags = tags;
}

/**
 * Completes a body that names no model with the default model of its customer.
 *
 * @param complete what else is to be filled in, before
 */
export function withDefaultModel(
  { customer }: Pick<IdentifyDeps, 'customer'>,
  complete: (exchange: Exchange, body: JsonObject) => Promise<JsonObject>,
) {
  return async function completeModel(exchange: Exchange, body: JsonObject): Promise<JsonObject> {
    const completed = await complete(exchange, body);
    const named = completed['model'];
    if ((named !== undefined && named !== null && named !== '') || exchange.endUser === undefined) return completed;
    const model = (await customer(exchange.endUser))?.defaultModel;
    if (model === undefined) return completed;
    exchange.body = { ...exchange.body, model };
    return { ...completed, model };
  };
}

/**
 * Sets `customer`, `tags` and `tagged`, all in one round of look-ups.
 *
 * @throws GatewayError `permission` for a customer that is blocked, and for customers and tags that belong to others; `invalid_request` for
 * one that can be no id
 */
export function identify(deps: IdentifyDeps): Policy {
  const kept = new Set<string>();

  /** Writes the record, unless somebody was faster. Never throws: the call is done, and the next one tries again. */
  async function keep(customer: Customer): Promise<void> {
    if (kept.has(customer.id)) return;
    try {
      await deps.customers.create(customer);
      if (kept.size >= MOST_KEPT) kept.clear();
      kept.add(customer.id);
    } catch (error) {
      deps.log('warn', 'a new customer could not be kept; its next call tries again', { error: describeError(error) });
    }
  }

  return async function identifyPolicy(exchange, next) {
    const { user } = exchange.generate;
    if (exchange.endUser === undefined && user !== undefined && user !== '') exchange.endUser = requireId(user, 'user');
    const { endUser } = exchange;
    const defaultBudget = endUser === undefined ? undefined : deps.defaultBudget;
    exchange.tags = allTags(exchange.caller, exchange.tags);
    if (endUser === undefined && exchange.tags.length === 0) return next();
    const [known, budget, tagged] = await Promise.all([
      endUser === undefined ? undefined : deps.customer(endUser),
      defaultBudget === undefined ? undefined : deps.budget(defaultBudget),
      Promise.all(exchange.tags.map((name) => deps.tag(name))),
    ]);
    exchange.tagged = tagged.filter((tag) => tag !== undefined);
    for (const tag of exchange.tagged) requireOwn(exchange.caller, 'tag', tag);
    if (endUser === undefined) return next();
    if (known !== undefined) requireOwn(exchange.caller, 'customer', known);
    if (known?.blocked === true) {
      const message = `User blocked from making LLM API calls. User=${endUser}`;
      throw new GatewayError('permission', message, { type: 'auth_error', code: 'customer_blocked' });
    }
    if (known !== undefined) {
      exchange.customer = known;
      return next();
    }
    const unseen = newCustomer(endUser, deps, exchange.caller);
    exchange.customer = withDefaults(unseen, budget);
    const reply = await next();
    const done = reply.done.then(async (outcome) => {
      // Whoever is refused leaves no record: names cost nothing to invent.
      if (exchange.attempts > 0) await keep(unseen);
      return outcome;
    });
    return { ...reply, done };
  };
}

/**
 * Keeps calls off the customers and tags of others, whose budgets they would spend. The master key calls for whomever it wants.
 *
 * @throws GatewayError `permission`
 */
function requireOwn(caller: Exchange['caller'], kind: 'customer' | 'tag', record: Customer | Tag): void {
  if (caller?.type !== 'key' || mayName(lineOf(caller), record)) return;
  const message = `The ${kind} '${record.id}' belongs to a team or organization that this key is not of.`;
  throw new GatewayError('permission', message, { type: 'auth_error', code: `${kind}_access_denied` });
}

/** Whose a customer is that a key's call names first: of a team its team's, else its organization's. */
function firstOwner(caller: Exchange['caller']): Belonging {
  if (caller?.type !== 'key') return {};
  const { teamId, organizationId } = lineOf(caller);
  if (teamId !== undefined) return { teamId };
  return organizationId === undefined ? {} : { organizationId };
}

const newCustomer = (id: string, { now, defaultBudget, ofTeams }: IdentifyDeps, caller: Exchange['caller']): Customer => ({
  id,
  createdAt: now(),
  updatedAt: now(),
  createdBy: 'gateway',
  metadata: {},
  rev: 1,
  // The epoch: so that every process counts on the same meters before there is a record.
  budgetAnchor: 0,
  blocked: false,
  ...(ofTeams === true ? firstOwner(caller) : {}),
  ...(defaultBudget === undefined ? {} : { budgetId: defaultBudget }),
});
