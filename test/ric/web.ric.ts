/** The Web Function bundle, as it is deployed: a program that listens where Lambda says. No part of AWS's own stands before it here. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { request as send } from 'undici';
import { spentOf } from '../../lib/domain/meter.ts';
import { chatChunk, usageChunk } from '../support/upstream.ts';
import { addClient, arrivals, frame, gated, hangAfter, startWorld, type Client, type World } from './world.ts';

const BUNDLE = resolve(import.meta.dirname, '../../dist/web');
const END = `${frame(chatChunk({}, 'stop'))}${frame(usageChunk(100, 50))}data: [DONE]\n\n`;

let world: World;
let client: Client;
const started: ChildProcess[] = [];

beforeAll(async () => {
  world = await startWorld();
});

beforeEach(async ({ task }) => {
  client = await addClient(world, `sk-${task.id}`);
});

afterEach(async () => {
  for (const process of started.splice(0)) {
    if (process.exitCode !== null || process.signalCode !== null) continue;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }
});

afterAll(() => world.stop());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the program as the platform does: from its folder, with the address in the environment; it is ready when it listens. */
async function start(): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  const port = await freePort();
  const child = spawn(process.execPath, ['index.js'], {
    cwd: BUNDLE,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], ...world.env, AWS_LAMBDA_HTTP_ENDPOINT: `127.0.0.1:${port}` },
  });
  started.push(child);
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; child.exitCode === null && tries < 500; tries++) {
    const alive = await send(`${url}/health/liveliness`).catch(() => undefined);
    if (alive !== undefined) return { url, process: child };
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`the Web Function did not listen; exit code ${child.exitCode}`);
}

describe('the gateway as a Web Function', () => {
  test('sends each chunk of a stream while the next does not exist yet, and settles', async () => {
    const words = ['one', 'two', 'three'];
    const { script, seen } = gated(words, END);
    const gateway = await start();
    world.provider.answer(script);

    const answer = await client.chat(gateway.url, { stream: true });
    const texts = await arrivals(answer.body, seen);
    // It ends in order, so what it owed is settled when it is gone.
    const exit = once(gateway.process, 'exit');
    gateway.process.kill('SIGTERM');
    const [code] = await exit;

    for (const [index, word] of words.entries()) expect(texts[index]).toContain(`"${word}"`);
    expect(code).toBe(0);
    const entry = await client.entryOf(answer);
    const meter = await client.meter();
    expect(entry).toMatchObject({ status: 'success', usage: { inputTokens: 100, outputTokens: 50 } });
    expect(meter?.holds).toEqual([]);
    expect(meter && spentOf(meter, 'usd')).toBe(entry?.cost);
  });

  test('serves many streams at once from one process', async () => {
    const gateway = await start();
    world.provider.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(frame(chatChunk({ content: 'one' })));
      // Ends only when all are under way.
      waiting.push(() => response.end(END));
      if (waiting.length === 8) for (const end of waiting) end();
    });
    const waiting: (() => void)[] = [];

    const texts = await Promise.all(
      Array.from({ length: 8 }, async () => (await arrivals((await client.chat(gateway.url, { stream: true })).body)).join('')),
    );

    expect(texts).toHaveLength(8);
    for (const text of texts) expect(text).toContain('data: [DONE]');
  });

  test('goes within its second after SIGTERM, with a stream still open', async () => {
    const gateway = await start();
    world.provider.answer(hangAfter('one'));
    const answer = await client.chat(gateway.url, { stream: true });
    answer.body.on('error', () => undefined);
    await once(answer.body, 'data');

    const exit = once(gateway.process, 'exit');
    gateway.process.kill('SIGTERM');
    const [code] = await exit;

    expect(code).toBe(0);
  });
});
