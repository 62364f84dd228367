/**
 * Better figures for an answer that no provider counted to its end: the provider's own counter for the input, the model's own tokenizer
 * for either side, and the estimate for what is left. It runs after the last byte, so that nobody waits for it, and says how sure it is.
 */
import type { Unreported } from '../domain/estimate.ts';
import type { Exchange, Target } from '../exchange.ts';
import type { Usage } from '../kinds/usage.ts';
import type { ProviderCounter } from './provider-counter.ts';
import { countInput, countTexts, tokenizerOf } from './token-counter.ts';

/** Completes a usage whose figures are estimates; never rejects. */
export type Recount = (usage: Usage, unreported: Unreported) => Promise<Usage>;

/** What counting again needs. */
export interface RecountDeps {
  readonly ask: ProviderCounter;
  readonly now: () => number;
}

/** Longest wait for a provider's counter, milliseconds: settlement comes after it. */
const PATIENCE_MS = 3_000;

/** Counts for one call to one target. */
export function createRecount({ ask, now }: RecountDeps, exchange: Exchange, target: Target): Recount {
  /** The deadline leaves time to settle, and no time to ask around. */
  const asked = async (): Promise<number | undefined> =>
    now() >= exchange.deadline ? undefined : ask(exchange, target, AbortSignal.timeout(PATIENCE_MS)).catch(() => undefined);

  async function input(): Promise<{ readonly tokens: number; readonly exact: boolean } | undefined> {
    const tokens = await asked();
    return tokens === undefined ? countInput(exchange.generate, target) : { tokens, exact: true };
  }

  return async function recount(usage, unreported) {
    const tokenizer = tokenizerOf(target.model);
    const [read, written] = await Promise.all([
      unreported.input ? input() : undefined,
      tokenizer === undefined ? undefined : countTexts(tokenizer, unreported.texts),
    ]);
    const output = written === undefined ? undefined : unreported.outputTokens + written + unreported.others;
    const inputIsSure = !unreported.input || read?.exact === true;
    const outputIsSure = unreported.others === 0 && (written !== undefined || unreported.texts.length === 0);
    return {
      ...usage,
      ...(read === undefined ? {} : { inputTokens: read.tokens }),
      ...(output === undefined ? {} : { outputTokens: output }),
      source: inputIsSure && outputIsSure ? 'counted' : 'estimated',
    };
  };
}
