/**
 * Conversations of the Responses API, whatever the provider: `resume` puts the turns before `previous_response_id` in front of the new
 * ones, and `remember` keeps what comes back before the client sees the end of it. Both rest on the gateway's own records, so the next
 * turn may go to any provider.
 */
import { readableHistoryOf } from '../domain/compaction.ts';
import { scopeOf } from '../domain/key.ts';
import {
  deadEndOf,
  historyOf,
  inputItems,
  isId,
  isResponseId,
  listedItems,
  MOST_BYTES,
  MOST_TURNS,
  outputOf,
  withoutForeignIds,
  type Reader,
  type StoredResponse,
} from '../domain/conversation.ts';
import { GatewayError } from '../errors.ts';
import type { Background, Exchange, Outcome, Reply, Turn } from '../exchange.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import { describeError, type Log } from '../log.ts';
import type { ConversationStore } from '../stores/conversations.ts';
import { compactionsIn } from './compacted-items.ts';
import { addPart, readConversation, type Conversation } from './conversation-parts.ts';
import { onlyWhere, type Policy } from './policy.ts';

/** What conversations need. */
export interface ConversationDeps {
  readonly store: ConversationStore;
  /** How long responses are kept, milliseconds; 0 keeps none. */
  readonly ttlMs: number;
  /** A reply that calls `keep` with its finished response (and the bytes of it) before it lets go of the end of it. */
  readonly record: (reply: Reply, keep: (response: JsonObject, bytes: number) => Promise<void>) => Promise<Reply>;
  readonly now: () => number;
  readonly log: Log;
}

/** The dialect whose clients name earlier responses. */
const DIALECT = 'openai-responses';

/** Under whose name a caller's responses are kept: the key's, whatever secret it has now. */
export function readerOf({ caller }: Pick<Exchange, 'caller'>, now: number): Reader {
  return { owner: caller?.type === 'key' ? scopeOf(caller.key).id : 'master', now };
}

/**
 * Completes a body for `decode`: with the earlier turns and the items it refers to by id. Sets `exchange.turn`, and `exchange.body` to
 * what a provider can take that has seen none of it.
 *
 * @throws GatewayError `not_found` for responses and items that do not exist here or belong to somebody else
 */
export function resume({ store, now, ttlMs }: Pick<ConversationDeps, 'store' | 'now' | 'ttlMs'>) {
  return async function resumeTurn(exchange: Exchange, body: JsonObject): Promise<JsonObject> {
    if (exchange.dialect !== DIALECT) return body;
    const background = backgroundOf(body, ttlMs);
    const items = inputItems(body['input']);
    // The dialect says what is wrong with it.
    if (items === undefined) return body;
    const reader = readerOf(exchange, now());
    const conversation = await conversationOf(store, body, reader, exchange);
    const previous = await previousOf(store, body, reader);
    const turns =
      conversation?.parts ??
      (previous === undefined ? [] : [...(await earlierOf(store, previous, reader, exchange)), previous]);
    const history = historyOf(turns);
    const named = await referred(store, items, history, reader);
    const added = items.map((item) => (isReference(item) ? (named.items.get(item.id) ?? item) : item));
    const compacted = await compactionsIn(store, { history, added }, reader, exchange);
    // No provider knows our conversations: it gets all that was said in them.
    const keepers = [...(previous === undefined ? [] : [previous]), ...named.from].map(({ deploymentId }) => deploymentId);
    const keptBy = conversation === undefined ? onlyOne(keepers) : undefined;
    const open = background === undefined ? body : inForeground(body);
    const { upstreamId } = previous ?? {};
    const spoken = compacted.expand(items);
    const forKeeper =
      upstreamId === undefined && spoken === items
        ? open
        : {
            ...open,
            ...(upstreamId === undefined ? {} : { previous_response_id: upstreamId }),
            ...(spoken === items ? {} : { input: spoken }),
          };
    exchange.turn = {
      asSent: body,
      added,
      ...(previous === undefined ? {} : { previous }),
      ...(conversation === undefined ? {} : { conversation }),
      ...(compacted.sealedBy === undefined ? {} : { sealedBy: compacted.sealedBy }),
      ...(keptBy === undefined ? {} : { keptBy }),
      ...(forKeeper === body ? {} : { forKeeper }),
      ...(background === undefined ? {} : { background }),
    };
    exchange.body = open;
    const isWhole = previous === undefined && conversation === undefined && named.items.size === 0 && spoken === items;
    if (isWhole) return withoutState(body);
    const { previous_response_id: _previous, conversation: _conversation, ...rest } = open;
    const own = items.flatMap((item, index) => (isReference(item) ? withoutForeignIds(added.slice(index, index + 1)) : [item]));
    exchange.body = { ...rest, input: compacted.expand([...withoutForeignIds(history), ...own]) };
    return { ...withoutState(body), input: compacted.expand([...readableHistoryOf(turns), ...added]) };
  };
}

