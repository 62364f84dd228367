/** What an answer used that broke off while it was read whole: the provider had begun to answer, so it is taken to bill. */
import { choicesOf, outputCap, type UsageEstimator } from '../domain/estimate.ts';
import { estimateTextTokens } from '../domain/text-tokens.ts';
import type { Target } from '../exchange.ts';
import type { GenerateEvent, GenerateRequest } from '../kinds/generate.ts';
import type { Usage } from '../kinds/usage.ts';

/** A body that ended too early. */
export interface BrokenAnswer {
  readonly arrived: Uint8Array;
  /** Length that the provider announced, bytes: it had written all of it. */
  readonly announced?: number;
  /** What whole frames of it say, where it is a stream. */
  readonly events?: readonly GenerateEvent[];
}

/** Bytes of an answer that nobody saw, per token. */
const BYTES_PER_TOKEN = 4;

/**
 * The provider's figures where they arrived; else the input as estimated, and as output what came, and what was announced besides. The
 * JSON around a text counts as text: of what is billed, an estimate may err high. It never exceeds what the request may write.
 */
export function usageOfBroken(
  { arrived, announced = 0, events }: BrokenAnswer,
  estimator: UsageEstimator,
  request: GenerateRequest,
  target: Pick<Target, 'maxOutputTokens' | 'takesNoCap'>,
): Usage {
  for (const event of events ?? []) estimator.push(event);
  const usage = estimator.usage();
  if (events !== undefined) return { ...usage, source: 'estimated' };
  const unseen = Math.ceil(Math.max(0, announced - arrived.length) / BYTES_PER_TOKEN);
  const written = estimateTextTokens(Buffer.from(arrived).toString('utf8')) + unseen;
  return { ...usage, outputTokens: Math.min(written, outputCap(request, target) * choicesOf(request)) };
}
