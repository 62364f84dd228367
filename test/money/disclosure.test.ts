/** What a caller learns of limits that are not its own: which one refused and when to come back, and nothing of what others spent. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hashSecret } from '../../lib/domain/key.ts';
import type { Limits } from '../../lib/domain/limits.ts';
import { open } from '../../lib/stores/memory/index.ts';
import { CHAT, chat, entriesOf, keyed, post, SECRET, spentBy, startBench, TOKEN, wrote, type Bench } from './bench-gateway.ts';
import { PLAIN_TEAM } from '../support/records.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.upstream.close());

const OTHER = 'sk-other';
const entity = { createdAt: 0, updatedAt: 0, metadata: {}, rev: 1, budgetAnchor: 0 };
const team = (id: string) => ({
  ...PLAIN_TEAM,
  ...entity,
  id,
});

/** A customer `acme` and a tag `batch` with these limits, and keys of two teams. */
async function shared(limits: Partial<Limits>, over: object = {}, env: Record<string, string> = {}) {
  const stores = open();
  for (const id of ['red', 'blue']) await stores.teams.create(team(id));
  await stores.customers.create({ ...entity, id: 'acme', alias: 'Acme Ltd', blocked: false, ...limits, ...over });
  await stores.tags.create({ ...entity, id: 'batch', models: [], ...limits, ...over });
  const gateway = await bench.serve(wrote(500), { stores, env });
  await gateway.addKey(SECRET, keyed({ teamId: 'red' }));
  await gateway.addKey(OTHER, { ...keyed({ teamId: 'blue' }), hash: hashSecret(OTHER) });
  const call = async (secret: string, body: object) => {
    const answer = await post(gateway, CHAT, chat(500, body), { authorization: `Bearer ${secret}` });
    return { status: answer.status, text: JSON.stringify([await answer.json(), Object.fromEntries(answer.headers)]) };
  };
  return { gateway, call };
}

/** Figures of a budget of 540 tokens of which 500 are spent, and names that are the operator's. */
const FIGURES = /0\.00054|"used"|"held"|"limit"|x-ratelimit-|Acme Ltd/;

describe('a limit of a customer or a tag that is nobody’s', () => {
  it.each([{ user: 'acme' }, { metadata: { tags: ['batch'] } }])('refuses %j by name, without figures', async (body) => {
    const { gateway, call } = await shared({ maxBudget: 540n * TOKEN, budgetDuration: '1d' });
    expect((await call(SECRET, body)).status).toBe(200);
    await entriesOf(gateway, 1);

    const refused = await call(OTHER, body);

    expect(refused.status).toBe(429);
    expect(refused.text).toContain('budget_exceeded');
    expect(refused.text).toMatch(/The (customer acme|tag batch) has too little left of its budget per 1d/);
    expect(refused.text).toMatch(/It resets at \d{4}-/);
    expect(refused.text).not.toMatch(FIGURES);
    expect(gateway.lines).toContainEqual(
      expect.objectContaining({ message: 'a limit refused a call', counter: 'usd', limit: 0.00054, used: 0.0005, held: 0 }),
    );
  });

  it('of rates says when to come back, and neither before nor after how much is left', async () => {
    const { gateway, call } = await shared({ rpmLimit: 1 });
    const passed = await call(SECRET, { user: 'acme' });
    await entriesOf(gateway, 1);
    const refused = await call(OTHER, { user: 'acme' });

    expect([passed.status, refused.status]).toEqual([200, 429]);
    for (const { text } of [passed, refused]) expect(text).not.toMatch(FIGURES);
    expect(refused.text).toContain('the customer acme has no room for it in its requests per minute');
    expect(refused.text).toMatch(/"retry-after":"\d+"/);
  });

  it('tells everything to the master key', async () => {
    const { gateway, call } = await shared({ maxBudget: 540n * TOKEN });
    expect((await call(gateway.masterKey, { user: 'acme' })).status).toBe(200);
    await entriesOf(gateway, 1);
    expect((await call(gateway.masterKey, { user: 'acme' })).text).toMatch(FIGURES);
  });
});

describe('a limit of the gateway', () => {
  it('tells keys nothing of what all spend together', async () => {
    const { gateway, call } = await shared({}, {}, { TOLLGATE_MAX_BUDGET: '0.00054' });
    expect((await call(SECRET, {})).status).toBe(200);
    await entriesOf(gateway, 1);
    const refused = await call(OTHER, {});
    expect(refused.status).toBe(429);
    expect(refused.text).toContain('The gateway has too little left of its budget');
    expect(refused.text).not.toMatch(FIGURES);
  });
});

describe('a customer, or a tag, of a team', () => {
  it.each([
    [{ user: 'acme' }, 'customer_access_denied'],
    [{ metadata: { tags: ['batch'] } }, 'tag_access_denied'],
  ])('named by %j is spent by that team alone, which sees where it stands', async (body, code) => {
    const { gateway, call } = await shared({ maxBudget: 540n * TOKEN }, { teamId: 'red' });

    const strange = await call(OTHER, body);
    expect(strange.status).toBe(403);
    expect(strange.text).toContain(code);
    expect(strange.text).not.toMatch(FIGURES);
    const kind = 'user' in body ? 'customer' : 'tag';
    const scope = { kind, id: kind === 'customer' ? 'acme' : 'batch' } as const;
    expect(await spentBy(gateway, { scope, limits: { budgetAnchor: 0, maxBudget: 540n * TOKEN } })).toBe(0n);

    expect((await call(SECRET, body)).status).toBe(200);
    await entriesOf(gateway, 1);
    expect((await call(SECRET, body)).text).toMatch(/may spend 0\.00054 USD/);
  });

  it('is of who named it first, where the operator says so', async () => {
    const { gateway, call } = await shared({}, {}, { TOLLGATE_CUSTOMERS_OF_TEAMS: 'true' });
    expect((await call(SECRET, { user: 'new' })).status).toBe(200);
    await entriesOf(gateway, 1);
    await expect.poll(() => gateway.stores.customers.get('new')).toMatchObject({ teamId: 'red' });
    gateway.management.onChange?.();
    expect((await call(OTHER, { user: 'new' })).status).toBe(403);
    expect((await call(SECRET, { user: 'new' })).status).toBe(200);
  });
});
