/** Requests, both ways: what a client asks, and what a provider is asked. */
import type { GenerateRequest, Reasoning, Sampling } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warning } from '../../kinds/generate.ts';
import type { EncodedRequest, ReasoningField, UpstreamTarget } from '../dialect.ts';
import { decodeCache, placeMarks } from './cache.ts';
import { contradiction, Fields, oneOf, wrong } from '../fields.ts';
import { encodeMetadata, encodeTier } from '../openai-request.ts';
import { decodeMessages, encodeMessages } from './messages.ts';
import { decodeOutput, decodeTools, encodeTools } from './tools.ts';
import { effortOf, EFFORTS, isEffort } from '../effort.ts';
import { decodeBias, decodeStop, decodeStreaming } from '../openai-settings.ts';
import { ownFields, type Warn } from '../telling.ts';
import { present } from '../values.ts';
import { DIALECT } from './wire.ts';

/**
 * Reads a client's body.
 *
 * Fields without a neutral meaning stay in `extensions['openai-chat']`, and so do vendors' spellings of one that has (`reasoning`,
 * `thinking`, `top_k`): the same dialect gets back the client's own words.
 *
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject): GenerateRequest {
  const fields = new Fields(body, '');
  const model = fields.name('model');
  const messages = decodeMessages(fields.any('messages'));
  const tooling = decodeTools(fields);
  const { output, kept } = decodeOutput(fields);
  const sampling = decodeSampling(fields);
  const maxOutputTokens = decodeLimit(fields);
  const effort = decodeEffort(fields);
  const streaming = decodeStreaming(fields);
  const serviceTier = fields.string('service_tier');
  const user = fields.string('user');
  const metadata = fields.object('metadata');
  const { cache } = decodeCache(fields.any('cache_control'));
  const own = {
    ...fields.rest(),
    ...(kept !== undefined && { response_format: kept }),
    ...effort.kept,
    ...streaming.kept,
    ...(body['functions'] != null && { functions: body['functions'] }),
  };
  const reasoning = effort.reasoning ?? vendorReasoning(own);
  return {
    model,
    messages,
    ...tooling,
    ...(output !== undefined && { output }),
    sampling,
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(reasoning !== undefined && { reasoning }),
    stream: streaming.stream,
    includeUsage: streaming.includeUsage,
    ...(serviceTier !== undefined && { serviceTier }),
    ...(user !== undefined && { user }),
    ...(metadata !== undefined && { metadata }),
    ...(cache !== undefined && { cache }),
    extensions: Object.keys(own).length === 0 ? {} : { [DIALECT]: own },
  };
}

function decodeSampling(fields: Fields): Sampling {
  const entries: Sampling = {
    ...present('temperature', fields.number('temperature')),
    ...present('topP', fields.number('top_p')),
    ...present('seed', fields.integer('seed')),
    ...present('frequencyPenalty', fields.number('frequency_penalty')),
    ...present('presencePenalty', fields.number('presence_penalty')),
    ...present('choices', fields.integer('n', 1)),
    ...present('stop', decodeStop(fields)),
    ...present('logitBias', decodeBias(fields)),
    ...decodeLogprobs(fields),
  };
  // Not OpenAI's, but common: read here, and kept for the providers that know it.
  const given = fields.peek('top_k');
  if (given === undefined) return entries;
  return { ...entries, ...present('topK', new Fields({ top_k: given }, '').integer('top_k')) };
}

function decodeLogprobs(fields: Fields): Pick<Sampling, 'logprobs' | 'topLogprobs'> {
  const logprobs = fields.boolean('logprobs');
  const topLogprobs = fields.integer('top_logprobs', 0);
  if (topLogprobs !== undefined && logprobs !== true) {
    throw contradiction('top_logprobs', "Invalid value for 'top_logprobs': it is only allowed when 'logprobs' is true.");
  }
  return { ...present('logprobs', logprobs), ...present('topLogprobs', topLogprobs) };
}

function decodeLimit(fields: Fields): number | undefined {
  const current = fields.integer('max_completion_tokens', 1);
  const older = fields.integer('max_tokens', 1);
  if (current !== undefined && older !== undefined && current !== older) {
    throw contradiction(
      'max_tokens',
      `Contradiction: 'max_tokens' is ${older} but 'max_completion_tokens' is ${current}. Both mean the same limit: send one.`,
    );
  }
  return current ?? older;
}

/** `default` is Groq's word for not choosing. */
function decodeEffort(fields: Fields): { reasoning?: Reasoning; kept?: JsonObject } {
  const word = fields.any('reasoning_effort');
  if (word === undefined) return {};
  if (word === 'default') return { kept: { reasoning_effort: word } };
  if (isEffort(word)) return { reasoning: { effort: word } };
  throw wrong('reasoning_effort', oneOf(EFFORTS), word);
}

