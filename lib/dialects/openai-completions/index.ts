/** OpenAI's legacy completions, and fill-in-the-middle APIs made after them. */
import type { Dialect, Passthrough } from '../dialect.ts';
import { passthrough as chatPassthrough } from '../openai-chat/passthrough.ts';
import { numberOf } from '../values.ts';
import { decodeError, encodeError } from './error.ts';
import { decodeRequest, encodeRequest, forOthers } from './request.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { decodeStream, encodeStream } from './stream.ts';
import { DIALECT } from './wire.ts';

/** Usage in streams is asked for and hidden as in chat; a prompt holds nobody's reasoning. */
const passthrough: Passthrough = {
  ...chatPassthrough,
  withoutForeignProofs: (body) => body,
  clampOutput: (body, tokens) => ({ ...body, max_tokens: Math.min(numberOf(body['max_tokens']) ?? tokens, tokens) }),
};

/** The dialect, for both sides. */
export const openaiCompletions: Dialect = {
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
};
