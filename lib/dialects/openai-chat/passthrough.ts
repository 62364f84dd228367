/** Edits of a body that goes from an OpenAI client to a provider of the same API. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Passthrough } from '../dialect.ts';
import { numberOf } from '../values.ts';
import { withoutReasoning } from './reasoning.ts';
import { isUsageFrame } from './stream.ts';
import { usageOf } from './usage.ts';

/** True when the stream's client gets no usage unless we ask for it. */
function lacksUsage(body: JsonObject): boolean {
  const options = body['stream_options'];
  return body['stream'] === true && !(isObject(options) && options['include_usage'] === true);
}

/** Streams report usage only when asked: it is asked for, and taken out again for clients that did not. */
export const passthrough: Passthrough = {
  withoutForeignProofs: (body, { reasoningField }) => withoutReasoning(body, reasoningField),
  askUsage(body) {
    if (!lacksUsage(body)) return body;
    const options = body['stream_options'];
    return { ...body, stream_options: { ...(isObject(options) && options), include_usage: true } };
  },
  hidesUsage: lacksUsage,
  isUsageFrame,
  withCost(data, costOf) {
    if (!data.includes('"usage"')) return undefined;
    let chunk: unknown;
    try {
      chunk = JSON.parse(data);
    } catch {
      return undefined;
    }
    if (!isObject(chunk) || !isObject(chunk['usage'])) return undefined;
    const usage = usageOf(chunk);
    const cost = usage === undefined ? undefined : costOf(usage);
    return cost === undefined ? undefined : JSON.stringify({ ...chunk, usage: { ...chunk['usage'], cost } });
  },
  // A cap on each alternative answer, as the fields themselves are.
  clampOutput(body, tokens) {
    const fields = ['max_completion_tokens', 'max_tokens'].filter((name) => numberOf(body[name]) !== undefined);
    const edited: JsonObject = { ...body };
    for (const name of fields.length === 0 ? ['max_completion_tokens'] : fields) {
      edited[name] = Math.min(numberOf(body[name]) ?? tokens, tokens);
    }
    return edited;
  },
};
