/** The function URL bundle, as it is deployed, in the real runtime client over real protocols: DynamoDB, Secrets Manager, a provider. */
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { request as send } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKeeper } from '../../functions/keeper/handler.ts';
import { budgetMeter } from '../../lib/domain/budget.ts';
import { hashSecret, type VirtualKey } from '../../lib/domain/key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { heldOf, spentOf } from '../../lib/domain/meter.ts';
import { USD } from '../../lib/domain/money.ts';
import { startSecretsManager, type SecretsManager } from '../../lib/local/secrets-manager.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { aDeployment, aKey } from '../support/exchange.ts';
import { chatAnswer, chatChunk, sendJson, startUpstream, usageChunk, type Upstream } from '../support/upstream.ts';
import { startEnvironment, type Environment } from './runtime.ts';

const BUNDLE = resolve(import.meta.dirname, '../../dist/gateway');
const SIX_MB = 6 * 1_024 * 1_024;
const ACCESS_KEY = 'AKIATEST';

let tables: Emulator;
let vault: SecretsManager;
let provider: Upstream;
/** A key of its own for each test, so that no test sees what another one holds. */
let secret: string;
let key: VirtualKey;
const started: Environment[] = [];

beforeAll(async () => {
  [tables, vault, provider] = await Promise.all([startDynoxide(), startSecretsManager(), startUpstream()]);
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: 'test' };
  const secrets = new SecretsManagerClient({ endpoint: vault.url, region: 'eu-central-1', credentials });
  await secrets.send(new CreateSecretCommand({ Name: 'tollgate/master', SecretString: 'sk-master' }));
  await secrets.send(new CreateSecretCommand({ Name: 'tollgate/openai', SecretString: '{"api_key":"upstream-secret"}' }));
  secrets.destroy();
  const deployment = aDeployment({
    apiBase: `${provider.url}/v1`,
    credential: { type: 'secret', name: 'openai' },
    source: 'store',
  });
  await tables.stores.models.put(deployment, 'new');
});

beforeEach(async ({ task }) => {
  secret = `sk-${task.id}`;
  key = aKey({ hash: hashSecret(secret), maxBudget: 10n * USD });
  await tables.stores.keys.create(key);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((environment) => environment.stop()));
});

afterAll(async () => {
  await Promise.all([tables.stop(), vault.close(), provider.close()]);
});

async function start(
  options: { readonly timeoutMs?: number; readonly env?: Record<string, string> } = {},
): Promise<Environment> {
  const environment = await startEnvironment({
    taskRoot: BUNDLE,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    env: {
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: vault.url,
      TOLLGATE_REGISTRY_TABLE: tables.names.registry,
      TOLLGATE_METERS_TABLE: tables.names.meters,
      TOLLGATE_LEDGER_TABLE: tables.names.ledger,
      TOLLGATE_MASTER_KEY_SECRET: 'master',
      TOLLGATE_NUM_RETRIES: '0',
      ...options.env,
    },
  });
  started.push(environment);
  return environment;
}

const headers = () => ({ authorization: `Bearer ${secret}`, 'content-type': 'application/json' });

const chat = (environment: Environment, over: object = {}) =>
  send(`${environment.url}/v1/chat/completions`, {
    method: 'POST',
    headers: headers(),
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Count.' }], ...over }),
  });

const event = (chunk: unknown): string => `data: ${JSON.stringify(chunk)}\n\n`;

/** The events of an answer as text, one string per arrival. */
async function arrivals(body: AsyncIterable<unknown>, each: () => void = () => undefined): Promise<string[]> {
  const texts: string[] = [];
  for await (const chunk of body) {
    texts.push(String(chunk));
    each();
  }
  return texts;
}

const meter = () => tables.stores.meters.read(budgetMeter(key, Date.now()).meter);

async function entryOf(answer: {
  readonly headers: Record<string, string | string[] | undefined>;
}): Promise<LedgerEntry | undefined> {
  return tables.stores.ledger.get(String(answer.headers['x-litellm-call-id']));
}

