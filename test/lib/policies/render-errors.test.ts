import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { renderErrors } from '../../../lib/policies/render-errors.ts';
import { aDeployment, anExchange, aReply, jsonOf } from '../../support/exchange.ts';

const lines: { message: string; fields: unknown }[] = [];
const policy = renderErrors(
  (dialect, error, callId) => ({ dialect, said: error.message, callId }),
  (_level, message, fields) => void lines.push({ message, fields }),
);

describe('rendering', () => {
  it('turns what is thrown into the dialect of the client', async () => {
    const reply = await policy(anExchange({ dialect: 'anthropic-messages' }), () =>
      Promise.reject(new GatewayError('not_found', 'no such model')),
    );
    expect(reply.status).toBe(404);
    expect(jsonOf(reply)).toMatchObject({ dialect: 'anthropic-messages', said: 'no such model' });
    expect(await reply.done).toMatchObject({ status: 'error' });
  });

  it('tells nothing of our insides, and logs them', async () => {
    const reply = await policy(anExchange(), () => Promise.reject(new TypeError('secret path /srv/app')));
    expect(reply.status).toBe(500);
    expect(JSON.stringify(jsonOf(reply))).not.toContain('/srv/app');
    expect(JSON.stringify(lines.at(-1))).toContain('/srv/app');
  });

  it('sends retry-after and the headers of the error', async () => {
    const error = new GatewayError('rate_limit', 'slow', { retryAfter: '7', headers: { 'x-ratelimit-limit-requests': '1' } });
    const reply = await policy(anExchange(), () => Promise.reject(error));
    expect(reply.headers).toMatchObject({ 'retry-after': '7', 'x-ratelimit-limit-requests': '1' });
    expect(reply.headers['x-should-retry']).toBeUndefined();
  });

  it('tells SDKs not to repeat what cannot succeed', async () => {
    const reply = await policy(anExchange(), () => Promise.reject(new GatewayError('budget_exceeded', 'spent')));
    expect(reply.headers['x-should-retry']).toBe('false');
  });

  it('stamps ids, the model and the warnings', async () => {
    const exchange = anExchange({
      modelName: 'chät',
      attempts: 2,
      target: { deployment: aDeployment({ id: 'd1' }), model: 'm' },
      warnings: [{ kind: 'dropped', field: 'seed', reason: 'cannot be said' }],
      admission: { headers: { 'x-litellm-key-spend': '1' } },
    });
    const reply = await policy(exchange, async () => aReply());
    expect(reply.headers).toMatchObject({
      'x-litellm-call-id': exchange.id,
      'x-request-id': exchange.id,
      'x-litellm-model-id': 'd1',
      'x-litellm-model-group': 'ch?t',
      'x-litellm-attempted-retries': '1',
      'x-tollgate-warnings': 'dropped seed',
      'x-litellm-key-spend': '1',
    });
  });
});
