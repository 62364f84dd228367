/** How long ids may be: those of owners, and the names of models that have limits, are parts of the keys of stored items. */
import { GatewayError } from '../errors.ts';
import { pairId } from './meter.ts';

/**
 * Longest id, bytes as `idBytes` counts them. DynamoDB takes 2,048 in a partition key; the longest key there is has two ids and the name of
 * a model, a member's budget of that model, and less than 100 bytes around them. A sort key (1,024) has one id as it is.
 */
export const LONGEST_ID = 640;

const SEPARATOR = encodeURIComponent('/');

/** Bytes that an id takes in the key of a meter: a plain letter or digit one, a character of most scripts nine. */
const idBytes = (id: string): number => encodeURIComponent(pairId(id.toWellFormed(), '')).length - SEPARATOR.length;

/** What is wrong with an id, for people; undefined where nothing is. */
export function faultOfId(id: string): string | undefined {
  if (!id.isWellFormed()) return 'expected whole characters, found half of one';
  // No character takes more than nine bytes for each of its 16 bits.
  if (id.length * 9 <= LONGEST_ID) return undefined;
  const bytes = idBytes(id);
  if (bytes <= LONGEST_ID) return undefined;
  return `expected at most ${LONGEST_ID} bytes, percent-encoded (most letters beyond ASCII are nine then); this one takes ${bytes}`;
}

/** True for text that can be an id. */
export const isId = (id: string): boolean => faultOfId(id) === undefined;

/**
 * The id, as far as it can be one.
 *
 * @param param where it stands: `user`, `x-litellm-customer-id`
 * @throws GatewayError `invalid_request`
 */
export function requireId(id: string, param: string): string {
  const fault = faultOfId(id);
  if (fault === undefined) return id;
  throw new GatewayError('invalid_request', `${param}: ${fault}`, { param });
}
