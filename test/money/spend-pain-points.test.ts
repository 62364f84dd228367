/** What goes wrong with spend in other gateways, shown to be impossible here; see `pain-points`. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../lib/errors.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { aDeployment } from '../support/exchange.ts';
import { chatAnswer, chatChunk, messageAnswer, sendChunks, sendJson, usageChunk } from '../support/upstream.ts';
import {
  USD,
  TOKEN,
  SECRET,
  CREDENTIAL,
  startBench,
  keyed,
  post,
  CHAT,
  chat,
  wrote,
  entriesOf,
  spentByKey,
  statuses,
  type Bench,
} from './bench-gateway.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.upstream.close());

describe('spend that goes wrong elsewhere', () => {
  it('7: a client that leaves in the middle pays for what it got, once, and its hold is gone', async () => {
    const gone = Promise.withResolvers<void>();
    const gateway = await bench.serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        `data: ${JSON.stringify(chatChunk({ role: 'assistant', content: 'one two three four five six seven eight' }))}\n\n`,
      );
      response.on('close', gone.resolve);
    });
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: USD }));
    const leaving = new AbortController();

    const answer = await fetch(`${gateway.url}${CHAT}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
      body: JSON.stringify(chat(500, { stream: true })),
      signal: leaving.signal,
    });
    await answer.body?.getReader().read();
    leaving.abort();
    await gone.promise; // the provider is told: it need not go on

    const [entry, ...others] = await entriesOf(gateway, 1);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ status: 'aborted' });
    expect(entry?.usage?.outputTokens).toBeGreaterThanOrEqual(8);
    expect(entry?.usage?.outputTokens).toBeLessThan(20);
    expect(entry?.cost).toBeGreaterThan(0n);
    expect(await spentByKey(gateway, key)).toBe(entry?.cost);
  });

  it('8: a provider that says zero is believed; one that says nothing is estimated', async () => {
    const gateway = await bench.serve(wrote(0));
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: USD }));

    await post(gateway, CHAT, chat(500));
    const streamed = await (bench.upstream.answer(sendChunks([chatChunk({ content: 'Hello' }), usageChunk(0, 0)])),
    post(gateway, CHAT, chat(500, { stream: true })));
    await streamed.text();
    const said = await entriesOf(gateway, 2);
    expect(said.map(({ cost, usage }) => [cost, usage?.source])).toEqual([
      [0n, 'provider'],
      [0n, 'provider'],
    ]);
    expect(await spentByKey(gateway, key)).toBe(0n);

    bench.upstream.answer(sendJson(chatAnswer('Hello', { usage: undefined })));
    await post(gateway, CHAT, chat(500));
    const silent = (await entriesOf(gateway, 3)).at(-1);
    expect(silent?.usage?.source).not.toBe('provider');
    expect(silent?.cost).toBeGreaterThan(0n);
  });

  it('9: cached tokens of Anthropic and Bedrock have their own prices: reads, 5-minute writes, 1-hour writes, none twice', async () => {
    const gateway = await bench.serve(
      sendJson(
        messageAnswer('Hi', {
          usage: {
            input_tokens: 1_000,
            cache_read_input_tokens: 10_000,
            cache_creation_input_tokens: 5_000,
            cache_creation: { ephemeral_5m_input_tokens: 2_000, ephemeral_1h_input_tokens: 3_000 },
            output_tokens: 100,
          },
        }),
      ),
      {
        deployments: [
          aDeployment({
            modelName: 'claude',
            provider: 'anthropic',
            model: 'claude-sonnet-4-5',
            apiBase: bench.upstream.url,
            credential: CREDENTIAL,
          }),
          aDeployment({
            id: 'b',
            modelName: 'bedrock',
            provider: 'bedrock',
            model: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
            apiBase: bench.upstream.url,
            credential: CREDENTIAL,
          }),
        ],
      },
    );
    await gateway.addKey(SECRET, keyed({ maxBudget: USD }));

    await post(gateway, '/v1/messages', { model: 'claude', max_tokens: 200, messages: [{ role: 'user', content: 'Hi' }] });
    bench.upstream.answer(
      sendJson({
        output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
        stopReason: 'end_turn',
        usage: {
          inputTokens: 1_000,
          cacheReadInputTokens: 10_000,
          cacheWriteInputTokens: 5_000,
          cacheDetails: [
            { ttl: '5m', inputTokens: 2_000 },
            { ttl: '1h', inputTokens: 3_000 },
          ],
          outputTokens: 100,
          totalTokens: 16_100,
        },
        metrics: { latencyMs: 1 },
      }),
    );
    await post(gateway, CHAT, chat(200, { model: 'bedrock' }));

    // USD per million: 3 in, 0.3 read, 3.75 written for 5 minutes, 6 for an hour, 15 out.
    const cost = 3_000_000n * 1_000n + 300_000n * 10_000n + 3_750_000n * 2_000n + 6_000_000n * 3_000n + 15_000_000n * 100n;
    const entries = await entriesOf(gateway, 2);
    expect(entries.map((entry) => [entry.provider, entry.cost])).toEqual([
      ['anthropic', cost],
      ['bedrock', cost],
    ]);
  });

  it('10: no write of money is lost when writes meet: each is one item, repeated until it is done', async () => {
    const stores = open();
    const met = new Set<string>();
    /** The first write of each name fails. */
    const contend = (name: string): void => {
      if (met.has(name)) return;
      met.add(name);
      throw new GatewayError('overloaded', 'somebody else is writing');
    };
    const meters: Stores['meters'] = {
      ...stores.meters,
      async settle(...given) {
        contend(`${given[0]} ${given[1]}`);
        return stores.meters.settle(...given);
      },
    };
    const ledger: Stores['ledger'] = {
      ...stores.ledger,
      async record(entry) {
        contend(entry.id);
        return stores.ledger.record(entry);
      },
    };
    const gateway = await bench.serve(wrote(3), { stores: { ...stores, meters, ledger } });
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: USD, rpmLimit: 1_000, maxParallelRequests: 100 }));

    const answers = await Promise.all(Array.from({ length: 20 }, () => post(gateway, CHAT, chat(10))));
    const entries = await entriesOf(gateway, 20);

    expect(statuses(answers)).toEqual({ 200: 20 });
    expect(entries).toHaveLength(20);
    expect(await spentByKey(gateway, key)).toBe(20n * 3n * TOKEN);
    expect(met.size).toBe(80);
  });

  it('11: calls leave nothing behind in the process, however large', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const gateway = await bench.serve(wrote(1));
    await gateway.addKey(SECRET, keyed({ maxBudget: 1n }));
    // Refused at the door, so that the ledger in memory does not grow: 100 kB each.
    const call = async (): Promise<void> => {
      const answer = await post(
        gateway,
        CHAT,
        chat(10, { user: `customer-${Math.random()}`, messages: [{ role: 'user', content: 'x'.repeat(100_000) }] }),
      );
      await answer.arrayBuffer();
    };
    const heap = async (): Promise<number> => {
      gateway.lines.length = 0;
      for (let turn = 0; turn < 5; turn++) {
        collect();
        await new Promise((done) => setTimeout(done, 10));
      }
      return process.memoryUsage().heapUsed + process.memoryUsage().external;
    };
    for (let n = 0; n < 50; n++) await call();
    const before = await heap();

    for (let n = 0; n < 150; n++) await call();

    // 15 MB came in.
    expect((await heap()) - before).toBeLessThan(4_000_000);
  });

  it('24: a stream tells its cost when it is asked to, and the ledger says the same', async () => {
    const gateway = await bench.serve(sendChunks([chatChunk({ content: 'Hello' }), usageChunk(10, 5)]));
    await gateway.addKey(SECRET, keyed({ maxBudget: USD }));

    const body = chat(500, { stream: true, stream_options: { include_usage: true } });
    const text = await (await post(gateway, CHAT, body, { 'x-tollgate-include-cost': 'true' })).text();

    const frames = text.split('\n\n').filter((frame) => frame.includes('"usage":{'));
    expect(JSON.parse(frames.at(-1)?.slice('data: '.length) ?? '{}')).toMatchObject({ usage: { cost: 0.000015 } });
    expect((await entriesOf(gateway, 1))[0]).toMatchObject({ cost: 15n * TOKEN });
  });
});
