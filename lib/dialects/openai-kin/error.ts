/** Errors of a provider: read by what knows every envelope. */
export { decodeError, errorInside } from '../openai-error.ts';
