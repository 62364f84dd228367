import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import type { Outcome } from '../../../lib/exchange.ts';
import { record } from '../../../lib/policies/record.ts';
import { aDeployment, aKey, anExchange, aReply, NOW } from '../../support/exchange.ts';

describe('the record of a request', () => {
  it('is one line after the last byte, with figures and without content', async () => {
    const lines: Record<string, unknown>[] = [];
    const exchange = anExchange({
      caller: { type: 'key', key: aKey({ alias: 'team-a' }) },
      target: { deployment: aDeployment({ id: 'd1' }), model: 'm' },
      warnings: [{ kind: 'dropped', field: 'seed', reason: '' }],
    });
    const policy = record(
      (level, message, fields) => void lines.push({ level, message, ...fields }),
      () => NOW + 5,
    );

    const { promise: done, resolve } = Promise.withResolvers<Outcome>();
    const reply = await policy(exchange, async () => ({ ...aReply(), done }));
    expect(lines).toEqual([]);
    resolve({ status: 'success', firstByteMs: 3, firstTokenMs: 4 });
    await reply.done;

    expect(lines).toEqual([
      {
        level: 'info',
        message: 'request',
        id: exchange.id,
        route: '/v1/chat/completions',
        status: 200,
        outcome: 'success',
        durationMs: 5,
        attempts: 0,
        model: 'gpt-4o-mini',
        deployment: 'd1',
        firstByteMs: 3,
        firstTokenMs: 4,
        key: 'team-a',
        warnings: ['dropped seed'],
      },
    ]);
  });

  it('is a warning when the gateway or the provider failed', async () => {
    const lines: Record<string, unknown>[] = [];
    const policy = record(
      (level, _message, fields) => void lines.push({ level, ...fields }),
      () => NOW,
    );
    const error = new GatewayError('upstream', 'broken');
    const reply = await policy(anExchange({ caller: { type: 'master' }, modelName: '' }), async () => ({
      ...aReply(502),
      done: Promise.resolve({ status: 'error' as const, error }),
    }));
    await reply.done;
    expect(lines[0]).toMatchObject({ level: 'warn', key: 'master', error: 'upstream' });
  });
});
