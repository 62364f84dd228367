/** Edits of a body that goes from a Gemini client to a Gemini provider. */
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Passthrough } from '../dialect.ts';
import { unpackCall } from '../proof.ts';
import { numberOf } from '../values.ts';
import { decodeUsage } from './usage.ts';
import { tokenIn } from './proof.ts';
import { UNSIGNED } from './wire.ts';

const CONFIG_NAMES = ['generationConfig', 'generation_config'] as const;
const CAP_NAMES = ['maxOutputTokens', 'max_output_tokens'] as const;

/** Streams of this dialect always report usage, so nothing is asked for and nothing hidden. */
export const passthrough: Passthrough = {
  askUsage: (body) => body,
  hidesUsage: () => false,
  isUsageFrame: () => false,

  withCost(data, costOf) {
    if (!data.includes('"finishReason"')) return undefined;
    const chunk = parseJson(data);
    if (!isObject(chunk) || !isObject(chunk.usageMetadata)) return undefined;
    const usage = decodeUsage(chunk.usageMetadata);
    const cost = usage === undefined ? undefined : costOf(usage);
    return cost === undefined ? undefined : JSON.stringify({ ...chunk, usageMetadata: { ...chunk.usageMetadata, cost } });
  },

  clampOutput(body, tokens) {
    const name = CONFIG_NAMES.find((candidate) => isObject(body[candidate])) ?? 'generationConfig';
    const given = body[name];
    const config: JsonObject = isObject(given) ? given : {};
    const cap = CAP_NAMES.find((candidate) => numberOf(config[candidate]) !== undefined) ?? 'maxOutputTokens';
    return { ...body, [name]: { ...config, [cap]: Math.min(numberOf(config[cap]) ?? tokens, tokens) } };
  },

  withoutForeignProofs(body) {
    if (!Array.isArray(body.contents)) return body;
    const before: readonly unknown[] = body.contents;
    const contents = before.flatMap(withoutForeign);
    const same = contents.length === before.length && contents.every((content, index) => content === before[index]);
    return same ? body : { ...body, contents };
  },
};

const SIGNATURES = ['thoughtSignature', 'thought_signature'] as const;

const tokenName = (part: unknown): (typeof SIGNATURES)[number] | undefined =>
  isObject(part) ? SIGNATURES.find((name) => tokenIn(part[name]) !== undefined) : undefined;

function withoutForeign(content: unknown): unknown[] {
  if (!isObject(content) || !Array.isArray(content.parts)) return [content];
  const before: readonly unknown[] = content.parts;
  if (!before.some((part) => tokenName(part) !== undefined)) return [content];
  const parts = before.flatMap((part) => ownPart(part));
  return parts.length === 0 ? [] : [{ ...content, parts }];
}

/** Reasoning of another provider goes; a call stays, with Google's own proof where the token holds one. */
function ownPart(part: unknown): unknown[] {
  const name = tokenName(part);
  if (name === undefined || !isObject(part)) return [part];
  const { [name]: token, ...rest } = part;
  if (!isObject(rest.functionCall ?? rest['function_call'])) return rest.thought === true ? [] : [rest];
  return [{ ...rest, [name]: unpackCall(tokenIn(token) ?? '')?.signature ?? UNSIGNED }];
}
