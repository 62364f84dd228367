/** The function URL bundle, as it is deployed, in the real runtime client. */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { request as send } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKeeper } from '../../functions/keeper/handler.ts';
import { heldOf, spentOf } from '../../lib/domain/meter.ts';
import { chatAnswer, chatChunk, sendJson, usageChunk } from '../support/upstream.ts';
import { startEnvironment, type Environment } from './runtime.ts';
import { addClient, arrivals, frame, gated, hangAfter, startWorld, type Client, type World } from './world.ts';

const BUNDLE = resolve(import.meta.dirname, '../../dist/gateway');
const SIX_MB = 6 * 1_024 * 1_024;
const END = `${frame(chatChunk({}, 'stop'))}${frame(usageChunk(100, 50))}data: [DONE]\n\n`;

let world: World;
let client: Client;
const started: Environment[] = [];

beforeAll(async () => {
  world = await startWorld();
});

beforeEach(async ({ task }) => {
  client = await addClient(world, `sk-${task.id}`);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((environment) => environment.stop()));
});

afterAll(() => world.stop());

async function start(
  options: { readonly timeoutMs?: number; readonly env?: Record<string, string> } = {},
): Promise<Environment> {
  const environment = await startEnvironment({ taskRoot: BUNDLE, ...options, env: { ...world.env, ...options.env } });
  started.push(environment);
  return environment;
}

const HOUR_MS = 3_600_000;
/** What a keeper of this world needs. */
const sweeping = () => ({
  env: { TOLLGATE_EXPIRED_HOLD: 'hold' } as const,
  stores: world.stores,
  log: () => undefined,
});

