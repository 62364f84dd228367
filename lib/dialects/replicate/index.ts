/** Replicate's predictions, as the language of providers. */
import type { UpstreamSide } from '../dialect.ts';
import { decodeError } from './error.ts';
import { encodeRequest } from './request.ts';
import { decodeResponse } from './response.ts';
import { decodeStream } from './stream.ts';
import { DIALECT } from './wire.ts';

/** Predictions of models that write text. */
export const replicate: UpstreamSide = {
  id: DIALECT,
  framing: 'sse',
  encodeRequest,
  decodeResponse,
  decodeStream,
  decodeError,
};