/** OpenRouter's `reasoning` and the `thinking` of DeepSeek, Z.ai and LiteLLM. */
function vendorReasoning(own: JsonObject): Reasoning | undefined {
  const { reasoning, thinking } = own;
  if (isObject(reasoning)) {
    const { effort, max_tokens: budgetTokens, enabled } = reasoning;
    return {
      ...(isEffort(effort) && { effort }),
      ...(typeof budgetTokens === 'number' && { budgetTokens }),
      ...(typeof enabled === 'boolean' && { mode: enabled ? 'enabled' : 'disabled' }),
    };
  }
  if (isObject(thinking)) {
    const { type, budget_tokens: budgetTokens } = thinking;
    return {
      ...(typeof budgetTokens === 'number' && { budgetTokens }),
      ...((type === 'enabled' || type === 'disabled' || type === 'adaptive') && { mode: type }),
    };
  }
  return undefined;
}

/** Where earlier reasoning goes: nowhere for a model that does not reason. */
const reasoningFor = ({ supportsReasoning, reasoningField }: UpstreamTarget): { reasoningField?: ReasoningField } =>
  supportsReasoning === false || reasoningField === undefined ? {} : { reasoningField };

/** Writes a request for a provider. Limits go as `max_completion_tokens`; rows of providers that know only the older name rename it. */
export function encodeRequest(asked: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const request = placeMarks(asked, target.cacheMarks === true, warn);
  const own = ownFields(request.extensions, DIALECT, warn);
  const { functions: _, stream_options: streamOptions, ...extensions } = own;
  const { fields: tooling, jsonTool } = encodeTools(request, target, warn);
  const body: JsonObject = {
    model: target.model,
    messages: encodeMessages(request.messages, { ...reasoningFor(target), warn }),
    ...tooling,
    ...encodeSampling(request.sampling, own, target, warn),
    ...present('max_completion_tokens', request.maxOutputTokens),
    ...encodeEffort(request.reasoning, own, target, warn),
    ...(request.stream && {
      stream: true,
      stream_options: { ...(isObject(streamOptions) && streamOptions), include_usage: true },
    }),
    ...encodeTier(request.serviceTier, warn),
    ...present('user', request.user),
    ...encodeMetadata(request.metadata, warn),
    ...extensions,
  };
  return { body, warnings, decoding: jsonTool === undefined ? {} : { jsonTool } };
}

function encodeSampling(sampling: Sampling, own: JsonObject, target: UpstreamTarget, warn: Warn): JsonObject {
  const { temperature, topP, topK } = sampling;
  const fixed = target.supportsSampling === false;
  if (topK !== undefined && own['top_k'] === undefined) {
    warn({ kind: 'dropped', field: 'top_k', reason: 'Chat completions have no top_k.' });
  }
  if (fixed && temperature !== undefined) warn({ kind: 'dropped', field: 'temperature', reason: 'The model takes none.' });
  if (fixed && topP !== undefined) warn({ kind: 'dropped', field: 'top_p', reason: 'The model takes none.' });
  return {
    ...(!fixed && { ...present('temperature', temperature), ...present('top_p', topP) }),
    ...present('seed', sampling.seed),
    ...present('frequency_penalty', sampling.frequencyPenalty),
    ...present('presence_penalty', sampling.presencePenalty),
    ...present('logit_bias', sampling.logitBias),
    ...present('n', sampling.choices),
    ...present('stop', sampling.stop),
    ...present('logprobs', sampling.logprobs),
    ...present('top_logprobs', sampling.topLogprobs),
  };
}

/**
 * How much to think, as `reasoning_effort`. "Do not think" without a word for it is not sent: most models refuse the word `none`.
 * A client's own `reasoning` or `thinking` goes back unchanged instead.
 */
function encodeEffort(reasoning: Reasoning | undefined, own: JsonObject, target: UpstreamTarget, warn: Warn): JsonObject {
  if (reasoning === undefined || 'reasoning' in own || 'thinking' in own) return {};
  const { effort, budgetTokens, mode, display } = reasoning;
  if (display !== undefined)
    warn({ kind: 'dropped', field: 'thinking.display', reason: 'Chat completions have no such choice.' });
  if (target.supportsReasoning === false) {
    if (mode === 'disabled' || effort === 'none') return {};
    warn({ kind: 'dropped', field: 'reasoning_effort', reason: 'The model does not reason.' });
    return {};
  }
  if (effort !== undefined) return { reasoning_effort: effort };
  if (mode === 'disabled') {
    warn({ kind: 'dropped', field: 'thinking', reason: 'Not every model can be told not to think: it decides itself.' });
    return {};
  }
  if (budgetTokens === undefined) return {};
  const word = effortOf(budgetTokens);
  warn({
    kind: 'changed',
    field: 'thinking.budget_tokens',
    reason: `Chat completions have no budget of thinking tokens: ${budgetTokens} became reasoning_effort "${word}".`,
  });
  return { reasoning_effort: word };
}
