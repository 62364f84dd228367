/** Log probabilities: Google's `logprobsResult` and OpenAI's shape, which is the canonical one. */
import type { Logprobs } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { numberOf, objectsOf } from '../values.ts';

/** A token as OpenAI tells it. `bytes` are those of its UTF-8. */
function tokenOf(candidate: JsonObject): JsonObject {
  const token = typeof candidate.token === 'string' ? candidate.token : '';
  return { token, logprob: numberOf(candidate.logProbability) ?? 0, bytes: [...Buffer.from(token)] };
}

/** `logprobsResult` of a candidate; undefined when it names no token. */
export function decodeLogprobs(result: JsonObject): Logprobs | undefined {
  const chosen = objectsOf(result.chosenCandidates);
  const top = objectsOf(result.topCandidates);
  if (chosen.length === 0) return undefined;
  const content = chosen.map((candidate, position) => ({
    ...tokenOf(candidate),
    top_logprobs: objectsOf(top[position]?.candidates).map(tokenOf),
  }));
  return { content };
}

const candidateOf = (token: JsonObject): JsonObject => ({ token: token.token, logProbability: token.logprob });

/** The `logprobsResult` of a candidate for a client; undefined when there is nothing in it. */
export function encodeLogprobs(logprobs: Logprobs | undefined): JsonObject | undefined {
  const tokens = isObject(logprobs) ? objectsOf(logprobs.content) : [];
  if (tokens.length === 0) return undefined;
  return {
    chosenCandidates: tokens.map(candidateOf),
    topCandidates: tokens.map((token) => ({ candidates: objectsOf(token.top_logprobs).map(candidateOf) })),
  };
}
