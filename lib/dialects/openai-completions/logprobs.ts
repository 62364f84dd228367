/**
 * Log probabilities, both ways. The neutral form is chat's list of tokens, each with its alternatives; legacy completions have one list
 * per figure.
 */
import type { Logprobs } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { numberOf, objectsOf } from '../values.ts';

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const bytesOf = (token: string): readonly number[] => [...Buffer.from(token)];

const itemOf = (token: string, logprob: number): JsonObject => ({ token, logprob, bytes: bytesOf(token) });

/** `{tokens, token_logprobs, top_logprobs}` as a list of tokens; undefined when it names none. The first token of an echo has no figure. */
export function decodeLogprobs(value: unknown): Logprobs | undefined {
  if (!isObject(value)) return undefined;
  if (Array.isArray(value['content'])) return value['content'].length === 0 ? undefined : { content: value['content'] };
  const figures = listOf(value['token_logprobs']);
  const alternatives = listOf(value['top_logprobs']);
  const content = listOf(value['tokens']).flatMap((token, at) => {
    const logprob = numberOf(figures[at]);
    if (typeof token !== 'string' || logprob === undefined) return [];
    const others = alternatives[at];
    const top = Object.entries(isObject(others) ? others : {}).map(([word, figure]) => itemOf(word, numberOf(figure) ?? 0));
    return [{ ...itemOf(token, logprob), top_logprobs: top }];
  });
  return content.length === 0 ? undefined : { content };
}

/**
 * The lists for a client; `offset` is where in the text, in UTF-16 units, the first token stands. Null when there is nothing to tell.
 */
export function encodeLogprobs(logprobs: Logprobs | undefined, offset = 0): JsonObject | null {
  const items = objectsOf(logprobs?.['content']).filter(({ token }) => typeof token === 'string');
  if (items.length === 0) return null;
  let end = offset;
  return {
    tokens: items.map(({ token }) => token),
    token_logprobs: items.map(({ logprob }) => logprob ?? null),
    top_logprobs: items.map(({ top_logprobs: others }) =>
      Object.fromEntries(objectsOf(others).map(({ token, logprob }) => [String(token), logprob])),
    ),
    text_offset: items.map(({ token }) => {
      const start = end;
      end += String(token).length;
      return start;
    }),
  };
}

/** UTF-16 units of the tokens these figures are about. */
export const lengthOf = (logprobs: Logprobs): number =>
  objectsOf(logprobs['content']).reduce((sum, { token }) => sum + (typeof token === 'string' ? token.length : 0), 0);
