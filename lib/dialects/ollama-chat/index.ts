/** Ollama's native chat API, as the language of clients and of providers. */
import { isObject, parseJson } from '../../kinds/json.ts';
import type { Dialect, Passthrough } from '../dialect.ts';
import { numberOf } from '../values.ts';
import { decodeError, encodeError } from './error.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream, encodeStream } from './stream.ts';
import { decodeUsage, DIALECT } from './wire.ts';

/** The last line of a stream always reports usage, and reasoning has no proofs: nothing is asked for, hidden or taken out. */
const passthrough: Passthrough = {
  withoutForeignProofs: (body) => body,
  askUsage: (body) => body,
  hidesUsage: () => false,
  isUsageFrame: () => false,
  withCost(data, costOf) {
    if (!data.includes('eval_count"')) return undefined;
    const line = parseJson(data);
    const usage = isObject(line) && line.done === true ? decodeUsage(line) : undefined;
    const cost = usage === undefined ? undefined : costOf(usage);
    return isObject(line) && cost !== undefined ? JSON.stringify({ ...line, cost }) : undefined;
  },
  // A negative number means no cap.
  clampOutput(body, tokens) {
    const options = isObject(body.options) ? body.options : {};
    const asked = numberOf(options.num_predict) ?? -1;
    return { ...body, options: { ...options, num_predict: asked < 0 ? tokens : Math.min(asked, tokens) } };
  },
};

/** `POST /api/chat`, streamed (unless the client says otherwise) and not. */
export const ollamaChat: Dialect = {
  id: DIALECT,
  framing: 'ndjson',
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