/**
 * Whether the answer is to be made in the background: then it is told from our store alone.
 *
 * @throws GatewayError `invalid_request` where nothing is kept, and for state that lives elsewhere
 */
function backgroundOf(body: JsonObject, ttlMs: number): Background | undefined {
  if (body['background'] !== true) return undefined;
  if (body['conversation'] != null) {
    const message =
      "background: a response that is added to a conversation is made at once; go on with 'previous_response_id'.";
    throw new GatewayError('invalid_request', message, { param: 'background', code: 'unsupported_parameter' });
  }
  if (body['store'] === false || ttlMs === 0) {
    const why = ttlMs === 0 ? 'this gateway keeps no responses' : "it requires 'store' to be true";
    throw new GatewayError('invalid_request', `background: ${why}.`, { param: 'background' });
  }
  return { streams: body['stream'] === true };
}

/** The body for a provider: our background is a stream that we read. */
function inForeground(body: JsonObject): JsonObject {
  const { background: _, ...rest } = body;
  return { ...rest, stream: true };
}

/** The body without what is settled here: a provider that does not know these words loses nothing. */
function withoutState(body: JsonObject): JsonObject {
  const {
    previous_response_id: _previous,
    store: _store,
    background: _background,
    conversation: _conversation,
    ...rest
  } = body;
  return rest;
}

/** The conversation that the turn goes on with. Parts of it may have expired: it goes on without them, and says so. */
async function conversationOf(
  store: ConversationStore,
  body: JsonObject,
  reader: Reader,
  { warnings }: Exchange,
): Promise<Conversation | undefined> {
  const { conversation: named } = body;
  if (named === undefined || named === null) return undefined;
  const id = isObject(named) ? named['id'] : named;
  if (typeof id !== 'string') {
    const message = 'conversation: expected the id of a conversation, or an object with one.';
    throw new GatewayError('invalid_request', message, { param: 'conversation' });
  }
  if (body['previous_response_id'] != null) {
    const message =
      "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only providing one of them.";
    throw new GatewayError('invalid_request', message, {
      param: 'previous_response_id',
      code: 'mutually_exclusive_parameters',
    });
  }
  const conversation = await readConversation(store, id, reader);
  if (conversation.gone > 0) {
    const reason = `${conversation.gone} earlier parts of the conversation have expired.`;
    warnings.push({ kind: 'dropped', field: 'conversation', reason });
  }
  return conversation;
}

async function previousOf(store: ConversationStore, body: JsonObject, reader: Reader): Promise<StoredResponse | undefined> {
  const id = body['previous_response_id'];
  if (id === undefined || id === null) return undefined;
  if (typeof id !== 'string') {
    const message = 'previous_response_id: expected the id of a response, as text.';
    throw new GatewayError('invalid_request', message, { param: 'previous_response_id' });
  }
  const [previous] = isResponseId(id) ? await store.get([id], reader) : [];
  if (previous === undefined) {
    throw new GatewayError('not_found', `Previous response with id '${id}' not found.`, {
      param: 'previous_response_id',
      type: 'invalid_request_error',
      code: 'previous_response_not_found',
    });
  }
  const state = deadEndOf(previous);
  if (state !== undefined) {
    const message = `Previous response with id '${id}' is ${state}; only a completed or incomplete one can be gone on from.`;
    throw new GatewayError('invalid_request', message, { param: 'previous_response_id', code: 'previous_response_not_ready' });
  }
  return previous;
}

/** The turns before it. Some may have been deleted, or expired: the conversation goes on without them, and says so. */
async function earlierOf(
  store: ConversationStore,
  { earlier, bytes }: StoredResponse,
  reader: Reader,
  { warnings }: Exchange,
): Promise<readonly StoredResponse[]> {
  if (earlier.length >= MOST_TURNS || bytes > MOST_BYTES) {
    throw new GatewayError(
      'invalid_request',
      `previous_response_id: the conversation has ${earlier.length + 1} turns and ${bytes} bytes; this gateway goes on up to ` +
        `${MOST_TURNS} turns and ${MOST_BYTES} bytes. Start anew with what matters of it as input.`,
      { param: 'previous_response_id', code: 'conversation_too_long' },
    );
  }
  const turns = await store.get(earlier, reader);
  const gone = earlier.length - turns.length;
  if (gone > 0) {
    const reason = `${gone} earlier turns of the conversation were deleted or have expired.`;
    warnings.push({ kind: 'dropped', field: 'previous_response_id', reason });
  }
  return turns;
}

interface Reference {
  readonly id: string;
}

/** An item that only names another one. Its `type` may be left out. */
const isReference = (item: JsonObject): item is JsonObject & Reference =>
  typeof item['id'] === 'string' &&
  (item['type'] === 'item_reference' || (item['type'] === undefined && item['role'] === undefined));

