/** Amazon Bedrock's Converse API, as the language of clients and of providers. */
import type { Dialect } from '../dialect.ts';
import { encodeStream } from './encoder.ts';
import { counting } from './counting.ts';
import { decodeError, encodeError } from './error.ts';
import { passthrough } from './passthrough.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream } from './stream.ts';
import { ID } from './wire.ts';

/** `POST /model/{id}/converse` and `/converse-stream`. */
export const bedrockConverse: Dialect = {
  id: ID,
  framing: 'aws-event-stream',
  modelInPath: true,
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
