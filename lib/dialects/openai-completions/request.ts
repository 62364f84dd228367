/** Requests, both ways: what a client asks, and what a provider is asked. */
import { GatewayError } from '../../errors.ts';
import type { GenerateRequest, Sampling, Warning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { contradiction, Fields, wrong } from '../fields.ts';
import { decodeBias, decodeStop, decodeStreaming } from '../openai-settings.ts';
import { ownFields, type Warn } from '../telling.ts';
import { present } from '../values.ts';
import { promptOf } from './prompt.ts';
import { DEFAULT_MAX_TOKENS, DIALECT } from './wire.ts';

/** Output cap for clients of other dialects that set none, tokens: the API's own default of 16 is for the rest of a line. */
const ANSWER_TOKENS = 1024;

/** Most stop sequences the API takes. */
const MOST_STOPS = 4;

/**
 * Reads a client's body. One text is one user message. Token ids and several prompts have no neutral form: they stay in the extensions
 * as `prompt`, the user's message is then empty, and `forOthers` refuses them; a provider of this dialect gets the client's own bytes.
 *
 * `max_tokens` is not filled in: a provider of this dialect applies its own default, which is not 16 everywhere.
 *
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject): GenerateRequest {
  const fields = new Fields(body, '');
  const model = fields.name('model');
  const prompt = decodePrompt(fields.any('prompt'));
  const counts = decodeCounts(fields, prompt.count);
  const sampling = { ...decodeSampling(fields), ...present('choices', counts.choices) };
  const maxOutputTokens = fields.integer('max_tokens', 0);
  const { stream, includeUsage, kept } = decodeStreaming(fields);
  const user = fields.string('user');
  const suffix = fields.string('suffix');
  const echo = fields.boolean('echo');
  const own: JsonObject = {
    ...fields.rest(),
    ...present('prompt', prompt.raw),
    ...(suffix !== undefined && suffix !== '' && { suffix }),
    ...present('best_of', counts.bestOf),
    ...(echo === true && { echo }),
    ...kept,
  };
  return {
    model,
    messages: [{ role: 'user', parts: prompt.text === undefined ? [] : [{ type: 'text', text: prompt.text }] }],
    sampling,
    ...present('maxOutputTokens', maxOutputTokens),
    stream,
    includeUsage,
    ...present('user', user),
    extensions: Object.keys(own).length === 0 ? {} : { [DIALECT]: own },
  };
}

/** One text, or what has no neutral form as it came, with the number of prompts in it. */
interface AskedPrompt {
  readonly text?: string;
  readonly raw?: unknown;
  readonly count: number;
}

function decodePrompt(prompt: unknown): AskedPrompt {
  if (typeof prompt === 'string') return { text: prompt, count: 1 };
  if (Array.isArray(prompt) && prompt.length > 0) {
    const [first]: readonly unknown[] = prompt;
    if (prompt.length === 1 && typeof first === 'string') return { text: first, count: 1 };
    if (isTokens(prompt)) return { raw: prompt, count: 1 };
    if (prompt.every((item) => typeof item === 'string') || prompt.every(isTokens))
      return { raw: prompt, count: prompt.length };
  }
  throw wrong('prompt', 'a string, an array of strings, an array of token ids or an array of such arrays', prompt);
}

const isTokens = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((item) => Number.isInteger(item));

/** Answers asked for. Several prompts get `n` each; what `best_of` makes and does not return is billed as well. */
function decodeCounts(fields: Fields, prompts: number): { readonly choices?: number; readonly bestOf?: number } {
  const asked = fields.integer('n', 1);
  const bestOf = fields.integer('best_of', 1);
  if (bestOf !== undefined && bestOf < (asked ?? 1)) {
    throw contradiction('best_of', `best_of: expected at least the ${asked} answers that n asks for, got ${bestOf}.`);
  }
  const choices = prompts === 1 ? asked : prompts * (bestOf ?? asked ?? 1);
  return { ...present('choices', choices), ...(bestOf !== undefined && bestOf > (asked ?? 1) && { bestOf }) };
}

function decodeSampling(fields: Fields): Sampling {
  const logprobs = fields.integer('logprobs', 0);
  return {
    ...present('temperature', fields.number('temperature')),
    ...present('topP', fields.number('top_p')),
    ...present('seed', fields.integer('seed')),
    ...present('frequencyPenalty', fields.number('frequency_penalty')),
    ...present('presencePenalty', fields.number('presence_penalty')),
    ...present('stop', decodeStop(fields)),
    ...present('logitBias', decodeBias(fields)),
    ...(logprobs !== undefined && { logprobs: true }),
    ...(logprobs !== undefined && logprobs > 0 && { topLogprobs: logprobs }),
  };
}

/** Why a field is of no use to a model that chats. */
const LOSSES: Readonly<Record<string, string>> = {
  suffix: 'A model that chats is told the prompt only, not what comes after the gap.',
  echo: 'A model that chats does not repeat the prompt.',
  best_of: 'A model that chats does not choose the best of several answers: all were kept.',
};

/**
 * The request for a model that chats: one text, with the API's default of 16 tokens spelled out.
 *
 * @throws GatewayError `invalid_request` for token ids, several prompts, and a `max_tokens` of 0.
 */
export function forOthers(request: GenerateRequest, warn: Warn): GenerateRequest {
  const { [DIALECT]: own = {}, ...extensions } = request.extensions;
  if (own['prompt'] !== undefined) {
    throw new GatewayError(
      'invalid_request',
      `prompt: the model "${request.model}" chats, so it takes one text; token ids and several prompts need a model with a completions API of its own.`,
      { param: 'prompt' },
    );
  }
  if (request.maxOutputTokens === 0) throw wrong('max_tokens', 'an integer of at least 1 for a model that chats', 0);
  for (const field of Object.keys(own)) {
    warn({ kind: 'dropped', field, reason: LOSSES[field] ?? `The field is known to ${DIALECT} only.` });
  }
  return { ...request, maxOutputTokens: request.maxOutputTokens ?? DEFAULT_MAX_TOKENS, extensions };
}

/** Writes a request for a provider. */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const own = ownFields(request.extensions, DIALECT, warn);
  warnUnsaid(request, warn);
  const { stream_options: streamOptions, ...extensions } = own;
  const prompt = promptOf(request.messages, warn);
  const body: JsonObject = {
    model: target.model,
    prompt: prompt.text,
    max_tokens: request.maxOutputTokens ?? Math.min(ANSWER_TOKENS, target.maxOutputTokens ?? ANSWER_TOKENS),
    ...encodeSampling(request.sampling, prompt.stop),
    ...(request.stream && {
      stream: true,
      stream_options: { ...(isObject(streamOptions) && streamOptions), include_usage: true },
    }),
    ...present('user', request.user),
    ...extensions,
  };
  return { body, warnings, decoding: {} };
}

