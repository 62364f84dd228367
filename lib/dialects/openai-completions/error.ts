/** Errors, both ways: those of OpenAI's other APIs. */
export { errorOfChunk } from '../openai-chat/error.ts';
export { decodeError, encodeError, errorInside } from '../openai-error.ts';
