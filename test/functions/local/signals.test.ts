import { expect, it, vi } from 'vitest';
import { stopOnSignals, whenOrphaned, type Host } from '../../../functions/local/signals.ts';

/** A process that can be signalled, and a stop that ends when told. */
function aHost() {
  const listeners = new Map<string, () => void>();
  const exits: number[] = [];
  const lines: string[] = [];
  const stopping = Promise.withResolvers<void>();
  let stops = 0;
  let clock = 0;
  const host: Host = {
    on: (event, listener) => listeners.set(event, () => listener(event)),
    exit: (code) => void exits.push(code),
  };
  const stop = (): Promise<void> => {
    stops++;
    return stopping.promise;
  };
  stopOnSignals(
    stop,
    (line) => lines.push(line),
    host,
    () => clock,
  );
  const send = (signal: string, after = 0): void => {
    clock += after;
    listeners.get(signal)?.();
  };
  return { send, exits, lines, stopping, stops: () => stops };
}

it.each(['SIGINT', 'SIGTERM'])('ends in order on %s', async (signal) => {
  const { send, exits, stopping, lines } = aHost();

  send(signal);
  expect(exits).toEqual([]);
  stopping.resolve();
  await stopping.promise;

  expect(exits).toEqual([0]);
  expect(lines).toEqual(['stopping: open answers may end; once more to stop at once']);
});

it('takes the echo of a Ctrl-C for the same one, and a second for a demand', () => {
  const { send, exits, stops } = aHost();

  send('SIGINT');
  send('SIGINT', 100);
  expect(exits).toEqual([]);
  send('SIGTERM', 1_000);

  expect(exits).toEqual([1]);
  expect(stops()).toBe(1);
});

it('says why it could not end in order', async () => {
  const { send, exits, stopping, lines } = aHost();

  send('SIGTERM');
  stopping.reject(new Error('the disk is gone'));
  await stopping.promise.catch(() => undefined);
  await Promise.resolve();

  expect(exits).toEqual([1]);
  expect(lines.at(-1)).toBe('the disk is gone');
});

it('notices once that its parent is gone', () => {
  vi.useFakeTimers();
  let parent = 7;
  let left = 0;
  whenOrphaned(
    () => left++,
    () => parent,
    10,
  );

  vi.advanceTimersByTime(50);
  expect(left).toBe(0);
  parent = 1;
  vi.advanceTimersByTime(50);

  expect(left).toBe(1);
  vi.useRealTimers();
});
