/** Ids of calls: unique, time-ordered, safe in headers, file names and DynamoDB attribute names. */
import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A fresh id of 26 characters: 10 of time (milliseconds), 16 random (80 bits), in Crockford's base 32 (the ULID layout).
 *
 * @param now milliseconds since the epoch
 */
export function newCallId(now: number, random: (bytes: number) => Uint8Array = randomBytes): string {
  let time = '';
  for (let rest = now, digit = 0; digit < 10; digit++) {
    time = ALPHABET[rest % 32] + time;
    rest = Math.floor(rest / 32);
  }
  let tail = '';
  for (const byte of random(16)) tail += ALPHABET[byte % 32];
  return time + tail;
}

/** Between a call's id and the serial number of a hold; in no id. */
const SERIAL = '~';

/** The id of a call's hold: each try at admission has its own, so that a write which comes late cannot be taken for another one's. */
export const holdIdOf = (callId: string, serial: number): string => (serial === 1 ? callId : `${callId}${SERIAL}${serial}`);

/** The call a hold belongs to. */
export const callIdOf = (holdId: string): string => holdId.split(SERIAL, 1)[0] ?? holdId;
