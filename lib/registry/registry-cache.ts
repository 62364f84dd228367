/** Answers by name, each kept for a while. */

/** A cache. A failure is not kept. */
export interface Cache<T> {
  readonly get: (name: string) => Promise<T>;
  readonly clear: () => void;
}

/** Most answers remembered. */
const MOST_KEPT = 10_000;

/**
 * A cache over `read`.
 *
 * @param now milliseconds since the epoch
 * @param ttlMs how long an answer is given again
 */
export function createCache<T>(now: () => number, ttlMs: number, read: (name: string) => Promise<T>): Cache<T> {
  const answers = new Map<string, { readonly until: number; readonly answer: Promise<T> }>();
  return {
    get(name) {
      const known = answers.get(name);
      if (known !== undefined && known.until > now()) return known.answer;
      if (answers.size >= MOST_KEPT) answers.clear();
      const answer = read(name);
      answers.set(name, { answer, until: now() + ttlMs });
      answer.catch(() => answers.delete(name));
      return answer;
    },
    clear: () => answers.clear(),
  };
}
