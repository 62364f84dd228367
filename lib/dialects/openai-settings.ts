/** Settings that OpenAI's chat and legacy completions spell alike. */
import type { JsonObject } from '../kinds/json.ts';
import { contradiction, Fields, wrong } from './fields.ts';

/** Stop sequences: one string or several; undefined when there are none. */
export function decodeStop(fields: Fields): readonly string[] | undefined {
  const stop = fields.any('stop');
  if (stop === undefined) return undefined;
  if (typeof stop === 'string') return [stop];
  if (Array.isArray(stop) && stop.every((item) => typeof item === 'string')) return stop.length === 0 ? undefined : stop;
  throw wrong('stop', 'a string or an array of strings', stop);
}

/** Likelihoods of tokens by token id. */
export function decodeBias(fields: Fields): Readonly<Record<string, number>> | undefined {
  const bias = fields.object('logit_bias');
  for (const [token, value] of Object.entries(bias ?? {})) {
    if (typeof value !== 'number') throw wrong(`logit_bias.${token}`, 'a number', value);
  }
  return bias as Record<string, number> | undefined;
}

/** Whether to stream, and whether with usage; `kept` holds options without a neutral meaning. */
export function decodeStreaming(fields: Fields): { stream: boolean; includeUsage: boolean; kept?: JsonObject } {
  const stream = fields.boolean('stream') ?? false;
  const options = fields.object('stream_options');
  if (options === undefined) return { stream, includeUsage: false };
  if (!stream) {
    throw contradiction('stream_options', "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  }
  const inner = new Fields(options, 'stream_options');
  const includeUsage = inner.boolean('include_usage') ?? false;
  const rest = inner.rest();
  return { stream, includeUsage, ...(rest !== undefined && { kept: { stream_options: rest } }) };
}
