import { describe, expect, it } from 'vitest';
import type { StoredResponse } from '../../../lib/domain/conversation.ts';
import { createNumberedCutter } from '../../../lib/responses/response-follower.ts';
import { streamStored } from '../../../lib/responses/stored-stream.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { NOW } from '../../support/exchange.ts';

const reader = { owner: 'a'.repeat(64), now: NOW };
const running: StoredResponse = {
  id: 'resp_1',
  owner: reader.owner,
  createdAt: NOW,
  expiresAt: NOW + 1000,
  earlier: [],
  bytes: 0,
  input: [],
  response: { id: 'resp_1', status: 'in_progress', background: true, output: [] },
  model: 'gpt',
  streamed: true,
  runsUntil: NOW + 10,
};

const frame = (number: number): string => `data: ${JSON.stringify({ type: 'x', sequence_number: number, text: 'ü👋' })}\n\n`;
const EVENTS = Buffer.from([0, 1, 2, 3].map(frame).join(''));

/** A store that has `stored` and these parts of its events; `sleep` may add to it. */
async function reading(
  stored: StoredResponse,
  parts: readonly Uint8Array[],
  { query = '', sleep = async () => {}, at = NOW }: { query?: string; sleep?: () => Promise<void>; at?: number } = {},
) {
  const { conversations: store } = open();
  await store.put(stored);
  await store.begin(stored);
  for (const [part, bytes] of parts.entries()) await store.append(stored, part, bytes);
  const controller = new AbortController();
  const deps = { store, sleep, now: () => at, cutter: createNumberedCutter };
  const events = await streamStored(deps, { id: stored.id, query: new URLSearchParams(query), reader }, controller.signal);
  const text = async (): Promise<string> => Buffer.concat(await Array.fromAsync(events)).toString();
  return { store, controller, text };
}

const { runsUntil: _, ...finished } = running;

describe('stored events', () => {
  it('are the same wherever their parts were cut', async () => {
    for (let at = 0; at <= EVENTS.length; at++) {
      const parts = [EVENTS.subarray(0, at), EVENTS.subarray(at)].filter(({ length }) => length > 0);
      expect(await (await reading(finished, parts)).text()).toBe(EVENTS.toString());
    }
  });

  it('begin after the number asked for', async () => {
    expect(await (await reading(finished, [EVENTS], { query: 'starting_after=1' })).text()).toBe(frame(2) + frame(3));
    expect(await (await reading(finished, [EVENTS], { query: 'starting_after=9' })).text()).toBe('');
  });

  it('go on as they come, to the end', async () => {
    let naps = 0;
    const found = await reading(running, [Buffer.from(frame(0))], {
      sleep: async () => {
        naps++;
        if (naps === 1) await found.store.append(running, 1, Buffer.from(frame(1)));
        if (naps === 2) {
          await found.store.append(running, 2, Buffer.from(frame(2)));
          await found.store.decide(running.id, 'finished', reader);
        }
        // Decided, but not kept yet: nothing is over.
        if (naps === 3) await found.store.put(finished);
      },
    });
    expect(await found.text()).toBe(frame(0) + frame(1) + frame(2));
    expect(naps).toBe(3);
  });

  it('end with a failure when the maker is lost, and without when the reader leaves', async () => {
    const lost = await reading(running, [EVENTS], { at: NOW + 10 });
    expect(await lost.text()).toContain('"type":"response.failed","sequence_number":4');
    const left = await reading(running, [EVENTS], { sleep: async () => left.controller.abort() });
    expect(await left.text()).toBe(EVENTS.toString());
  });

  it('are waited for when the store fails, however far it was', async () => {
    let faults = 0;
    const found = await reading(running, [EVENTS.subarray(0, 50)], {
      sleep: async () => {
        await found.store.append(running, 1, EVENTS.subarray(50));
        await found.store.decide(running.id, 'finished', reader);
        await found.store.put(finished);
      },
    });
    for (const step of ['eventsAt', 'fate', 'get'] as const) {
      const works = found.store[step].bind(found.store) as (...given: unknown[]) => Promise<unknown>;
      let calls = 0;
      Object.assign(found.store, {
        [step]: (...given: unknown[]) => (calls++ === 0 && ++faults ? Promise.reject(new Error('away')) : works(...given)),
      });
    }
    expect(await found.text()).toBe(EVENTS.toString());
    expect(faults).toBe(3);
  });

  it('end when the response was deleted, or cancelled by a client whose maker is lost', async () => {
    const deleted = await reading(running, [EVENTS], {
      sleep: async () => void (await deleted.store.delete(running.id, reader)),
    });
    expect(await deleted.text()).toBe(EVENTS.toString());
    const cancelled = await reading(running, [EVENTS], { at: NOW + 10 });
    await cancelled.store.decide(running.id, 'cancelled', reader);
    expect(await cancelled.text()).toBe(EVENTS.toString());
  });

  it('are refused where there are none, and for a number that is none', async () => {
    const { streamed: _streamed, ...silent } = running;
    await expect(reading(silent, [])).rejects.toMatchObject({ status: 400, detail: { param: 'stream' } });
    await expect(reading(running, [], { query: 'starting_after=x' })).rejects.toMatchObject({
      status: 400,
      detail: { param: 'starting_after' },
    });
  });
});
