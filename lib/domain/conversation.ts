/**
 * Conversations that the gateway keeps, one record per response, and the rules about them: how the turns add up, and which
 * items make sense to a provider that has not seen them before. Items are those of OpenAI's Responses API.
 */
import { isObject, type JsonObject } from '../kinds/json.ts';

/** A response with what led to it. Times in milliseconds since the epoch. */
export interface StoredResponse {
  /** Id of the response as the client knows it: `resp_...`. */
  readonly id: string;
  /** Who asked, and the only one who may see it: the id of the key's scope, or `master`. */
  readonly owner: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  /** Responses before it in the conversation, oldest first. */
  readonly earlier: readonly string[];
  /** Bytes of JSON of the conversation up to here, as far as records of it were read. */
  readonly bytes: number;
  /** What the client added in this turn. Every item has an `id`. */
  readonly input: readonly JsonObject[];
  /** The response as it was sent; its output items are in `output`. */
  readonly response: JsonObject;
  /** Name the client called. */
  readonly model: string;
  /** Deployment whose provider keeps the response too; absent where the gateway alone has it. */
  readonly deploymentId?: string;
  /** Its id at that provider, where it is another one. */
  readonly upstreamId?: string;
  /** Deployment whose provider alone can read a compaction in it, of a response that this provider does not keep. */
  readonly sealedBy?: string;
  /** What a compaction of ours stands for. */
  readonly summary?: string;
  /** Its events are kept too. */
  readonly streamed?: boolean;
  /** Only while it is made in the background: the moment by which it is done, or lost. */
  readonly runsUntil?: number;
}

/** The two ends of a response that is made in the background: its maker's, whatever it came to, or its client's. */
export type Ending = 'finished' | 'cancelled';

/** Who reads, and when. */
export interface Reader {
  readonly owner: string;
  readonly now: number;
}

/** Most responses in one conversation. */
export const MOST_TURNS = 500;

/** Largest conversation that is put together, bytes of JSON: a function has to hold it several times over. */
export const MOST_BYTES = 16 * 1024 * 1024;

/** Ids that may be looked up: those of every provider we know, and nothing that a store's keys could not take. */
const ID = /^[\w.:=+/-]{1,512}$/;

/** True for text that may be the id of a response or an item. */
export const isId = (value: unknown): value is string => typeof value === 'string' && ID.test(value);

/** Begins the ids of conversations, which the store keeps beside responses. */
const CONVERSATION = 'conv_';

/** True for text that may be the id of a conversation. */
export const isConversationId = (value: unknown): value is string => isId(value) && /^conv_\w+$/.test(value);

/** True for text that may be the id of a response. */
export const isResponseId = (value: unknown): value is string => isId(value) && !value.startsWith(CONVERSATION);

/** A new id of a conversation. */
export const conversationId = (serial: string): string => `${CONVERSATION}${serial}`;

/** Id of the record that holds a part of a conversation: what one turn, or its owner, added to it. */
export const partId = (conversation: string, part: number): string => `${conversation}:${part}`;

/** The items the model wrote. */
export function outputOf({ response }: Pick<StoredResponse, 'response'>): readonly JsonObject[] {
  const { output } = response;
  return Array.isArray(output) ? output.filter(isObject) : [];
}

/** States from which no conversation goes on: not made yet, or never made. */
const DEAD_ENDS = new Set<unknown>(['queued', 'in_progress', 'failed', 'cancelled']);

/** The state of a response that cannot be gone on from; undefined for one that can. */
export function deadEndOf({ response }: Pick<StoredResponse, 'response'>): string | undefined {
  const { status } = response;
  return DEAD_ENDS.has(status) ? String(status) : undefined;
}

/**
 * A response that was being made when it was stored, as it stands now.
 *
 * @param ending how it ended, if anybody said so
 */
export function runningView({ response, runsUntil = 0 }: StoredResponse, ending: Ending | undefined, now: number): JsonObject {
  if (ending === 'cancelled') return { ...response, status: 'cancelled' };
  if (now < runsUntil) return response;
  const message = 'The gateway stopped while it made this response. Whatever it cost is in the ledger; ask again.';
  return { ...response, status: 'failed', error: { code: 'server_error', message } };
}

/** Ids of those items, each once. */
export const itemIdsOf = (stored: Pick<StoredResponse, 'response'>): readonly string[] =>
  [...new Set(outputOf(stored).map(({ id }) => id)).values()].filter(isId);

/** Everything said in these turns, in order. */
export const historyOf = (turns: readonly StoredResponse[]): readonly JsonObject[] =>
  turns.flatMap((turn) => [...turn.input, ...outputOf(turn)]);

/** Prefixes of item ids, where OpenAI has one of its own. */
const PREFIXES: Readonly<Record<string, string>> = { message: 'msg', function_call: 'fc', reasoning: 'rs' };

/** The `input` of a request as items; undefined when it is neither text nor a list of objects. */
export function inputItems(input: unknown): readonly JsonObject[] | undefined {
  if (input === undefined || input === null) return [];
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  return Array.isArray(input) && input.every(isObject) ? input : undefined;
}

/**
 * Items as lists show them: with a type, an id, and content in parts.
 *
 * @param serial makes the ids of items that have none: unique per request
 */
export function listedItems(items: readonly JsonObject[], serial: string): readonly JsonObject[] {
  return items.map((item, index) => {
    const type = typeof item['type'] === 'string' ? item['type'] : 'message';
    const typed = { type, ...item, ...(type === 'message' ? { content: contentOf(item) } : {}) };
    return typeof item['id'] === 'string' ? typed : { ...typed, id: `${PREFIXES[type] ?? 'item'}_${serial}${index}` };
  });
}

/** Content in parts, as lists of items show it. */
function contentOf({ role, content }: JsonObject): unknown {
  if (typeof content !== 'string') return content;
  const part = { type: role === 'assistant' ? 'output_text' : 'input_text', text: content };
  return [role === 'assistant' ? { ...part, annotations: [] } : part];
}

/** Items whose id is a name only: their content says everything. */
const SELF_CONTAINED = new Set([
  'message',
  'function_call',
  'function_call_output',
  'custom_tool_call',
  'custom_tool_call_output',
  'reasoning',
]);

/**
 * Items for a provider that does not keep them: without ids it has never given, which OpenAI looks up and refuses, and without
 * reasoning that is nothing but such an id.
 */
export function withoutForeignIds(items: readonly JsonObject[]): readonly JsonObject[] {
  return items.filter(saysSomething).map((item) => {
    if (!SELF_CONTAINED.has(String(item['type']))) return item;
    const { id: _, ...rest } = item;
    return rest;
  });
}

/** False for reasoning whose text stayed with its provider: no seal, and no words but a summary at most. */
const saysSomething = ({ type, encrypted_content: sealed, content }: JsonObject): boolean =>
  type !== 'reasoning' || typeof sealed === 'string' || (Array.isArray(content) && content.length > 0);
