/** Errors, both ways: those of OpenAI's other APIs. */
export { decodeError, encodeError } from '../openai-error.ts';
