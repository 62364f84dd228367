/**
 * The words of Replicate's predictions (`POST /v1/predictions` and its relatives), for models that write text.
 * Sources: the type declarations and the stream reader of the `replicate` package (1.4), Replicate's guide on streaming, and the guide of
 * Cog on metrics; checked 2026-11-28.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { numberOf } from '../values.ts';

/** This dialect. */
export const DIALECT = 'replicate' as const;

/** Status of a prediction that runs, or will. */
const RUNNING: ReadonlySet<unknown> = new Set(['starting', 'processing']);

/** True for a prediction that will not change any more. */
export const isOver = ({ status }: JsonObject): boolean => typeof status === 'string' && !RUNNING.has(status);

/** Event of the stream that the whole prediction comes in, after the last one of Replicate's own. The row asks for it. */
export const PREDICTION_EVENT = 'prediction';

/** What a prediction counted: models that Replicate serves itself have figures of tokens, those of its users have not. */
export function usageOf({ metrics }: JsonObject): Usage | undefined {
  if (!isObject(metrics)) return undefined;
  const input = numberOf(metrics['input_token_count']);
  const output = numberOf(metrics['output_token_count']);
  return input === undefined || output === undefined
    ? undefined
    : { inputTokens: input, outputTokens: output, source: 'provider' };
}
