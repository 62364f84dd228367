/** Cohere's chat API, version 2, as the language of clients and of providers. */
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Dialect, Passthrough } from '../dialect.ts';
import { numberOf } from '../values.ts';
import { decodeError, encodeError } from './error.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream, encodeStream } from './stream.ts';
import { decodeUsage, DIALECT } from './wire.ts';

/** Streams always report usage, and reasoning has no proofs: nothing is asked for, hidden or taken out. */
const passthrough: Passthrough = {
  withoutForeignProofs: (body) => body,
  askUsage: (body) => body,
  hidesUsage: () => false,
  isUsageFrame: () => false,
  withCost(data, costOf) {
    if (!data.includes('"message-end"')) return undefined;
    const event = parseJson(data);
    if (!isObject(event) || event.type !== 'message-end' || !isObject(event.delta)) return undefined;
    const usage = decodeUsage(event.delta.usage);
    const cost = usage === undefined ? undefined : costOf(usage);
    if (cost === undefined) return undefined;
    const counted: JsonObject = { ...(event.delta.usage as JsonObject), cost };
    return JSON.stringify({ ...event, delta: { ...event.delta, usage: counted } });
  },
  clampOutput: (body, tokens) => ({ ...body, max_tokens: Math.min(numberOf(body.max_tokens) ?? tokens, tokens) }),
};

/** `POST /v2/chat`, streamed and not. */
export const cohereChat: Dialect = {
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
