/** Errors: Bedrock's, as Converse has them. */
export { decodeError, encodeError, reportedError, streamException } from '../bedrock-converse/error.ts';