function encodeSampling(sampling: Sampling, transcriptStop: string | undefined): JsonObject {
  const stops = sampling.stop ?? [];
  const stop = transcriptStop === undefined || stops.length >= MOST_STOPS ? stops : [...stops, transcriptStop];
  return {
    ...present('temperature', sampling.temperature),
    ...present('top_p', sampling.topP),
    ...present('seed', sampling.seed),
    ...present('frequency_penalty', sampling.frequencyPenalty),
    ...present('presence_penalty', sampling.presencePenalty),
    ...present('logit_bias', sampling.logitBias),
    ...present('n', sampling.choices),
    ...(stop.length > 0 && { stop }),
    ...(sampling.logprobs === true && { logprobs: sampling.topLogprobs ?? 0 }),
  };
}

/** Settings of models that chat. A value that means the default is no loss. */
function warnUnsaid(request: GenerateRequest, warn: Warn): void {
  const { tools = [], toolChoice, output, reasoning, sampling } = request;
  const unsaid: Readonly<Record<string, boolean>> = {
    tools: tools.length > 0,
    tool_choice: toolChoice?.type === 'required' || toolChoice?.type === 'tool',
    response_format: output !== undefined && output.type !== 'text',
    reasoning_effort: reasoning !== undefined && reasoning.mode !== 'disabled' && reasoning.effort !== 'none',
    top_k: sampling.topK !== undefined,
    service_tier: request.serviceTier !== undefined && request.serviceTier !== 'auto' && request.serviceTier !== 'default',
    metadata: Object.keys(request.metadata ?? {}).length > 0,
  };
  for (const [field, said] of Object.entries(unsaid)) {
    if (said) warn({ kind: 'dropped', field, reason: 'Legacy completions have no such setting.' });
  }
}
