import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { describe, expect, it } from 'vitest';
import { budgetMeter } from '../../../lib/domain/budget.ts';
import { hashSecret, type VirtualKey } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { cacheSaving } from '../../../lib/management/spend/receipt.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

async function aCall(admin: Admin): Promise<{ readonly secret: string; readonly hash: string }> {
  await admin.call('POST', '/team/new', { body: { team_id: 't' } });
  const { body } = await admin.call('POST', '/key/generate', { body: { max_budget: 1, budget_duration: '1d', team_id: 't' } });
  const secret = String(body['key']);
  const hash = hashSecret(secret);
  const key = (await admin.deps.keys.get(hash)) as VirtualKey;
  const { meter, scope, window } = budgetMeter(key, NOW);
  const amounts = { usd: parseUsd('0.25') };
  await admin.deps.meters.hold({ meter, scope, window, amounts, limits: {}, swept: true }, 'r1', NOW + 1);
  await admin.deps.meters.settle(meter, 'r1', amounts, amounts);
  await admin.spend({
    id: 'r1',
    keyHash: hash,
    teamId: 't',
    provider: 'anthropic',
    model: 'claude',
    attempts: 3,
    firstTokenMs: 120,
    usage: { inputTokens: 1_000, cacheReadTokens: 600, cacheWriteTokens: 100, outputTokens: 10, source: 'provider' },
    cost: parseUsd('0.25'),
    costParts: { input: 300n, cache_read: 60n, cache_write: 125n, output: 10n },
    held: parseUsd('0.3'),
    price: { source: 'catalog', version: 'litellm-2026-08-01', rule: 'above_200k_tokens' },
  });
  return { secret, hash };
}

async function keysOf(admin: Admin): Promise<JSONWebKeySet> {
  return (await admin.call('GET', '/receipts/keys', { key: null })).body as unknown as JSONWebKeySet;
}

describe('a receipt', () => {
  it('says what a call used, what it cost and why, and what is left of its budgets', async () => {
    const admin = createAdmin();
    const { secret, hash } = await aCall(admin);

    const { body } = await admin.call('GET', '/receipts/r1', { key: secret });

    expect(body['receipt']).toMatchObject({
      id: 'r1',
      first_token_ms: 120,
      issued_at: new Date(NOW).toISOString(),
      status: 'success',
      model: 'claude',
      owner: { key: hash, team_id: 't', user_id: null },
      usage: { inputTokens: 1_000, cacheReadTokens: 600, source: 'provider' },
      cost: {
        currency: 'USD',
        total: '0.25',
        held: '0.3',
        parts: { input: '0.0000000003', output: '0.00000000001' },
        // 700 tokens at 1 each, less 60 and 125.
        cache_saving: '0.000000000515',
      },
      price: { source: 'catalog', version: 'litellm-2026-08-01', rule: 'above_200k_tokens' },
      attempts: 3,
      retries: 2,
      budgets: [{ scope: 'key', id: hash, window: '1d', limit: '1', spent: '0.25', held: '0', left: '0.75' }],
    });
  });

  it('can be checked by anybody with the public key, and only as it is', async () => {
    const admin = createAdmin();
    await aCall(admin);
    const { receipt, jws } = (await admin.call('GET', '/receipts/r1')).body as { receipt: JsonObject; jws: string };
    const keys = createLocalJWKSet(await keysOf(admin));

    const { payload, protectedHeader } = await compactVerify(jws, keys);

    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(receipt);
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: 'receipt+jws' });
    const [head = '', body = '', signature = ''] = jws.split('.');
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace('"0.25"', '"0.01"')).toString('base64url');
    expect(forged).not.toBe(body);
    await expect(compactVerify(`${head}.${forged}.${signature}`, keys)).rejects.toThrow('signature verification failed');
    const other = createAdmin();
    await expect(compactVerify(jws, createLocalJWKSet(await keysOf(other)))).rejects.toThrow();
  });

  it('is signed with one key, however many make it at once, and the private part is never shown', async () => {
    const admin = createAdmin();
    await aCall(admin);

    const answers = await Promise.all(Array.from({ length: 5 }, () => admin.call('GET', '/receipts/r1')));
    const { keys } = await keysOf(admin);

    expect(keys).toHaveLength(1);
    for (const { body } of answers) await compactVerify(String(body['jws']), createLocalJWKSet({ keys }));
    const stored = JSON.parse((await admin.deps.secrets.get('receipt-keys')) ?? '') as { keys: { d: string }[] };
    expect(keys[0]).not.toHaveProperty('d');
    for (const output of admin.outputs) expect(output).not.toContain(stored.keys[0]?.d);
  });

  it('shows of keys of other types too what is public, and no more', async () => {
    const admin = createAdmin();
    const hidden = { d: 'hidden', p: 'hidden', q: 'hidden', dp: 'hidden', dq: 'hidden', qi: 'hidden', k: 'hidden' };
    const keys = [{ kty: 'RSA', kid: 'old', n: 'modulus', e: 'AQAB', ...hidden }];
    await admin.deps.secrets.create('receipt-keys', JSON.stringify({ keys }));
    const shown = await keysOf(admin);
    expect(shown.keys).toMatchObject([{ kty: 'RSA', kid: 'old', n: 'modulus', e: 'AQAB' }]);
    expect(JSON.stringify(shown)).not.toContain('hidden');
  });

  it('tells a key nothing of the budgets of customers and tags that are not its team’s', async () => {
    const admin = createAdmin();
    const { secret } = await aCall(admin);
    await admin.call('POST', '/team/new', { body: { team_id: 't' } });
    for (const [id, over] of [
      ['free', {}],
      ['ours', { team_id: 't' }],
    ] as const) {
      await admin.call('POST', '/customer/new', { body: { user_id: id, max_budget: 9, ...over } });
      await admin.call('POST', '/tag/new', { body: { name: id, max_budget: 9, ...over } });
    }
    const budgets = async (endUser: string, key?: string) => {
      const { id } = await admin.spend({ keyHash: hashSecret(secret), teamId: 't', endUser, tags: ['free', 'ours'] });
      const { body } = await admin.call('GET', `/receipts/${id}`, key === undefined ? {} : { key });
      const { budgets: rows } = body['receipt'] as { budgets: { scope: string; id: string }[] };
      return rows.filter(({ scope }) => scope !== 'key').map(({ scope, id: of }) => `${scope} ${of}`);
    };
    expect(await budgets('free', secret)).toEqual(['tag ours']);
    expect(await budgets('ours', secret)).toEqual(['customer ours', 'tag ours']);
    expect(await budgets('free')).toEqual(['customer free', 'tag free', 'tag ours']);
  });

  it('is its owner’s alone', async () => {
    const admin = createAdmin();
    await aCall(admin);
    const { body } = await admin.call('POST', '/key/generate', { body: {} });

    expect(await admin.call('GET', '/receipts/r1', { key: String(body['key']) })).toMatchObject({ status: 404 });
    expect(await admin.call('GET', '/receipts/nothing')).toMatchObject({ status: 404 });
  });
});

describe('what a cache saved', () => {
  it('is nothing without a cache, and unknown without a plain token to compare with', () => {
    expect(cacheSaving(undefined, {})).toBe(0n);
    expect(cacheSaving({ inputTokens: 5, source: 'provider' }, { input: 5n })).toBe(0n);
    expect(cacheSaving({ inputTokens: 5, cacheReadTokens: 5, source: 'provider' }, { cache_read: 1n })).toBeUndefined();
  });
});