/** The items that are referred to, by id, and the responses they were found in outside of `history`. */
async function referred(
  store: ConversationStore,
  items: readonly JsonObject[],
  history: readonly JsonObject[],
  reader: Reader,
): Promise<{ readonly items: ReadonlyMap<string, JsonObject>; readonly from: readonly StoredResponse[] }> {
  const wanted = new Set(items.filter(isReference).map(({ id }) => id));
  if (wanted.size === 0) return { items: new Map(), from: [] };
  const known = byId(history);
  const unknown = [...wanted].filter((id) => !known.has(id));
  const holders = await store.findItems(unknown.filter(isId), reader);
  const from = await store.get([...new Set(holders.values())], reader);
  const all = new Map([...known, ...byId(from.flatMap(outputOf))]);
  const missing = unknown.find((id) => !all.has(id));
  if (missing !== undefined) {
    throw new GatewayError('not_found', `Item with id '${missing}' not found.`, {
      param: 'input',
      type: 'invalid_request_error',
    });
  }
  return { items: new Map([...all].filter(([id]) => wanted.has(id))), from };
}

const byId = (items: readonly JsonObject[]): ReadonlyMap<string, JsonObject> =>
  new Map(items.flatMap((item) => (typeof item['id'] === 'string' ? [[item['id'], item] as const] : [])));

/** The value that all of them are; undefined when they differ. */
const onlyOne = <T>([first, ...rest]: readonly T[]): T | undefined =>
  rest.every((value) => value === first) ? first : undefined;

/** Keeps each response, unless the client says `store: false`, and adds each turn to its conversation. */
export function remember(deps: ConversationDeps): Policy {
  return onlyWhere(isTurn, async function rememberPolicy(exchange, next) {
    const reply = await next();
    const { turn } = exchange;
    if (turn === undefined || deps.ttlMs === 0) return reply;
    if (turn.asSent['store'] === false && turn.conversation === undefined) return reply;
    // The work keeps its own outcome; the shell must wait for that too.
    if (turn.background !== undefined) return { ...reply, done: reply.done.then((outcome) => after(turn, outcome)) };
    return deps.record(reply, (response, bytes) => keep(deps, exchange, turn, response, bytes));
  });
}

const isTurn = ({ turn }: Exchange): boolean => turn !== undefined;

async function after({ background }: Turn, outcome: Outcome): Promise<Outcome> {
  await background?.kept;
  return outcome;
}

/** Stores a response. Never throws: the answer is paid for, and reaches its client even when it cannot be kept. */
async function keep(
  deps: ConversationDeps,
  exchange: Exchange,
  turn: Turn,
  response: JsonObject,
  bytes: number,
): Promise<void> {
  const { id } = response;
  if (!isId(id)) return;
  const stored = storedOf(deps, exchange, turn, { id, response, bytes });
  const { conversation, asSent } = turn;
  try {
    await Promise.all([
      asSent['store'] === false ? undefined : deps.store.put(stored),
      conversation && addPart(deps.store, conversation.head, partOf(stored), { ttlMs: deps.ttlMs, now: stored.createdAt }),
    ]);
  } catch (error) {
    deps.log('error', 'a response could not be kept', { id: exchange.id, error: describeError(error) });
    exchange.warnings.push({ kind: 'dropped', field: 'store', reason: 'The response could not be kept for later turns.' });
  }
}

/** What a conversation keeps of a response: it is shown by its items only. */
const partOf = ({ input, response, deploymentId }: StoredResponse): Parameters<typeof addPart>[2] => ({
  input,
  response: { id: response['id'], output: response['output'] },
  ...(deploymentId === undefined ? {} : { sealedBy: deploymentId }),
});

/** The record of a response. `bytes`: the length of its JSON. */
export function storedOf(
  { now, ttlMs }: Pick<ConversationDeps, 'now' | 'ttlMs'>,
  exchange: Exchange,
  { previous, conversation, added, asSent }: Turn,
  { id, response, bytes }: { readonly id: string; readonly response: JsonObject; readonly bytes: number },
): StoredResponse {
  const { target, keptUpstream } = exchange;
  const at = now();
  return {
    id,
    owner: readerOf(exchange, at).owner,
    createdAt: at,
    expiresAt: at + ttlMs,
    earlier: previous === undefined ? (conversation?.parts ?? []).map((part) => part.id) : [...previous.earlier, previous.id],
    bytes: (previous?.bytes ?? conversation?.bytes ?? 0) + exchange.request.body.length + bytes,
    input: listedItems(added, exchange.id),
    response: {
      ...response,
      previous_response_id: asSent['previous_response_id'] ?? null,
      ...(conversation === undefined ? {} : { conversation: { id: conversation.head.id } }),
    },
    model: exchange.modelName,
    ...(keptUpstream === true && target !== undefined ? { deploymentId: target.deployment.id } : {}),
  };
}
