/** Whether the gateway can do its work: its store answers. */
import { GatewayError } from '../errors.ts';

/** What readiness is known by. */
export interface ReadinessDeps {
  /** Asks the store for something small; rejects when it does not do as asked. */
  readonly ask: () => Promise<unknown>;
  /** Resolves after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How long an answer is good for: the route needs no key, and whoever asks it often costs one read a second. Milliseconds. */
const FRESH_MS = 1_000;
/** What asks for readiness waits a few seconds itself; a store that takes longer serves nobody. Milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * A question for the store that many may ask at once. It resolves when the store answers.
 *
 * @throws GatewayError `overloaded` (503) when it fails, or says nothing within two seconds
 */
export function createReadiness({ ask, sleep, now }: ReadinessDeps): () => Promise<void> {
  const askInTime = async (): Promise<void> => {
    const silence = sleep(PATIENCE_MS).then(() => {
      throw new GatewayError('overloaded', `The store did not answer within ${PATIENCE_MS} ms.`, { code: 'store_unavailable' });
    });
    await Promise.race([ask(), silence]);
  };
  let last: { readonly at: number; readonly answer: Promise<void> } | undefined;
  return () => {
    if (last === undefined || now() - last.at >= FRESH_MS) last = { at: now(), answer: askInTime() };
    return last.answer;
  };
}
