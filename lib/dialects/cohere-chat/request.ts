/** Requests: a client's to canonical, canonical to a provider's. */
import type { GenerateRequest, Reasoning, Sampling, Warning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { Fields, fieldsOf, oneOf, wrong } from '../fields.ts';
import { ownFields, type Warn } from '../telling.ts';
import { decodeDocument, withDocuments } from './documents.ts';
import { decodeMessages, encodeMessages } from './messages.ts';
import { decodeOutput, decodeTools, encodeTools } from './tools.ts';
import { DIALECT } from './wire.ts';

/**
 * Reads a client's body. Documents of the request become parts of the last question. Fields without a neutral meaning (`safety_mode`,
 * `citation_options`, `priority`) stay in `extensions['cohere-chat']`.
 *
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject): GenerateRequest {
  const fields = new Fields(body, '');
  const model = fields.name('model');
  const asked = decodeMessages(fields.any('messages'));
  const tooling = decodeTools(fields);
  const output = decodeOutput(fields);
  const sampling = decodeSampling(fields);
  const maxOutputTokens = fields.integer('max_tokens', 1);
  const reasoning = decodeReasoning(fields);
  const stream = fields.boolean('stream') ?? false;
  const given = fields.array('documents') ?? [];
  const cited = wantsCitations(fields.peek('citation_options'));
  const documents = given.map((document, index) => decodeDocument(document, `documents[${index}]`, cited));
  const messages = withDocuments(asked, documents);
  const own = { ...fields.rest(), ...(messages === undefined && given.length > 0 && { documents: given }) };
  return {
    model,
    messages: messages ?? asked,
    ...tooling,
    ...(output !== undefined && { output }),
    sampling,
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(reasoning !== undefined && { reasoning }),
    stream,
    includeUsage: true,
    extensions: Object.keys(own).length === 0 ? {} : { [DIALECT]: own },
  };
}

/** Documents are cited unless the client turns it off. */
const wantsCitations = (options: unknown): boolean =>
  !(isObject(options) && typeof options.mode === 'string' && /^(off|disabled)$/i.test(options.mode));

function decodeSampling(fields: Fields): Sampling {
  const stop = (fields.array('stop_sequences') ?? []).map((item, index) => {
    if (typeof item === 'string') return item;
    throw wrong(`stop_sequences[${index}]`, 'a string', item);
  });
  const read: { [Key in keyof Sampling]: Sampling[Key] | undefined } = {
    temperature: fields.number('temperature'),
    topP: fields.number('p'),
    topK: fields.integer('k', 0),
    seed: fields.integer('seed'),
    frequencyPenalty: fields.number('frequency_penalty'),
    presencePenalty: fields.number('presence_penalty'),
    logprobs: fields.boolean('logprobs'),
    stop: stop.length === 0 ? undefined : stop,
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as Sampling;
}

function decodeReasoning(fields: Fields): Reasoning | undefined {
  const thinking = fields.object('thinking');
  if (thinking === undefined) return undefined;
  const inner = fieldsOf(thinking, 'thinking');
  const mode = inner.any('type');
  if (mode !== 'enabled' && mode !== 'disabled') throw wrong('thinking.type', oneOf(['enabled', 'disabled']), mode);
  const budgetTokens = inner.integer('token_budget', 1);
  return { mode, ...(budgetTokens !== undefined && { budgetTokens }) };
}

/** The request for a provider. What the API cannot say is left out with a warning. */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const own = ownFields(request.extensions, DIALECT, warn);
  const { messages, documents } = encodeMessages(request.messages, target.supportsReasoning !== false, warn);
  const { fields: tooling, jsonTool } = encodeTools(request, target, warn);
  warnUnsaid(request, warn);
  const body: JsonObject = {
    model: target.model,
    messages,
    ...(documents.length > 0 && { documents }),
    ...tooling,
    ...encodeSampling(request.sampling, target, warn),
    ...(request.maxOutputTokens !== undefined && { max_tokens: request.maxOutputTokens }),
    ...encodeReasoning(request.reasoning, target, warn),
    stream: request.stream,
    ...own,
  };
  return { body, warnings, decoding: jsonTool === undefined ? {} : { jsonTool } };
}

/** Most stop sequences the API takes. */
const MOST_STOPS = 5;

/** Settings within the ranges of the API, as its reference states them. */
function encodeSampling(sampling: Sampling, target: UpstreamTarget, warn: Warn): JsonObject {
  const sent: JsonObject = {};
  const put = (name: string, value: number | undefined, least: number, most: number): void => {
    if (value === undefined) return;
    const near = Math.min(most, Math.max(least, value));
    if (near !== value) {
      warn({ kind: 'changed', field: name, reason: `The API takes ${least} to ${most}: ${value} became ${near}.` });
    }
    sent[name] = near;
  };
  const { temperature, topP, topK, seed, stop = [], logprobs } = sampling;
  if (target.supportsSampling !== false) {
    put('temperature', temperature, 0, Number.POSITIVE_INFINITY);
    put('p', topP, 0.01, 0.99);
    put('k', topK, 0, 500);
  } else if ((temperature ?? topP ?? topK) !== undefined) {
    warn({ kind: 'dropped', field: 'temperature', reason: 'The model takes no sampling settings.' });
  }
  put('frequency_penalty', sampling.frequencyPenalty, 0, 1);
  put('presence_penalty', sampling.presencePenalty, 0, 1);
  if (stop.length > MOST_STOPS) {
    warn({ kind: 'dropped', field: 'stop', reason: `The API takes ${MOST_STOPS} stop sequences: the first were sent.` });
  }
  return {
    ...sent,
    ...(seed !== undefined && { seed }),
    ...(stop.length > 0 && { stop_sequences: stop.slice(0, MOST_STOPS) }),
    ...(logprobs !== undefined && { logprobs }),
  };
}

/** Thinking budgets for the words of effort, tokens. Ours: the API names none. */
const BUDGETS = { minimal: 1024, low: 2048, medium: 8192, high: 24_576, xhigh: 32_768, max: 65_536 } as const;

function encodeReasoning(reasoning: Reasoning | undefined, target: UpstreamTarget, warn: Warn): JsonObject {
  if (reasoning === undefined) return {};
  const { effort, budgetTokens, mode } = reasoning;
  const off = mode === 'disabled' || effort === 'none';
  if (target.supportsReasoning === false) {
    if (!off) warn({ kind: 'dropped', field: 'reasoning', reason: `${target.model} does not reason.` });
    return {};
  }
  if (off) return { thinking: { type: 'disabled' } };
  if (budgetTokens !== undefined) return { thinking: { type: 'enabled', token_budget: budgetTokens } };
  if (effort === undefined) return mode === undefined ? {} : { thinking: { type: 'enabled' } };
  const budget = BUDGETS[effort];
  warn({ kind: 'changed', field: 'reasoning_effort', reason: `The API takes a budget: "${effort}" became ${budget} tokens.` });
  return { thinking: { type: 'enabled', token_budget: budget } };
}

/** Settings of other dialects that the API has no word for. A value that means the default is no loss. */
function warnUnsaid(request: GenerateRequest, warn: Warn): void {
  const { sampling, metadata, serviceTier, user, reasoning } = request;
  const unsaid: Readonly<Record<string, boolean>> = {
    n: (sampling.choices ?? 1) !== 1,
    logit_bias: Object.keys(sampling.logitBias ?? {}).length > 0,
    top_logprobs: (sampling.topLogprobs ?? 0) !== 0,
    metadata: Object.keys(metadata ?? {}).length > 0,
    service_tier: serviceTier !== undefined && !/^(auto|default|standard)/.test(serviceTier),
    user: user !== undefined,
    'thinking.display': reasoning?.display !== undefined,
    cache_control: marksCache(request),
  };
  for (const [field, said] of Object.entries(unsaid)) {
    if (said) warn({ kind: 'dropped', field, reason: 'The API has no such setting.' });
  }
}

/** True for a request with a cache mark somewhere. */
function marksCache({ cache, messages, tools = [] }: GenerateRequest): boolean {
  const marked = (item: object): boolean => 'cache' in item && item.cache !== undefined;
  return cache !== undefined || tools.some(marked) || messages.some(({ parts }) => parts.some(marked));
}
