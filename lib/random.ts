/** Random bytes from a pool: one system call serves many ids. For ids and draws; secrets are made one by one. */
import { randomFillSync } from 'node:crypto';

/** Bytes fetched at once. */
const POOL = 8_192;

/** A source of cryptographically random bytes; each byte is given out once. Copies, so that nobody holds the pool. */
export function pooledRandom(fill: (pool: Uint8Array) => unknown = randomFillSync): (bytes: number) => Uint8Array {
  const pool = new Uint8Array(POOL);
  let used = POOL;
  return (bytes) => {
    if (used + bytes > POOL) {
      fill(pool);
      used = 0;
    }
    used += bytes;
    return pool.slice(used - bytes, used);
  };
}