describe('the gateway in the Lambda runtime', () => {
  test('answers in whole, with the provider credential from the secret store', async () => {
    provider.answer(sendJson(chatAnswer('One.')));

    const answer = await chat(await start());

    expect(answer.statusCode).toBe(200);
    expect(await answer.body.json()).toMatchObject({ choices: [{ message: { content: 'One.' } }] });
    expect(provider.seen.at(-1)?.headers.authorization).toBe('Bearer upstream-secret');
  });

  test('sends each chunk of a stream while the next does not exist yet', async () => {
    const words = ['one', 'two', 'three', 'four'];
    let seenByClient: () => void = () => undefined;
    provider.answer(async (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const word of words) {
        const seen = new Promise<void>((done) => (seenByClient = done));
        response.write(event(chatChunk({ content: word })));
        await seen;
      }
      response.end(`${event(chatChunk({}, 'stop'))}${event(usageChunk())}data: [DONE]\n\n`);
    });

    const answer = await chat(await start(), { stream: true });
    const texts = await arrivals(answer.body, () => seenByClient());

    // Had anything held a chunk back, provider and client would wait for each other and the test would run out of time.
    for (const [index, word] of words.entries()) expect(texts[index]).toContain(`"${word}"`);
    expect(texts.join('')).toContain('data: [DONE]');
  });

  test('settles after the last byte, before the environment is let go', async () => {
    const environment = await start();
    provider.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        `${event(chatChunk({ content: 'one' }))}${event(chatChunk({}, 'stop'))}${event(usageChunk(100, 50))}data: [DONE]\n\n`,
      );
    });

    const answer = await chat(environment, { stream: true });
    await arrivals(answer.body);
    await environment.idle();

    const entry = await entryOf(answer);
    const after = await meter();
    expect(entry).toMatchObject({ status: 'success', keyHash: key.hash, usage: { inputTokens: 100, outputTokens: 50 } });
    expect(entry?.cost).toBeGreaterThan(0n);
    expect(after?.holds).toEqual([]);
    expect(after && spentOf(after, 'usd')).toBe(entry?.cost);
  });

  test('ends a stream that its provider breaks off with an error event, and lives on', async () => {
    const environment = await start();
    provider.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event(chatChunk({ content: 'one' })), () => response.destroy());
    });

    const broken = await chat(environment, { stream: true });
    const texts = await arrivals(broken.body);
    await environment.idle();
    provider.answer(sendJson(chatAnswer('Still here.')));
    const next = await chat(environment);

    expect(broken.statusCode).toBe(200);
    expect(texts.join('')).toMatch(/"one"[\s\S]*"error":\s*\{/);
    expect(await next.body.json()).toMatchObject({ choices: [{ message: { content: 'Still here.' } }] });
    expect(environment.endings.map(({ how }) => how)).toEqual(['complete', 'complete']);
    expect(environment.process.exitCode).toBeNull();
    expect((await entryOf(broken))?.status).toBe('error');
    expect((await meter())?.holds).toEqual([]);
  });

  test('ends a stream before the platform would cut it', async () => {
    // Fifteen seconds are kept back for the end, so one is left for the answer.
    const environment = await start({ timeoutMs: 16_000 });
    provider.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event(chatChunk({ content: 'one' })));
    });

    const answer = await chat(environment, { stream: true });
    const texts = await arrivals(answer.body);
    await environment.idle();

    expect(texts.join('')).toMatch(/"one"[\s\S]*"error":\s*\{/);
    expect(environment.endings.map(({ how }) => how)).toEqual(['complete']);
    expect((await meter())?.holds).toEqual([]);
  });

  test('takes six megabytes; one byte more is refused before it gets here', async () => {
    const environment = await start();
    provider.answer(sendJson(chatAnswer('Long.')));
    const frame = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: '' }], max_tokens: 10 });
    const body = frame.replace('""', `"${'x'.repeat(SIX_MB - frame.length)}"`);
    const post = (text: string) =>
      send(`${environment.url}/v1/chat/completions`, { method: 'POST', headers: headers(), body: text });
    const calls = provider.seen.length;

    const fits = await post(body);
    const tooLong = await post(`${body} `);

    expect(Buffer.byteLength(body)).toBe(SIX_MB);
    expect(fits.statusCode).toBe(200);
    expect(await fits.body.json()).toMatchObject({ choices: [{ message: { content: 'Long.' } }] });
    expect(provider.seen[calls]?.text).toHaveLength(SIX_MB);
    expect(tooLong.statusCode).toBe(413);
    expect(provider.seen).toHaveLength(calls + 1);
  });

  test('refuses a stranger in the words of the dialect, without a call', async () => {
    const environment = await start();
    const calls = provider.seen.length;

    const answer = await send(`${environment.url}/v1/messages`, {
      method: 'POST',
      headers: { ...headers(), authorization: 'Bearer sk-nobody' },
      body: '{}',
    });

    expect(answer.statusCode).toBe(401);
    expect(await answer.body.json()).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(provider.seen).toHaveLength(calls);
  });

  test('leaves the hold of a killed stream to the keeper, who settles it once', async () => {
    const environment = await start();
    provider.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event(chatChunk({ content: 'one' })));
    });
    const answer = await chat(environment, { stream: true });
    answer.body.on('error', () => undefined);
    await once(answer.body, 'data');

    const exit = once(environment.process, 'exit');
    environment.process.kill('SIGTERM');
    await exit;
    const left = await meter();
    const [hold] = left?.holds ?? [];
    const quiet = (): void => undefined;
    const keep = createKeeper({
      env: { TOLLGATE_EXPIRED_HOLD: 'hold' },
      stores: tables.stores,
      log: quiet,
      now: () => (hold?.expiresAt ?? 0) + 1,
    });
    const first = await keep();
    const second = await keep();

    expect(left?.holds).toHaveLength(1);
    expect(first).toMatchObject({ booked: 1, failed: 0 });
    expect(second).toMatchObject({ booked: 0, settled: 0 });
    const after = await meter();
    expect(after?.holds).toEqual([]);
    expect(after && spentOf(after, 'usd')).toBe(left && spentOf(left, 'usd') + heldOf(left, 'usd'));
    expect(await entryOf(answer)).toMatchObject({ status: 'expired' });
  });

  test('does not start with a setting that is wrong, and says which', async () => {
    const environment = await start({ env: { TOLLGATE_NUM_RETRIES: 'many' } });

    const [code] = await once(environment.process, 'exit');

    expect(code).not.toBe(0);
    expect(environment.initError()).toContain('TOLLGATE_NUM_RETRIES');
  });
});