describe('the gateway in the Lambda runtime', () => {
  test('answers in whole, with the provider credential from the secret store', async () => {
    const { url } = await start();
    world.provider.answer(sendJson(chatAnswer('One.')));

    const answer = await client.chat(url);

    expect(answer.statusCode).toBe(200);
    expect(await answer.body.json()).toMatchObject({ choices: [{ message: { content: 'One.' } }] });
    expect(world.provider.seen.at(-1)?.headers.authorization).toBe('Bearer upstream-secret');
  });

  test('sends each chunk of a stream while the next does not exist yet', async () => {
    const words = ['one', 'two', 'three', 'four'];
    const { script, seen } = gated(words, END);
    const { url } = await start();
    world.provider.answer(script);

    const answer = await client.chat(url, { stream: true });
    const texts = await arrivals(answer.body, seen);

    // Had anything held a chunk back, provider and client would wait for each other and the test would run out of time.
    for (const [index, word] of words.entries()) expect(texts[index]).toContain(`"${word}"`);
    expect(texts.join('')).toContain('data: [DONE]');
  });

  test('settles after the last byte, before the environment is frozen', async () => {
    const environment = await start();
    world.provider.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${frame(chatChunk({ content: 'one' }))}${END}`);
    });

    const answer = await client.chat(environment.url, { stream: true });
    await arrivals(answer.body);
    await environment.idle();

    const entry = await client.entryOf(answer);
    const meter = await client.meter();
    const usage = { inputTokens: 100, outputTokens: 50 };
    expect(entry).toMatchObject({ status: 'success', keyHash: client.key.hash, usage });
    expect(entry?.cost).toBeGreaterThan(0n);
    expect(meter?.holds).toEqual([]);
    expect(meter && spentOf(meter, 'usd')).toBe(entry?.cost);
  });

  test('ends a stream that its provider breaks off with an error event, and lives on', async () => {
    const environment = await start();
    world.provider.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(frame(chatChunk({ content: 'one' })), () => response.destroy());
    });

    const broken = await client.chat(environment.url, { stream: true });
    const texts = await arrivals(broken.body);
    await environment.idle();
    const meter = await client.meter();
    const entry = await client.entryOf(broken);
    world.provider.answer(sendJson(chatAnswer('Still here.')));
    const next = await client.chat(environment.url);

    expect(broken.statusCode).toBe(200);
    expect(texts.join('')).toMatch(/"one"[\s\S]*"error":\s*\{/);
    expect(entry?.status).toBe('error');
    expect(meter?.holds).toEqual([]);
    expect(await next.body.json()).toMatchObject({ choices: [{ message: { content: 'Still here.' } }] });
    expect(environment.endings.map(({ how }) => how)).toEqual(['complete', 'complete']);
    expect(environment.process.exitCode).toBeNull();
  });

  test('ends a stream before the platform would cut it', async () => {
    // Fifteen seconds are kept back for the end, so one is left for the answer.
    const environment = await start({ timeoutMs: 16_000 });
    world.provider.answer(hangAfter('one'));

    const answer = await client.chat(environment.url, { stream: true });
    const texts = await arrivals(answer.body);
    await environment.idle();

    expect(texts.join('')).toMatch(/"one"[\s\S]*"error":\s*\{/);
    expect(environment.endings.map(({ how }) => how)).toEqual(['complete']);
    expect((await client.meter())?.holds).toEqual([]);
  });

  test('takes six megabytes; one byte more is refused before it gets here', async () => {
    const { url } = await start();
    world.provider.answer(sendJson(chatAnswer('Long.')));
    const empty = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: '' }], max_tokens: 10 });
    const body = empty.replace('""', `"${'x'.repeat(SIX_MB - empty.length)}"`);
    const post = (text: string) => send(`${url}/v1/chat/completions`, { method: 'POST', headers: client.headers, body: text });
    const calls = world.provider.seen.length;

    const fits = await post(body);
    const tooLong = await post(`${body} `);

    expect(Buffer.byteLength(body)).toBe(SIX_MB);
    expect(fits.statusCode).toBe(200);
    expect(await fits.body.json()).toMatchObject({ choices: [{ message: { content: 'Long.' } }] });
    expect(world.provider.seen[calls]?.text).toHaveLength(SIX_MB);
    expect(tooLong.statusCode).toBe(413);
    expect(world.provider.seen).toHaveLength(calls + 1);
  });

  test('refuses a stranger in the words of the dialect, without a call', async () => {
    const { url } = await start();
    const calls = world.provider.seen.length;

    const headers = { ...client.headers, authorization: 'Bearer sk-nobody' };
    const answer = await send(`${url}/v1/messages`, { method: 'POST', headers, body: '{}' });

    expect(answer.statusCode).toBe(401);
    expect(await answer.body.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(world.provider.seen).toHaveLength(calls);
  });

  test('leaves the hold of a killed stream to the keeper, who settles it once', async () => {
    const environment = await start();
    // Whatever the tests before left open is not this one's matter.
    await createKeeper({ ...sweeping(), now: () => Date.now() + HOUR_MS })();
    world.provider.answer(hangAfter('one'));
    const answer = await client.chat(environment.url, { stream: true });
    answer.body.on('error', () => undefined);
    await once(answer.body, 'data');

    const exit = once(environment.process, 'exit');
    environment.process.kill('SIGTERM');
    await exit;
    const left = await client.meter();
    const leaseEnd = left?.holds[0]?.expiresAt ?? 0;
    const keep = createKeeper({ ...sweeping(), now: () => leaseEnd + 1 });
    const first = await keep();
    const second = await keep();

    expect(left?.holds).toHaveLength(1);
    expect(first).toMatchObject({ booked: 1, failed: 0 });
    expect(second).toMatchObject({ booked: 0, settled: 0 });
    const after = await client.meter();
    expect(after?.holds).toEqual([]);
    expect(after && spentOf(after, 'usd')).toBe(left && spentOf(left, 'usd') + heldOf(left, 'usd'));
    expect(await client.entryOf(answer)).toMatchObject({ status: 'expired' });
  });

  test('does not start with a setting that is wrong, and says which', async () => {
    const environment = await start({ env: { TOLLGATE_NUM_RETRIES: 'many' } });

    const [code] = await once(environment.process, 'exit');

    expect(code).not.toBe(0);
    expect(environment.initError()).toContain('TOLLGATE_NUM_RETRIES');
  });
});
