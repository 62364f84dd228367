/**
 * What the routes below `/v1/responses/{id}` answer, from the responses that the gateway keeps. A caller sees its own; those of others do
 * not exist for it.
 */
import { isResponseId, runningView, type Reader, type StoredResponse } from '../domain/conversation.ts';
import { GatewayError } from '../errors.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { ConversationStore } from '../stores/conversations.ts';

/** A request for one of these routes. */
export interface StoredRequest {
  readonly method: string;
  /** The route without prefixes: `/v1/responses/{id}/input_items`. */
  readonly route: string;
  /** Id in the path. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly reader: Reader;
}

/** Items on a page: what a client may ask for, and gets without asking (API reference, "List input items"). */
const MOST_ITEMS = 100;
const ITEMS = 20;

/**
 * The body of the answer.
 *
 * @throws GatewayError `not_found` in OpenAI's words; `invalid_request` for what cannot be done here, and why
 */
export async function answerStored(store: ConversationStore, request: StoredRequest): Promise<JsonObject> {
  const { method, route, id, query, reader } = request;
  if (method === 'DELETE') {
    if (!isResponseId(id) || !(await store.delete(id, reader))) throw notFound(id);
    return { id, object: 'response.deleted', deleted: true };
  }
  const [stored] = isResponseId(id) ? await store.get([id], reader) : [];
  if (stored === undefined) throw notFound(id);
  if (route.endsWith('/input_items')) return pageOf(stored.input, query);
  if (route.endsWith('/cancel')) return cancelled(store, stored, reader);
  return standing(store, stored, reader);
}

/** The response as it stands now: its maker may have been stopped, or lost. */
async function standing(store: ConversationStore, stored: StoredResponse, reader: Reader): Promise<JsonObject> {
  if (stored.runsUntil === undefined) return stored.response;
  const fate = await store.fate(stored.id, reader);
  return runningView(stored, fate === 'open' ? undefined : fate, reader.now);
}

/** Stops a response that is being made. One that is over stays as it is, however often it is cancelled. */
async function cancelled(store: ConversationStore, stored: StoredResponse, reader: Reader): Promise<JsonObject> {
  const { id, response, runsUntil } = stored;
  if (response['background'] !== true) {
    throw new GatewayError('invalid_request', 'Cannot cancel a synchronous response.', { code: 'response_not_cancellable' });
  }
  if (runsUntil === undefined) return response;
  if (reader.now >= runsUntil) return standing(store, stored, reader);
  const ending = await store.decide(id, 'cancelled', reader);
  if (ending === 'cancelled') return runningView(stored, ending, reader.now);
  // It was done, or deleted, a moment ago.
  const [latest] = await store.get([id], reader);
  if (latest === undefined) throw notFound(id);
  return standing(store, latest, reader);
}

/** The error for a response that does not exist here, or belongs to somebody else. */
export const notFound = (id: string): GatewayError =>
  new GatewayError('not_found', `Response with id '${id}' not found.`, {
    type: 'invalid_request_error',
    code: 'response_not_found',
  });

/**
 * A page of items, newest first unless the query asks for `order=asc`.
 *
 * @throws GatewayError `invalid_request` for a query that makes no page
 */
export function pageOf(list: readonly JsonObject[], query: URLSearchParams): JsonObject {
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw wrong('order', 'asc or desc', order);
  const limit = Number(query.get('limit') ?? ITEMS);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ITEMS) {
    throw wrong('limit', `a whole number from 1 to ${MOST_ITEMS}`, query.get('limit') ?? '');
  }
  const items = order === 'asc' ? list : list.toReversed();
  const after = query.get('after');
  const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) throw wrong('after', 'the id of an item in this list', after);
  const data = items.slice(start, start + limit);
  return {
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: start + limit < items.length,
  };
}

/** The error for a parameter of the query. */
export const wrong = (param: string, expected: string, got: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: expected ${expected}, got "${got}".`, { param });
