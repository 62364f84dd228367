/** `options`, `think` and `format`, both ways. */
import type { GenerateRequest, OutputFormat, Reasoning, Sampling } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { Fields, oneOf, wrong } from '../fields.ts';
import { decodeStop } from '../openai-settings.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';

/** What `options` and the fields beside it say. */
export interface DecodedSettings {
  readonly sampling: Sampling;
  readonly maxOutputTokens?: number;
  /** Options without a neutral meaning (`num_ctx`, `mirostat`, a negative `num_predict`). */
  readonly kept?: JsonObject;
}

/** Reads `options`, `logprobs` and `top_logprobs`. A `num_predict` below 1 means no cap and stays as it is. */
export function decodeSettings(fields: Fields): DecodedSettings {
  const options = new Fields(fields.object('options') ?? {}, 'options');
  const limit = options.integer('num_predict');
  const logprobs = fields.boolean('logprobs');
  const topLogprobs = fields.integer('top_logprobs', 0);
  const sampling: Sampling = {
    ...present('temperature', options.number('temperature')),
    ...present('topP', options.number('top_p')),
    ...present('topK', options.integer('top_k')),
    ...present('seed', options.integer('seed')),
    ...present('frequencyPenalty', options.number('frequency_penalty')),
    ...present('presencePenalty', options.number('presence_penalty')),
    ...present('stop', decodeStop(options)),
    ...present('logprobs', logprobs),
    ...(logprobs === true && present('topLogprobs', topLogprobs)),
  };
  const uncapped = limit !== undefined && limit < 1;
  const kept = { ...options.rest(), ...(uncapped && { num_predict: limit }) };
  return {
    sampling,
    ...(!uncapped && present('maxOutputTokens', limit)),
    ...(Object.keys(kept).length > 0 && { kept }),
  };
}

/** `options` and what stands beside it. What the API cannot say is left out with a warning. */
export function encodeSettings(
  { sampling, maxOutputTokens }: Pick<GenerateRequest, 'sampling' | 'maxOutputTokens'>,
  kept: unknown,
  { model, supportsSampling }: UpstreamTarget,
  warn: Warn,
): JsonObject {
  const { temperature, topP, topK, logprobs, topLogprobs } = sampling;
  const fixed = supportsSampling === false;
  if (fixed && (temperature ?? topP ?? topK) !== undefined) {
    warn({ kind: 'dropped', field: 'temperature', reason: `${model} takes no sampling settings.` });
  }
  const options = {
    ...(!fixed && { ...present('temperature', temperature), ...present('top_p', topP), ...present('top_k', topK) }),
    ...present('seed', sampling.seed),
    ...present('frequency_penalty', sampling.frequencyPenalty),
    ...present('presence_penalty', sampling.presencePenalty),
    ...present('stop', sampling.stop),
    ...present('num_predict', maxOutputTokens),
    ...(isObject(kept) && kept),
  };
  return {
    ...(Object.keys(options).length > 0 && { options }),
    ...present('logprobs', logprobs),
    ...present('top_logprobs', topLogprobs),
  };
}

const LEVELS = ['low', 'medium', 'high'] as const;

/** Reads `think`: yes, no, or how much. */
export function decodeThink(fields: Fields): Reasoning | undefined {
  const think = fields.any('think');
  if (think === undefined) return undefined;
  if (typeof think === 'boolean') return { mode: think ? 'enabled' : 'disabled' };
  const effort = LEVELS.find((level) => level === think);
  if (effort === undefined) throw wrong('think', `true, false, ${oneOf(LEVELS)}`, think);
  return { effort };
}

const NEAREST = { minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high', max: 'high' } as const;

/**
 * How much to think. Only gpt-oss models have levels: for the others, servers refuse a level with 400 (source of `server/routes.go` up to
 * late 2025) or read it as yes, so they get yes or no.
 */
export function encodeThink(reasoning: Reasoning | undefined, target: UpstreamTarget, warn: Warn): JsonObject {
  if (reasoning === undefined) return {};
  const { effort, budgetTokens, mode, display } = reasoning;
  const off = mode === 'disabled' || effort === 'none';
  if (display !== undefined) warn({ kind: 'dropped', field: 'thinking.display', reason: 'The API has no such choice.' });
  if (target.supportsReasoning === false) {
    if (!off) warn({ kind: 'dropped', field: 'think', reason: `${target.model} does not reason.` });
    return {};
  }
  if (off) return { think: false };
  if (budgetTokens !== undefined) {
    warn({ kind: 'dropped', field: 'thinking.budget_tokens', reason: 'The API has no budget of thinking tokens.' });
  }
  if (effort === undefined) return mode === undefined && budgetTokens === undefined ? {} : { think: true };
  const level = NEAREST[effort];
  const graded = target.model.includes('gpt-oss');
  if (!graded || level !== effort) {
    const sent = graded ? `"${level}"` : 'yes';
    warn({ kind: 'changed', field: 'reasoning_effort', reason: `The model takes ${sent} for the effort "${effort}".` });
  }
  return { think: graded ? level : true };
}

/** Reads `format`: nothing, `json`, or a schema. */
export function decodeFormat(fields: Fields): OutputFormat | undefined {
  const format = fields.any('format');
  if (format === undefined || format === '') return undefined;
  if (format === 'json') return { type: 'json' };
  if (isObject(format)) return { type: 'json-schema', name: 'response', schema: format };
  throw wrong('format', '"json" or a JSON schema', format);
}

/** The field for the wanted form. */
export function encodeFormat(output: OutputFormat | undefined): JsonObject {
  if (output === undefined || output.type === 'text') return {};
  return { format: output.type === 'json' ? 'json' : output.schema };
}
