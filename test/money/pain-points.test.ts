/**
 * What goes wrong with limits in other gateways, by the numbers of the list it was collected in, shown to be impossible here: through the
 * whole gateway, with clients and providers on real sockets. What goes wrong with spend is in `spend-pain-points`.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newCallId } from '../../lib/domain/call-id.ts';
import type { Customer, SharedBudget } from '../../lib/domain/customer.ts';
import { addDuration, parseDuration } from '../../lib/domain/duration.ts';
import { scopeOf } from '../../lib/domain/key.ts';
import { meterId, pairId } from '../../lib/domain/meter.ts';
import { minuteWindow } from '../../lib/domain/window.ts';
import { endpoints } from '../../lib/endpoints/index.ts';
import { GatewayError } from '../../lib/errors.ts';
import { open } from '../../lib/stores/memory/index.ts';
import { aDeployment, NOW } from '../support/exchange.ts';
import { chatChunk, messageAnswer, sendChunks, sendJson, usageChunk } from '../support/upstream.ts';
import {
  USD,
  TOKEN,
  PRICE,
  SECRET,
  DAY_MS,
  CREDENTIAL,
  startBench,
  keyed,
  post,
  CHAT,
  chat,
  wrote,
  entriesOf,
  spentBy,
  spentByKey,
  statuses,
  type Bench,
} from './bench-gateway.ts';
import { aCall, admitOn } from './calls.ts';
import { PLAIN_TEAM } from '../support/records.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.upstream.close());

describe('limits that fail elsewhere', () => {
  it('1: a process that died leaves no phantom spend: its hold is found by whoever needs the room, and refusals agree with reports', async () => {
    const gateway = await bench.serve(wrote(100), { env: { TOLLGATE_EXPIRED_HOLD: 'zero' } });
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: 1_000n * TOKEN }));
    // A call that holds nearly all of it, and whose process is gone.
    const dead = aCall(key, 900, { id: newCallId(NOW), receivedAt: NOW });
    void admitOn(gateway.stores)(dead, () => new Promise<never>(() => {}));
    await new Promise((done) => setImmediate(done));

    const refused = await post(gateway, CHAT, chat(500));
    const { error } = (await refused.json()) as { error: Record<string, unknown> };
    expect(refused.status).toBe(429);
    expect(error).toMatchObject({ used: 0, held: 0.0009 });

    bench.now = NOW + 3_600_000;
    expect((await post(gateway, CHAT, chat(500))).status).toBe(200);
    expect(await spentByKey(gateway, key)).toBe(100n * TOKEN);
    const entries = await entriesOf(gateway, 2);
    expect(entries.map(({ status, cost }) => `${status} ${cost}`)).toEqual([`expired 0`, `success ${100n * TOKEN}`]);
  });

  describe('2: nothing that makes a provider work goes around the limits', () => {
    const messages = [{ role: 'user', content: 'Hi' }];
    const BODIES: Readonly<Record<string, object>> = {
      'openai-chat': { model: 'claude', messages },
      'openai-completions': { model: 'claude', prompt: 'Hi' },
      'openai-responses': { model: 'claude', input: 'Hi' },
      'anthropic-messages': { model: 'claude', messages, max_tokens: 100 },
      'bedrock-converse': { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] },
      'bedrock-invoke': { anthropic_version: 'bedrock-2023-05-31', max_tokens: 100, messages },
      'cohere-chat': { model: 'claude', messages },
      'ollama-chat': { model: 'claude', messages },
      gemini: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    };
    /** Kinds that only read what is here, or count. Any other makes a provider work, also one that is yet to come. */
    const FREE = new Set(['count', 'models', 'stored-response', 'conversation', 'liveliness', 'readiness']);
    const working = endpoints.filter(({ kind }) => !FREE.has(kind));
    const counting = endpoints.filter(({ kind }) => kind === 'count');
    const pathsOf = (paths: readonly string[]): readonly string[] => paths.map((path) => path.replace(/\{\w+\}/g, 'claude'));

    it('refuses a spent key at every path of every generate endpoint, also streamed, also in the background', async () => {
      const gateway = await bench.serve(sendJson(messageAnswer()));
      await gateway.addKey(SECRET, keyed({ maxBudget: 1n }));
      const before = bench.upstream.seen.length;

      for (const { paths, dialect, kind } of working) {
        const body = BODIES[dialect];
        if (body === undefined) throw new Error(`no body for ${dialect}: a new dialect belongs into this proof`);
        for (const path of pathsOf(paths)) {
          expect((await post(gateway, path, body)).status, path).toBe(429);
          if (kind !== 'generate') continue;
          expect((await post(gateway, path, { ...body, stream: true })).status, `${path}, streamed`).toBe(429);
        }
      }
      const inBackground = { ...BODIES['openai-responses'], background: true };
      expect((await post(gateway, '/v1/responses', inBackground)).status).toBe(429);
      expect((await post(gateway, '/v1/responses', { ...inBackground, stream: true })).status).toBe(429);

      expect(bench.upstream.seen).toHaveLength(before);
      expect(await entriesOf(gateway, 0)).toEqual([]);
      expect(working.length).toBeGreaterThan(10);
    });

    it('refuses a model whose budget is spent by whatever name it is called, and limits on an alias count', async () => {
      const gateway = await bench.serve(sendJson(messageAnswer()));
      const spent = { maxBudget: 1n };
      await gateway.addKey(SECRET, keyed({ aliases: { smart: 'claude' }, modelLimits: { claude: spent } }));
      await gateway.addKey('sk-alias', keyed({ aliases: { smart: 'claude' }, modelLimits: { smart: spent } }));
      const before = bench.upstream.seen.length;

      for (const secret of [SECRET, 'sk-alias']) {
        for (const model of ['smart', 'claude']) {
          const { status } = await post(gateway, CHAT, chat(10, { model }), { authorization: `Bearer ${secret}` });
          expect(status, `${secret} calls ${model}`).toBe(429);
        }
      }

      expect(bench.upstream.seen).toHaveLength(before);
    });

    it('counts tokens for a spent key, and books nothing', async () => {
      const gateway = await bench.serve(sendJson({ input_tokens: 7 }));
      const key = await gateway.addKey(SECRET, keyed({ maxBudget: 1n }));

      for (const { paths, dialect, route } of counting) {
        const body = route === '/utils/token_counter' ? { model: 'claude', messages } : BODIES[dialect];
        for (const path of pathsOf(paths)) expect((await post(gateway, path, body ?? {})).status, path).toBe(200);
      }

      expect(counting.length).toBeGreaterThan(3);
      expect(await entriesOf(gateway, 0)).toEqual([]);
      expect(await spentByKey(gateway, key)).toBe(0n);
    });
  });

  it('3: the first calls of a customer nobody has seen share one budget, and those of a new session too', async () => {
    const stores = open();
    const budget: SharedBudget = {
      id: 'default',
      createdAt: 0,
      updatedAt: 0,
      metadata: {},
      rev: 1,
      models: [],
      budgetAnchor: 0,
      maxBudget: 1_050n * TOKEN,
    };
    await stores.budgets.create(budget);
    const gateway = await bench.serve(wrote(500), { stores, env: { TOLLGATE_CUSTOMER_BUDGET_ID: 'default' } });
    const key = await gateway.addKey(SECRET, keyed({ sessionBudget: 1_050n * TOKEN }));

    const ofCustomer = await Promise.all(Array.from({ length: 20 }, () => post(gateway, CHAT, chat(500, { user: 'unseen' }))));
    const ofSession = await Promise.all(
      Array.from({ length: 20 }, () => post(gateway, CHAT, chat(500), { 'x-litellm-session-id': 'unseen' })),
    );

    // Twice 500 for the answer and some for the question fit, a third does not.
    expect(statuses(ofCustomer)).toEqual({ 200: 2, 429: 18 });
    expect(statuses(ofSession)).toEqual({ 200: 2, 429: 18 });
    expect(await spentBy(gateway, { scope: { kind: 'customer', id: 'unseen' }, limits: budget })).toBe(1_000n * TOKEN);
    const session = { scope: { kind: 'session', id: pairId(scopeOf(key).id, 'unseen') }, limits: budget } as const;
    expect(await spentBy(gateway, session)).toBe(1_000n * TOKEN);
  });

  it('4: the hold of a long call has the price of its tier: five of them do not pass a cap for two', async () => {
    const usage = { promptTokenCount: 250_000, candidatesTokenCount: 10, totalTokenCount: 250_010 };
    const answer = {
      candidates: [{ content: { role: 'model', parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
      usageMetadata: usage,
    };
    const gateway = await bench.serve(sendJson(answer), {
      deployments: [
        aDeployment({
          modelName: 'long',
          provider: 'gemini',
          model: 'gemini-2.5-pro',
          apiBase: `${bench.upstream.url}/v1beta`,
          credential: CREDENTIAL,
        }),
      ],
    });
    // 250,000 tokens cost 0.625 USD above the threshold, 0.3125 below: at the plain price all five would fit.
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: (USD * 2n * 7n) / 10n }));
    const long = chat(10, { model: 'long', messages: [{ role: 'user', content: 'word '.repeat(150_000) }] });

    const answers = await Promise.all(Array.from({ length: 5 }, () => post(gateway, CHAT, long)));

    const spent = await spentByKey(gateway, key);
    expect(statuses(answers)[200] ?? 0).toBeLessThanOrEqual(2);
    expect(spent).toBeLessThanOrEqual(key.maxBudget ?? 0n);
    const entries = await entriesOf(gateway, statuses(answers)[200] ?? 0);
    expect(entries.length).toBeGreaterThan(0);
    for (const { cost = 0n, held = 0n } of entries) {
      expect(cost).toBe(625_150_000_000n);
      expect(held).toBeGreaterThanOrEqual(cost);
    }
  });

  it('5: no cap lives in a process: two gateways share one, none is made up, and a refusal says which one it was', async () => {
    const stores = open();
    const [one, two] = [await bench.serve(wrote(500), { stores }), await bench.serve(wrote(500), { stores })];
    await one.addKey(SECRET, keyed({ alias: 'intern', maxBudget: 1_050n * TOKEN, budgetDuration: '1d', budgetAnchor: NOW }));
    const free = await one.addKey('sk-free', keyed({}));

    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => post(n % 2 === 0 ? one : two, CHAT, chat(500))));
    const refused = await post(two, CHAT, chat(500));

    expect(statuses(answers)).toEqual({ 200: 2, 429: 18 });
    expect(await refused.json()).toMatchObject({
      error: {
        message: expect.stringContaining('The key "intern" may spend 0.00105 USD per 1d: 0.001 USD are spent') as unknown,
        scope: 'key',
        window: '1d',
        resets_at: new Date(NOW + DAY_MS).toISOString(),
      },
    });
    const unlimited = await Promise.all(
      Array.from({ length: 5 }, () => post(one, CHAT, chat(500), { authorization: 'Bearer sk-free' })),
    );
    expect(statuses(unlimited)).toEqual({ 200: 5 });
    expect(await stores.meters.read(meterId(scopeOf(free), 'usd', { name: 'total', start: NOW - 1000 }))).toBeUndefined();
  });

  it('6: a budget begins anew by the clock: of a key, a team and a customer, with nobody there to reset it', async () => {
    const stores = open();
    const daily = { budgetAnchor: NOW, budgetDuration: '1d', maxBudget: 550n * TOKEN } as const;
    const record = { createdAt: 0, updatedAt: 0, metadata: {}, rev: 1, ...daily };
    const customer: Customer = { ...record, id: 'acme', blocked: false };
    await stores.customers.create(customer);
    await stores.teams.create({
      ...PLAIN_TEAM,
      ...record,
      id: 't',
    });
    const gateway = await bench.serve(wrote(500), { stores });
    await gateway.addKey(SECRET, keyed(daily));
    await gateway.addKey('sk-team', keyed({ teamId: 't' }));
    await gateway.addKey('sk-customer', keyed({}));
    const calls = (): Promise<readonly number[]> =>
      Promise.all(
        [SECRET, 'sk-team', 'sk-customer'].map(async (secret) => {
          const over = secret === 'sk-customer' ? { user: 'acme' } : {};
          return (await post(gateway, CHAT, chat(500, over), { authorization: `Bearer ${secret}` })).status;
        }),
      );

    expect(await calls()).toEqual([200, 200, 200]);
    await entriesOf(gateway, 3);
    expect(await calls()).toEqual([429, 429, 429]);
    bench.now = NOW + DAY_MS;
    expect(await calls()).toEqual([200, 200, 200]);
  });

  it.each(['30s', '45m', '2h', '3d', '1w', '1mo'])(
    '6: a budget for %s begins anew at its end, not a millisecond before, and again at the next',
    async (budgetDuration) => {
      const gateway = await bench.serve(wrote(500));
      await gateway.addKey(SECRET, keyed({ budgetDuration, maxBudget: 550n * TOKEN, budgetAnchor: NOW }));
      const status = async (): Promise<number> => (await post(gateway, CHAT, chat(500))).status;
      const length = parseDuration(budgetDuration);

      expect(await status()).toBe(200);
      for (const turn of [1, 2]) {
        await entriesOf(gateway, turn);
        bench.now = addDuration(NOW, length, turn) - 1;
        expect(await status()).toBe(429);
        bench.now += 1;
        const answer = await post(gateway, CHAT, chat(500));
        expect(answer.status).toBe(200);
        expect(answer.headers.get('x-litellm-key-spend')).toBe('0.0005');
      }
    },
  );

  it('14: a store that is gone answers for itself: budgets refuse at once, what may go on is told and counted', async () => {
    const stores = open();
    const failing = {
      ...stores,
      meters: { ...stores.meters, hold: async () => Promise.reject(new GatewayError('overloaded', 'the store is gone')) },
    };
    const closed = await bench.serve(wrote(5), { stores: failing });
    await closed.addKey(SECRET, keyed({ rpmLimit: 10 }));
    await closed.addKey('sk-budget', keyed({ maxBudget: USD }));
    const opened = await bench.serve(wrote(5), { stores: failing, env: { TOLLGATE_ON_STORE_FAILURE: 'rate=open' } });

    expect((await post(closed, CHAT, chat(10))).status).toBe(503);
    expect((await post(opened, CHAT, chat(10))).status).toBe(200);
    expect((await post(opened, CHAT, chat(10), { authorization: 'Bearer sk-budget' })).status).toBe(503);

    expect(opened.lines).toContainEqual(expect.objectContaining({ LimitSkipped: 1, limit: 'rate' }));
  });

  it('15: tokens a minute hold for calls at once, count on streams, and are exact afterwards', async () => {
    const everybodyIsHere = Promise.withResolvers<void>();
    let here = 0;
    const arrive = (): void => void (++here === 20 && everybodyIsHere.resolve());
    const answer = sendChunks([chatChunk({ content: 'Hello' }), usageChunk(7, 20)]);
    const gateway = await bench.serve(async (...asked) => {
      arrive();
      await everybodyIsHere.promise;
      await answer(...asked);
    });
    const key = await gateway.addKey(SECRET, keyed({ tpmLimit: 300 }));

    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const reply = await post(gateway, CHAT, chat(80, { stream: true }));
        if (reply.status === 429) arrive();
        return reply;
      }),
    );
    await Promise.all(answers.map((reply) => reply.text()));
    const admitted = statuses(answers)[200] ?? 0;
    await entriesOf(gateway, admitted);

    // Each may use 80 and its question: no more than three at once, far from 663 of 100.
    expect(admitted).toBeGreaterThan(0);
    expect(admitted).toBeLessThanOrEqual(3);
    const meter = await gateway.stores.meters.read(meterId(scopeOf(key), 'rate', minuteWindow(NOW)));
    expect(meter).toMatchObject({ committed: { tokens: BigInt(admitted) * 27n }, holds: [] });
    bench.now = NOW + 60_000;
    expect((await post(gateway, CHAT, chat(80, { stream: true }))).status).toBe(200);
  });

  describe('25: a customer is the same wherever it is named, and every model that may answer is paid for', () => {
    const named: readonly (readonly [string, object, Record<string, string>])[] = [
      ['the body', { user: 'acme' }, {}],
      ['a header', {}, { 'x-litellm-end-user-id': 'acme' }],
      ['another header', {}, { 'x-litellm-customer-id': 'acme' }],
      ["the operator's header", {}, { 'x-tenant': 'acme' }],
      ['metadata', { metadata: { user_id: 'acme' } }, {}],
      ['litellm_metadata', { litellm_metadata: { user: 'acme' } }, {}],
    ];
    for (const [where, over, headers] of named) {
      it(`refuses a customer whose budget is spent, named in ${where}`, async () => {
        const stores = open();
        await stores.customers.create({
          id: 'acme',
          createdAt: 0,
          updatedAt: 0,
          metadata: {},
          rev: 1,
          budgetAnchor: 0,
          blocked: false,
          maxBudget: 1n,
        });
        const gateway = await bench.serve(wrote(5), { stores, env: { TOLLGATE_USER_HEADER: 'x-tenant' } });
        await gateway.addKey(SECRET, keyed({}));

        expect((await post(gateway, CHAT, chat(10, over), headers)).status).toBe(429);
        expect((await post(gateway, CHAT, chat(10))).status).toBe(200);
      });
    }

    it('holds the price of the dearest deployment that may answer, not of the first one', async () => {
      const free = { input_cost_per_token: 0, output_cost_per_token: 0 };
      const gateway = await bench.serve(wrote(5), {
        deployments: [
          aDeployment({ id: 'free', apiBase: `${bench.upstream.url}/v1`, credential: CREDENTIAL, price: free }),
          aDeployment({ id: 'paid', apiBase: `${bench.upstream.url}/v1`, credential: CREDENTIAL, price: PRICE }),
        ],
      });
      const key = await gateway.addKey(SECRET, keyed({ maxBudget: 50n * TOKEN }));

      const answers = await Promise.all(Array.from({ length: 10 }, () => post(gateway, CHAT, chat(60))));

      expect(statuses(answers)).toEqual({ 429: 10 });
      expect(await spentByKey(gateway, key)).toBe(0n);
    });
  });
});
