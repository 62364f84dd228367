/**
 * `POST /v1/responses/compact`: a conversation made shorter. A provider that has such a route is asked to; any other model is asked for a
 * summary, by an ordinary call, which is kept like a response. Either way the call is admitted, held and settled like all others.
 */
import { compactionItem, keptMessages, SUMMARIZE, transcriptOf } from '../domain/compaction.ts';
import { inputItems, isResponseId, outputOf, type StoredResponse } from '../domain/conversation.ts';
import { GatewayError } from '../errors.ts';
import type { Compaction, Exchange, Reply, Target } from '../exchange.ts';
import type { GenerateRequest } from '../kinds/generate.ts';
import { isObject, parseObject, type JsonObject } from '../kinds/json.ts';
import { describeError } from '../log.ts';
import { readerOf, type ConversationDeps } from './conversation.ts';
import type { Policy } from './policy.ts';

/** What compacting needs. */
export interface CompactionDeps extends Pick<ConversationDeps, 'store' | 'ttlMs' | 'now' | 'log'> {
  /** Whether the provider of a target compacts conversations itself. */
  readonly isNative: (target: Target) => boolean;
}

/** Settings that a summary is made with; others are about the provider's own compaction. */
const SHARED = ['model', 'instructions', 'reasoning', 'service_tier'];

/** Settings that a summary heeds, or that change nothing of it. */
const HEARD = new Set([...SHARED, 'input', 'previous_response_id', 'conversation', 'store', 'stream', 'background']);
const isHeard = (field: string): boolean => HEARD.has(field) || field.startsWith('prompt_cache_');

/**
 * Completes a body for `decode`, after `complete` did: with the question for the summary behind the conversation, so that what is held pays
 * for either way. Sets `exchange.compaction`.
 *
 * @throws GatewayError `invalid_request` for a stream, work in the background, and nothing to make shorter
 */
export function prepareCompaction(complete: (exchange: Exchange, body: JsonObject) => Promise<JsonObject>) {
  return async function prepare(exchange: Exchange, body: JsonObject): Promise<JsonObject> {
    for (const param of ['stream', 'background']) {
      if (body[param] !== true) continue;
      throw new GatewayError('invalid_request', `${param}: a compaction is answered at once and whole.`, { param });
    }
    const whole = await complete(exchange, body);
    const items = inputItems(whole['input']);
    // The dialect says what is wrong with it.
    if (items === undefined) return whole;
    if (items.length === 0) {
      const message = 'input: expected a conversation to compact, here or under previous_response_id.';
      throw new GatewayError('invalid_request', message, { param: 'input' });
    }
    const shared = Object.fromEntries(Object.entries(whole).filter(([name]) => SHARED.includes(name)));
    exchange.compaction = {
      summarizing: { ...shared, input: [...transcriptOf(items), SUMMARIZE], store: false },
      kept: keptMessages(items, exchange.id),
      native: false,
    };
    return { ...whole, input: [...items, SUMMARIZE] };
  };
}

/**
 * Makes the call what its target can do. A provider that compacts itself cannot be told to write less: where the rest of a budget does not
 * pay for all it may write, a summary is asked for instead.
 */
export function chooseCompaction(
  { isNative, ttlMs }: CompactionDeps,
  decodeRequest: (exchange: Exchange, body: JsonObject) => GenerateRequest,
): Policy {
  return async function chooseCompactionPolicy(exchange, next) {
    const { compaction, target, turn, body, generate } = exchange;
    if (compaction === undefined || target === undefined || turn === undefined) return next();
    const capable = isNative(target);
    compaction.native = capable && exchange.admission?.clampedOutputTokens === undefined;
    if (compaction.native) return next();
    if (ttlMs === 0 || turn.asSent['store'] === false) throw cannotKeep(ttlMs, capable);
    const { summarizing } = compaction;
    exchange.body = summarizing;
    exchange.generate = { ...decodeRequest(exchange, { ...summarizing }), model: generate.model };
    // What a provider keeps is a conversation to go on with; the summary is asked for over a transcript of it.
    const { keptBy: _, ...free } = turn;
    exchange.turn = free;
    try {
      return await next();
    } catch (error) {
      Object.assign(exchange, { body, generate, turn });
      throw error;
    }
  };
}

