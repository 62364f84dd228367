import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import type { Target } from '../../../lib/exchange.ts';
import { retry } from '../../../lib/policies/retry.ts';
import { aDeployment, anExchange, aReply, NOW } from '../../support/exchange.ts';

const target = (id: string, over = {}): Target => ({ deployment: aDeployment({ id, ...over }), model: 'm' });
const failing = (times: number, error: GatewayError, then = aReply()) => {
  let calls = 0;
  return {
    next: async () => {
      if (calls++ < times) throw error;
      return then;
    },
    calls: () => calls,
  };
};
const policy = (waits: number[] = [], retries = 2) =>
  retry({
    retries,
    now: () => NOW,
    random: () => 0.5,
    sleep: async (ms) => void waits.push(ms),
  });
const overloaded = new GatewayError('overloaded', 'busy');

describe('retry', () => {
  it('answers with the first success', async () => {
    const { next, calls } = failing(0, overloaded);
    await policy()(anExchange({ plan: [target('a')] }), next);
    expect(calls()).toBe(1);
  });

  it('goes to the next target at once', async () => {
    const waits: number[] = [];
    const exchange = anExchange({ plan: [target('a'), target('b')] });
    await policy(waits)(exchange, failing(1, overloaded).next);
    expect(exchange.target?.deployment.id).toBe('b');
    expect(waits).toEqual([]);
  });

  it('waits longer each time when there is no other target', async () => {
    const waits: number[] = [];
    await policy(waits)(anExchange({ plan: [target('a')] }), failing(2, overloaded).next);
    expect(waits).toEqual([250, 500]);
  });

  it('waits as long as the provider asks', async () => {
    const waits: number[] = [];
    const error = new GatewayError('rate_limit', 'slow down', { retryAfter: '2' });
    await policy(waits)(anExchange({ plan: [target('a')] }), failing(1, error).next);
    expect(waits).toEqual([2000]);
  });

  it('understands a date in retry-after', async () => {
    const waits: number[] = [];
    const error = new GatewayError('rate_limit', 'slow down', { retryAfter: new Date(NOW + 3000).toUTCString() });
    await policy(waits)(anExchange({ plan: [target('a')] }), failing(1, error).next);
    expect(waits).toEqual([3000]);
  });

  it('gives up when the provider asks for a long wait', async () => {
    const error = new GatewayError('rate_limit', 'slow down', { retryAfter: '60' });
    const { next, calls } = failing(1, error);
    await expect(policy()(anExchange({ plan: [target('a')] }), next)).rejects.toBe(error);
    expect(calls()).toBe(1);
  });

  it('gives up after the retries', async () => {
    const { next, calls } = failing(9, overloaded);
    await expect(policy()(anExchange({ plan: [target('a')] }), next)).rejects.toBe(overloaded);
    expect(calls()).toBe(3);
  });

  it("follows the deployment's own number of retries", async () => {
    const { next, calls } = failing(9, overloaded);
    await expect(policy()(anExchange({ plan: [target('a', { maxRetries: 0 })] }), next)).rejects.toBe(overloaded);
    expect(calls()).toBe(1);
  });

  it('never repeats what cannot succeed', async () => {
    const error = new GatewayError('invalid_request', 'no');
    const { next, calls } = failing(1, error);
    await expect(policy()(anExchange({ plan: [target('a'), target('b')] }), next)).rejects.toBe(error);
    expect(calls()).toBe(1);
  });

  it('never repeats once a byte was handed out', async () => {
    const { next, calls } = failing(1, overloaded);
    await expect(policy()(anExchange({ plan: [target('a'), target('b')], committed: true }), next)).rejects.toBe(overloaded);
    expect(calls()).toBe(1);
  });

  it('never repeats when the caller is gone', async () => {
    const { next, calls } = failing(1, overloaded);
    await expect(policy()(anExchange({ plan: [target('a'), target('b')], signal: AbortSignal.abort() }), next)).rejects.toBe(
      overloaded,
    );
    expect(calls()).toBe(1);
  });

  it('does not wait past the deadline', async () => {
    const { next } = failing(1, overloaded);
    await expect(policy()(anExchange({ plan: [target('a')], deadline: NOW + 100 }), next)).rejects.toBe(overloaded);
  });

  it('refuses an empty plan', async () => {
    await expect(policy()(anExchange(), async () => aReply())).rejects.toMatchObject({ kind: 'internal' });
  });
});
