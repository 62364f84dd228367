/** What the routes below `/v1/conversations` answer. A caller sees its own conversations; those of others do not exist for it. */
import {
  conversationId,
  historyOf,
  listedItems,
  outputOf,
  partId,
  type Reader,
  type StoredResponse,
} from './domain/conversation.ts';
import { GatewayError } from './errors.ts';
import { isObject, type JsonObject } from './kinds/json.ts';
import { addPart, headOf, readConversation } from './policies/conversation-parts.ts';
import { pageOf } from './responses/stored-responses.ts';
import type { ConversationStore } from './stores/conversations.ts';

/** What they need. */
export interface ConversationRoutesDeps {
  readonly store: ConversationStore;
  /** How long conversations are kept after their last part, milliseconds; 0 keeps none. */
  readonly ttlMs: number;
  /**
   * Checks items as a request would.
   *
   * @throws GatewayError `invalid_request`
   */
  readonly check: (items: readonly JsonObject[]) => void;
}

/** A request for one of these routes. */
export interface ConversationRequest {
  readonly method: string;
  /** The route without prefixes. */
  readonly route: string;
  readonly id: string;
  /** Id of an item in the path. */
  readonly item: string | undefined;
  readonly query: URLSearchParams;
  /** Undefined where nothing was sent. */
  readonly body: JsonObject | undefined;
  readonly reader: Reader;
  /** Unique per request: makes ids. */
  readonly serial: string;
}

/** Parts deleted side by side. */
const DELETED_AT_ONCE = 50;

/** Most items added at once (API reference, "Create items"). */
const MOST_ADDED = 20;

/** The body of the answer. Throws `GatewayError` in OpenAI's words, and `invalid_request` where nothing is kept. */
export async function answerConversation(deps: ConversationRoutesDeps, request: ConversationRequest): Promise<JsonObject> {
  const { method, route, id, item, reader, query } = request;
  const { store } = deps;
  if (route === '/v1/conversations') return created(deps, request);
  if (item !== undefined) return method === 'DELETE' ? withoutItem(deps, request, item) : oneItem(deps, request, item);
  if (route.endsWith('/items')) {
    if (method === 'POST') return added(deps, request);
    return pageOf(historyOf((await readConversation(store, id, reader)).parts), query);
  }
  if (method === 'POST') return updated(deps, request);
  if (method === 'DELETE') return deleted(deps, request);
  return (await headOf(store, id, reader)).response;
}

async function created(deps: ConversationRoutesDeps, { body = {}, reader, serial }: ConversationRequest): Promise<JsonObject> {
  const { ttlMs, store } = deps;
  if (ttlMs === 0) {
    throw new GatewayError('invalid_request', 'This gateway keeps no conversations.', { code: 'unsupported_operation' });
  }
  const items = body['items'] == null ? [] : itemsIn(deps, body, serial);
  const id = conversationId(serial);
  const createdAt = Math.floor(reader.now / 1000);
  const response = { id, object: 'conversation', created_at: createdAt, metadata: metadataIn(body) };
  const { owner, now } = reader;
  const life = { createdAt: now, expiresAt: now + ttlMs };
  const head: StoredResponse = { id, owner, ...life, earlier: [], bytes: 0, input: [], response, model: '' };
  await store.put(head);
  if (items.length > 0) await addPart(store, head, { input: items, response: {} }, { ttlMs, now });
  return response;
}

async function updated(
  { store, ttlMs }: ConversationRoutesDeps,
  { id, body = {}, reader }: ConversationRequest,
): Promise<JsonObject> {
  const head = await headOf(store, id, reader);
  const response = { ...head.response, metadata: metadataIn(body) };
  await store.put({ ...head, response, expiresAt: reader.now + ttlMs });
  return response;
}

/** Takes all of it away: what it says is nobody's business any more. */
async function deleted({ store }: ConversationRoutesDeps, { id, reader }: ConversationRequest): Promise<JsonObject> {
  const [, taken] = await Promise.all([headOf(store, id, reader), store.taken(id, reader)]);
  await store.delete(id, reader);
  for (let from = 0; from < taken; from += DELETED_AT_ONCE) {
    const some = Array.from({ length: Math.min(DELETED_AT_ONCE, taken - from) }, (_, at) => partId(id, from + at));
    await Promise.all(some.map((part) => store.delete(part, reader)));
  }
  return { id, object: 'conversation.deleted', deleted: true };
}

async function added(
  deps: ConversationRoutesDeps,
  { id, body = {}, reader, serial }: ConversationRequest,
): Promise<JsonObject> {
  const head = await headOf(deps.store, id, reader);
  const items = itemsIn(deps, body, serial);
  await addPart(deps.store, head, { input: items, response: {} }, { ttlMs: deps.ttlMs, now: reader.now });
  return pageOf(items, new URLSearchParams({ order: 'asc', limit: String(Math.max(1, items.length)) }));
}

async function oneItem(
  { store }: ConversationRoutesDeps,
  { id, reader }: ConversationRequest,
  itemId: string,
): Promise<JsonObject> {
  const { parts } = await readConversation(store, id, reader);
  const found = historyOf(parts).find((item) => item['id'] === itemId);
  if (found === undefined) throw noItem(itemId, id);
  return found;
}

async function withoutItem(
  { store }: ConversationRoutesDeps,
  { id, reader }: ConversationRequest,
  itemId: string,
): Promise<JsonObject> {
  const { head, parts } = await readConversation(store, id, reader);
  const isIt = (item: JsonObject): boolean => item['id'] === itemId;
  const part = parts.find((one) => historyOf([one]).some(isIt));
  if (part === undefined) throw noItem(itemId, id);
  const output = outputOf(part);
  const response = output.some(isIt) ? { ...part.response, output: output.filter((item) => !isIt(item)) } : part.response;
  await store.put({ ...part, input: part.input.filter((item) => !isIt(item)), response });
  return head.response;
}

const noItem = (itemId: string, id: string): GatewayError =>
  new GatewayError('not_found', `Item with id '${itemId}' not found in conversation '${id}'.`, {
    type: 'invalid_request_error',
    code: 'item_not_found',
  });

/** The items of a body, checked, as lists show them. */
function itemsIn({ check }: ConversationRoutesDeps, { items }: JsonObject, serial: string): readonly JsonObject[] {
  if (!Array.isArray(items) || !items.every(isObject) || items.length === 0 || items.length > MOST_ADDED) {
    throw new GatewayError('invalid_request', `items: expected 1 to ${MOST_ADDED} items.`, { param: 'items' });
  }
  if (items.some((item) => item['type'] === 'item_reference')) {
    throw new GatewayError('invalid_request', 'items: expected items, not references to them.', { param: 'items' });
  }
  check(items);
  return listedItems(items, serial).map((item) => ({
    ...item,
    ...(item['type'] === 'message' ? { status: 'completed' } : {}),
  }));
}

/** OpenAI's limits: 16 pairs, 64 characters of a name, 512 of a value. */
function metadataIn({ metadata }: JsonObject): JsonObject {
  if (metadata === undefined || metadata === null) return {};
  const pairs = isObject(metadata) ? Object.entries(metadata) : undefined;
  const fits = pairs?.every(([name, value]) => name.length <= 64 && typeof value === 'string' && value.length <= 512) === true;
  if (pairs !== undefined && fits && pairs.length <= 16) return Object.fromEntries(pairs);
  const message = 'metadata: expected up to 16 pairs of a name (64 characters) and a text (512 characters).';
  throw new GatewayError('invalid_request', message, { param: 'metadata' });
}