function cannotKeep(ttlMs: number, capable: boolean): GatewayError {
  if (capable) {
    const message = 'What is left of the budget does not pay for all that the provider may write to compact this conversation.';
    return new GatewayError('budget_exceeded', message);
  }
  const why = ttlMs === 0 ? 'this gateway keeps no responses' : "'store' is false";
  const message = `The provider of this model does not compact conversations, so the gateway would have to keep a summary; but ${why}.`;
  return new GatewayError('invalid_request', message, {
    param: ttlMs === 0 ? 'model' : 'store',
    code: 'unsupported_operation',
  });
}

/** Answers with the compacted conversation, and keeps what later turns need of it. */
export function compact(deps: CompactionDeps): Policy {
  return async function compactPolicy(exchange, next) {
    const reply = await next();
    const { compaction } = exchange;
    if (compaction === undefined || reply.status !== 200) return reply;
    const answer = objectIn(reply);
    if (compaction.native) {
      await keepSealed(deps, exchange, answer);
      return reply;
    }
    try {
      return await summarized(deps, exchange, compaction, { reply, answer });
    } catch (error) {
      // The call is paid for, whatever became of its summary.
      await reply.done;
      throw error;
    }
  };
}

function objectIn({ body }: Reply): JsonObject {
  if (!(body instanceof Uint8Array)) return {};
  return parseObject(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')) ?? {};
}

interface Answered {
  readonly reply: Reply;
  readonly answer: JsonObject;
}

/** The reply with the messages that stay and the item that stands for the summary, which is kept before anybody can name it. */
async function summarized(
  deps: CompactionDeps,
  exchange: Exchange,
  { kept }: Compaction,
  { reply, answer }: Answered,
): Promise<Reply> {
  const summary = summaryIn(answer);
  for (const [field, value] of Object.entries(exchange.turn?.asSent ?? {})) {
    if (isHeard(field) || value === null) continue;
    exchange.warnings.push({ kind: 'dropped', field, reason: 'The model was asked for a summary, which it has no place in.' });
  }
  const id = `resp_${exchange.id}`;
  const response = {
    id,
    object: 'response.compaction',
    created_at: Math.floor(deps.now() / 1000),
    output: [...kept, compactionItem(`cmp_${exchange.id}`, id)],
    usage: answer['usage'] ?? null,
  };
  try {
    await deps.store.put({ ...recordOf(deps, exchange, { id, response }), summary });
  } catch (cause) {
    const message = 'The summary of the conversation could not be kept. Nothing was compacted; the call is billed.';
    throw new GatewayError('internal', message, { cause });
  }
  return { ...reply, body: Buffer.from(JSON.stringify(response)) };
}

/** What the model wrote, if it wrote all of it: half a summary would be a loss that nobody sees. */
function summaryIn(answer: JsonObject): string {
  const { status = 'completed' } = answer;
  const parts = outputOf({ response: answer }).flatMap(({ content }) =>
    Array.isArray(content) ? content.filter(isObject) : [],
  );
  const text = parts.map((part) => (part['type'] === 'output_text' ? String(part['text']) : '')).join('');
  if (status === 'completed' && text.trim() !== '') return text;
  const why = status === 'incomplete' ? 'was cut off' : 'wrote none';
  const message = `The model was asked for a summary of the conversation and ${why}. Nothing was compacted; the call is billed.`;
  throw new GatewayError('upstream', message, { code: 'compaction_failed', retryable: false });
}

/** Notes who made a sealed compaction, so that the next turn finds its way back. Never throws: without the note it is still readable. */
async function keepSealed(deps: CompactionDeps, exchange: Exchange, response: JsonObject): Promise<void> {
  const { id } = response;
  const { target, turn } = exchange;
  if (!isResponseId(id) || target === undefined || deps.ttlMs === 0 || turn?.asSent['store'] === false) return;
  try {
    await deps.store.put({ ...recordOf(deps, exchange, { id, response }), sealedBy: target.deployment.id });
  } catch (error) {
    deps.log('error', 'a response could not be kept', { id: exchange.id, error: describeError(error) });
    exchange.warnings.push({ kind: 'dropped', field: 'store', reason: 'The compaction could not be kept for later turns.' });
  }
}

/** The record of a compaction: a beginning, with no turns before it. */
function recordOf(
  { now, ttlMs }: CompactionDeps,
  exchange: Exchange,
  { id, response }: { readonly id: string; readonly response: JsonObject },
): StoredResponse {
  const at = now();
  return {
    id,
    owner: readerOf(exchange, at).owner,
    createdAt: at,
    expiresAt: at + ttlMs,
    earlier: [],
    bytes: JSON.stringify(response).length,
    input: [],
    response,
    model: exchange.modelName,
  };
}
