/** OpenAI's Responses API: the language of OpenAI's newer clients and agents. */
import type { Dialect } from '../dialect.ts';
import { counting } from './counting.ts';
import { decodeError, encodeError } from './error.ts';
import { forOthers } from './foreign.ts';
import { passthrough } from './passthrough.ts';
import { decodeRequest, encodeRequest } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream, encodeStream } from './stream.ts';
import { DIALECT } from './wire.ts';

/** The dialect, for both sides. */
export const openaiResponses: Dialect = {
  id: DIALECT,
  framing: 'sse',
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
