/** OpenAI's chat completions: the language of most clients and of almost every provider. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Dialect, Passthrough } from '../dialect.ts';
import { decodeError, encodeError } from './error.ts';
import { withoutReasoning } from './reasoning.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream, encodeStream, isUsageFrame } from './stream.ts';
import { usageOf } from './usage.ts';
import { numberOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** True when the stream's client gets no usage unless we ask for it. */
function lacksUsage(body: JsonObject): boolean {
  const options = body['stream_options'];
  return body['stream'] === true && !(isObject(options) && options['include_usage'] === true);
}

const passthrough: Passthrough = {
  withoutForeignProofs: (body, { reasoningField }) => withoutReasoning(body, reasoningField !== undefined),
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

/** The dialect, for both sides. */
export const openaiChat: Dialect = {
  id: DIALECT,
  framing: 'sse',
  decodeRequest,
  encodeResponse,
  encodeStream,
  encodeError,
  encodeRequest,
  decodeResponse,
  decodeStream,
  decodeError,
  passthrough,
};
