import { describe, expect, it } from 'vitest';
import { EventLog, Live } from '../../../lib/policies/background-events.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('the log of events', () => {
  /** A log over a store that fails as often as `failures` says. */
  function logOver(failures = 0) {
    const parts: string[] = [];
    let left = failures;
    const log = new EventLog(async (part, stored) => {
      await Promise.resolve();
      if (left-- > 0) throw new Error('away');
      expect(part).toBe(parts.length);
      parts.push(Buffer.from(stored).toString());
    });
    return { log, parts };
  }

  it('stores what came since the last time, in order, however many ask for it', async () => {
    const { log, parts } = logOver();
    log.push(bytes('a'));
    log.push(bytes('b'));
    const first = log.flush();
    log.push(bytes('c'));
    await Promise.all([first, log.flush(), log.flush()]);
    expect(parts.join('')).toBe('abc');
  });

  it('stores with the next time what the store refused', async () => {
    const { log, parts } = logOver(1);
    log.push(bytes('a'));
    await expect(log.flush()).rejects.toThrow('away');
    log.push(bytes('b'));
    await log.flush();
    expect(parts).toEqual(['ab']);
  });

  it('cuts what is too large for one part', async () => {
    const { log, parts } = logOver();
    log.push(bytes('x'.repeat(600_000)));
    await log.flush();
    expect(parts.map(({ length }) => length)).toEqual([262_144, 262_144, 75_712]);
  });
});

describe('a live stream', () => {
  it('gives everything in order, what came before its reader too', async () => {
    const live = new Live();
    live.push(bytes('a'));
    const read = Array.fromAsync(live, (part) => Buffer.from(part).toString());
    await Promise.resolve();
    live.push(bytes('b'));
    live.push(bytes(''));
    live.push(bytes('c'));
    live.end();
    expect((await read).join('')).toBe('abc');
  });

  it('keeps nothing for a reader that left', async () => {
    const live = new Live();
    live.push(bytes('a'));
    for await (const _ of live) break;
    live.push(bytes('b'));
    live.end();
    expect(await Array.fromAsync(live)).toEqual([]);
  });
});
