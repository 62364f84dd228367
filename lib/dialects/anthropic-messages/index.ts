/** Anthropic's Messages API, as the language of clients and of providers. */
import type { Dialect } from '../dialect.ts';
import { counting } from './counting.ts';
import { encodeStream } from './encoder.ts';
import { decodeError, encodeError } from './error.ts';
import { passthrough } from './passthrough.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream } from './stream.ts';
import { ID } from './wire.ts';

/** `POST /v1/messages`, streamed and not. */
export const anthropicMessages: Dialect = {
  id: ID,
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
  counting,
};
