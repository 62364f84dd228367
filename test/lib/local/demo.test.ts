import { describe, expect, it, onTestFinished } from 'vitest';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { startDemoUpstream, type DemoOptions } from '../../../lib/local/demo.ts';
import { createHttpClient } from '../../../lib/transport/http.ts';
import { createSseParser } from '../../../lib/transport/sse.ts';

const http = createHttpClient();
const messages = [{ role: 'user', content: 'What is the weather in Paris?' }];
const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

async function start(options: DemoOptions = {}): Promise<string> {
  const demo = await startDemoUpstream({ pause: () => Promise.resolve(), now: () => 1_795_000_000_000, ...options });
  onTestFinished(() => demo.close());
  return demo.url;
}

async function ask(url: string, body: unknown): Promise<{ status: number; text: string }> {
  const answer = await http.send({
    url: `${url}/chat/completions`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, text: Buffer.from(await answer.bytes(1e6)).toString() };
}

interface Chunk {
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly content?: string | null; readonly tool_calls?: readonly JsonObject[] };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: JsonObject | null;
}

async function chunksOf(url: string, body: JsonObject): Promise<Chunk[]> {
  const { text } = await ask(url, { model: 'demo', stream: true, ...body });
  const frames = createSseParser().push(Buffer.from(text));
  expect(frames.at(-1)?.data).toBe('[DONE]');
  return frames.slice(0, -1).map(({ data }) => JSON.parse(data) as Chunk);
}

describe('the demo upstream', () => {
  it('answers in OpenAI’s shape', async () => {
    const url = await start();

    const { status, text } = await ask(url, { model: 'demo', messages: [{ role: 'user', content: 'Hi' }] });

    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      id: 'chatcmpl-demo-1',
      object: 'chat.completion',
      created: 1_795_000_000,
      model: 'demo',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: expect.stringContaining('You said: Hi') as string },
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 5 },
    });
  });

  it('streams the same words, and usage when asked', async () => {
    const url = await start();
    const whole = JSON.parse((await ask(url, { model: 'demo', messages: [{ role: 'user', content: 'Hi' }] })).text) as {
      choices: [{ message: { content: string } }];
      usage: JsonObject;
    };

    const chunks = await chunksOf(url, {
      messages: [{ role: 'user', content: 'Hi' }],
      stream_options: { include_usage: true },
    });

    expect(chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('')).toBe(whole.choices[0].message.content);
    expect(chunks.length).toBeGreaterThan(20);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks[0]).toHaveProperty('usage', null);
  });

  it('keeps usage to itself when not asked', async () => {
    const chunks = await chunksOf(await start(), { messages });

    for (const chunk of chunks) expect(chunk).not.toHaveProperty('usage');
  });

  it('calls tools, also in pieces', async () => {
    const url = await start();

    const { text } = await ask(url, { model: 'demo', messages, tools });
    const chunks = await chunksOf(url, { messages, tools });

    expect(JSON.parse(text)).toMatchObject({
      choices: [
        {
          message: {
            content: null,
            tool_calls: [
              { id: 'call_demo-1-0-0', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
            ],
          },
          finish_reason: 'tool_calls',
        },
      ],
    });
    const calls = chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []));
    expect(calls[0]).toMatchObject({
      index: 0,
      id: 'call_demo-2-0-0',
      type: 'function',
      function: { name: 'get_weather', arguments: '' },
    });
    expect(calls.map((call) => (call['function'] as { arguments: string }).arguments).join('')).toBe('{"city":"Paris"}');
    expect(calls.length).toBeGreaterThan(2);
  });

  it('streams several answers', async () => {
    const chunks = await chunksOf(await start(), { messages, n: 2 });

    const finished = chunks.flatMap(({ choices }) => choices.filter((choice) => choice.finish_reason !== null));
    expect(finished.map(({ index }) => index)).toEqual([0, 1]);
  });

  it('pauses between words and stops when its client leaves', async () => {
    let paused = (): void => undefined;
    const pausing = new Promise<void>((resolve) => (paused = resolve));
    let left = (): void => undefined;
    const gone = new Promise<void>((resolve) => (left = resolve));
    const url = await start({
      pause: (signal) =>
        new Promise((_resolve, reject) => {
          paused();
          signal.addEventListener('abort', () => {
            left();
            reject(new Error('aborted'));
          });
        }),
    });

    const answer = await http.send({
      url: `${url}/chat/completions`,
      method: 'POST',
      headers: {},
      body: JSON.stringify({ model: 'demo', messages, stream: true }),
    });
    await pausing;
    answer.discard();

    await gone;
  });

  it('has a natural pace of its own', async () => {
    const demo = await startDemoUpstream();
    onTestFinished(() => demo.close());

    const chunks = await chunksOf(demo.url, { messages, max_tokens: 3 });

    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
  });

  it('lists its model', async () => {
    const answer = await http.send({ url: `${await start()}/models`, method: 'GET', headers: {} });

    expect(JSON.parse(Buffer.from(await answer.bytes(1000)).toString())).toMatchObject({ data: [{ id: 'demo' }] });
  });

  it.each([
    ['no JSON', '{"model":', 400, 'could not parse'],
    ['no messages', '{"model":"demo"}', 400, 'messages'],
    ['messages of another kind', '{"messages":["hi"]}', 400, 'messages'],
  ])('refuses %s', async (_name, body, status, words) => {
    const answer = await ask(await start(), body);

    expect(answer.status).toBe(status);
    expect((JSON.parse(answer.text) as { error: { message: string } }).error.message).toContain(words);
  });

  it('knows no other path', async () => {
    const answer = await http.send({ url: `${await start()}/embeddings`, method: 'POST', headers: {}, body: '{}' });

    expect(answer.status).toBe(404);
  });
});
