import { describe, expect, it } from 'vitest';
import { identify } from '../../../lib/policies/identify.ts';
import { ownerOf } from '../../../lib/policies/owner.ts';
import type { Exchange, Reply } from '../../../lib/exchange.ts';
import { aKey, anExchange } from '../../support/exchange.ts';

const reply: Reply = { status: 200, headers: {}, body: new Uint8Array(), done: Promise.resolve({ status: 'success' }) };

async function identified(over: Partial<Exchange>): Promise<Exchange> {
  const exchange = anExchange(over);
  await identify()(exchange, async () => reply);
  return exchange;
}

describe('whom a call is booked to', () => {
  it('is the customer that the body names, clipped', async () => {
    const { generate } = anExchange();
    const exchange = await identified({ generate: { ...generate, user: 'c'.repeat(300) } });
    expect(ownerOf(exchange)).toEqual({ keyHash: 'master', endUser: 'c'.repeat(256), tags: [] });
  });

  it('are the tags of the key and of the metadata, without repeats and without what is no text', async () => {
    const { generate } = anExchange();
    const exchange = await identified({
      caller: { type: 'key', key: aKey({ tags: ['a'] }) },
      generate: { ...generate, metadata: { tags: ['b', 'a', 3] } },
    });
    expect(exchange.tags).toEqual(['a', 'b']);
  });

  it('are the owners that the records of the key name', () => {
    const team = { organizationId: 'o' };
    const key = aKey({ hash: 'h', origin: 'first', userId: 'u', projectId: 'p', teamId: 't' });
    const caller = { type: 'key', key, team } as unknown as NonNullable<Exchange['caller']>;
    expect(ownerOf(anExchange({ caller }))).toMatchObject({
      keyHash: 'first',
      userId: 'u',
      teamId: 't',
      projectId: 'p',
      organizationId: 'o',
    });
  });
});
