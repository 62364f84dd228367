/** Google's `generateContent`, as the language of clients and of providers: the Gemini API and Vertex AI. */
import type { Dialect } from '../dialect.ts';
import { counting } from './counting.ts';
import { encodeStream } from './encoder.ts';
import { decodeError, encodeError } from './error.ts';
import { passthrough } from './passthrough.ts';
import { decodeRequest, encodeRequest, forOthers } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream } from './stream.ts';
import { ID } from './wire.ts';

/** `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent?alt=sse`. */
export const gemini: Dialect = {
  id: ID,
  framing: 'sse',
  framingFor: (query) => (query.get('alt') === 'sse' ? 'sse' : 'json-array'),
  modelInPath: true,
  decodeRequest,
  forOthers,
  encodeResponse,
  encodeStream,
  encodeError,
  encodeRequest,
  decodeResponse,
  decodeStream,
  decodeError,
  passthrough,
  counting,
};
