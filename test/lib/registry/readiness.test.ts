import { expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { createReadiness } from '../../../lib/registry/readiness.ts';

function prepare(ask: () => Promise<unknown>) {
  const clock = { now: 0 };
  const slept: number[] = [];
  let asked = 0;
  let wake = (): void => undefined;
  const ready = createReadiness({
    ask: () => {
      asked++;
      return ask();
    },
    sleep: (ms) => {
      slept.push(ms);
      return new Promise((resolve) => (wake = resolve));
    },
    now: () => clock.now,
  });
  return { ready, clock, slept, wake: () => wake(), asked: () => asked };
}

it('asks the store once for all who ask within a second, and then again', async () => {
  const { ready, clock, asked } = prepare(async () => 7);

  await Promise.all([ready(), ready()]);
  clock.now = 999;
  await ready();
  expect(asked()).toBe(1);

  clock.now = 1_000;
  await ready();
  expect(asked()).toBe(2);
});

it('is not ready while the store fails, and is again a second after it is back', async () => {
  let fails = true;
  const { ready, clock } = prepare(async () => {
    if (fails) throw new GatewayError('overloaded', 'down');
  });

  await expect(ready()).rejects.toMatchObject({ status: 503, message: 'down' });
  fails = false;
  clock.now = 1_000;
  await ready();
});

it('is not ready when the store says nothing for two seconds, whatever it says later', async () => {
  let late: (reason: Error) => void = () => undefined;
  const { ready, slept, wake } = prepare(() => new Promise((_, reject) => (late = reject)));

  const answer = ready();
  wake();

  await expect(answer).rejects.toMatchObject({ status: 503, message: 'The store did not answer within 2000 ms.' });
  expect(slept).toEqual([2_000]);
  late(new Error('late'));
});
