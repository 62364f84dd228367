/** Errors: `{error: text}`, also as a line of a stream. A provider's are read by what knows every envelope. */
import type { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';

export { decodeError, errorInside } from '../openai-error.ts';

/** The body of an error: the facts of a refused budget stand beside the text. */
export const encodeError = ({ message, detail }: GatewayError): JsonObject => ({ ...detail.facts, error: message });
