import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VirtualKey } from '../../lib/domain/key.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, keep, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const HELD = TOKEN * 10n;

/** Runs a gateway process up to the middle of a stream and kills it there; the id of the lost call. */
async function loseCall(key: VirtualKey): Promise<string> {
  const json = JSON.stringify(key, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  const script = fileURLToPath(new URL('lost-call.ts', import.meta.url));
  const child = spawn(process.execPath, [script, emulator.endpoint, json], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const [id] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  child.kill('SIGKILL');
  await exit;
  return id;
}

describe('a process killed in mid-stream', () => {
  it('leaves holds that racing keepers settle exactly once, with one entry for the lost call', async () => {
    const key = aCappedKey({ maxBudget: TOKEN * 100n, maxParallelRequests: 2 });
    const id = await loseCall(key);
    expect(await booksOf(emulator.stores, key)).toMatchObject({
      committed: HELD,
      held: HELD,
      openHolds: 2,
      slots: 1n,
      entries: [],
    });

    const beforeLeaseEnd = await keep(emulator.stores, NOW + 60_000);
    const sweeps = await Promise.all(Array.from({ length: 4 }, () => keep(emulator.stores)));
    const again = await keep(emulator.stores);

    expect(beforeLeaseEnd.meters).toBe(0);
    expect(sweeps.reduce((sum, { booked, settled }) => sum + booked + settled, 0)).toBe(2);
    expect(again).toMatchObject({ meters: 0, booked: 0, settled: 0 });
    const books = await booksOf(emulator.stores, key);
    expect(books).toMatchObject({ committed: HELD, held: 0n, openHolds: 0, slots: 0n, ledger: HELD });
    expect(books.entries).toMatchObject([
      {
        id,
        status: 'expired',
        at: NOW,
        keyHash: key.hash,
        route: '/v1/chat/completions',
        clientDialect: 'openai-chat',
        modelGroup: 'gpt-4o-mini',
        cost: HELD,
        held: HELD,
        price: { source: 'hold', rule: 'expired:hold' },
      },
    ]);
  });

  it('does not block its key: the next admission that needs the room settles what is expired', async () => {
    const key = aCappedKey({ maxBudget: TOKEN * 15n, maxParallelRequests: 1 });
    await loseCall(key);
    const policy = admitOn(emulator.stores, { now: () => NOW + 3_600_000, expired: 'zero' });
    const exchange = aCall(key, 10, { receivedAt: NOW + 3_600_000, deadline: NOW + 3_660_000 });

    const reply = await policy(exchange, answering(exchange, used(7)));
    await reply.done;

    const books = await booksOf(emulator.stores, key);
    expect(books).toMatchObject({ committed: TOKEN * 7n, held: 0n, openHolds: 0, slots: 0n, ledger: TOKEN * 7n });
    expect(books.entries.map(({ status, cost }) => [status, cost])).toEqual([
      ['success', TOKEN * 7n],
      ['expired', 0n],
    ]);
  });
});
