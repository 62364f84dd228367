/** Replicate through the whole gateway: jobs that are streamed, waited for, failed and left. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aDeployment } from '../../support/exchange.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';
import { heldNow, spentNow } from '../../support/money.ts';
import { startUpstream, type Script, type Upstream } from '../../support/upstream.ts';

const SECRET = 'sk-replicate-tests';
/** 1e-12 USD a token. */
const [INPUT, OUTPUT] = [1_000_000n, 5_000_000n];

let upstream: Upstream;
let gateway: Served;
beforeEach(async () => {
  upstream = await startUpstream();
  const deployment = aDeployment({
    modelName: 'm',
    provider: 'replicate',
    model: 'org/llm',
    apiBase: `${upstream.url}/v1`,
    credential: { type: 'value', value: 'r8_secret_token' },
    price: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000005 },
  });
  gateway = await serveGateway(upstream.url, { deployments: [deployment], env: { TOLLGATE_NUM_RETRIES: '2' } });
  await gateway.addKey(SECRET, { maxBudget: 10n ** 12n });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = (stream: boolean, signal?: AbortSignal): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: 100,
      stream,
      ...(stream && { stream_options: { include_usage: true } }),
    }),
    ...(signal === undefined ? {} : { signal }),
  });

const job = (over: object = {}): object => ({ id: 'p1', status: 'processing', output: null, error: null, urls: {}, ...over });
const metrics = { input_token_count: 10, output_token_count: 5, predict_time: 1.5 };
const succeeded = job({ status: 'succeeded', output: ['Hel', 'lo'], metrics });

/** Answers by method and path; a list is used up from the front, its last element stays. */
const routes = (table: Readonly<Record<string, unknown>>): Script => {
  const left = new Map(Object.entries(table).map(([key, value]) => [key, Array.isArray(value) ? [...value] : [value]]));
  return (seen, response, request) => {
    const answers = left.get(`${seen.method} ${seen.path}`);
    const answer: unknown = answers !== undefined && answers.length > 1 ? answers.shift() : answers?.[0];
    if (typeof answer === 'function') return (answer as Script)(seen, response, request);
    response.writeHead(answer === undefined ? 404 : 201, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { detail: 'Not found.', status: 404 }));
  };
};

const events =
  (text: string, end: 'end' | 'break' | 'open' = 'end'): Script =>
  (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text);
    if (end === 'end') response.end();
    if (end === 'break') setImmediate(() => response.destroy());
  };

const CREATE = 'POST /v1/models/org/llm/predictions';
const GET = 'GET /v1/predictions/p1';
const CANCEL = 'POST /v1/predictions/p1/cancel';
const STREAM = 'GET /stream';
const HELLO = 'event: output\nid: 1\ndata: Hel\n\nevent: output\nid: 2\ndata: lo\n\n';
const streaming = (): object => job({ urls: { stream: `${upstream.url}/stream`, get: 'https://evil.example/' } });
const asked = (): string[] => upstream.seen.map(({ method, path }) => `${method} ${path}`);
const told = (text: string): string[] => [...text.matchAll(/"content":"([^"]+)"/g)].map(([, piece = '']) => piece);

describe('a job that is waited for', () => {
  it('may be over with the first answer', async () => {
    upstream.answer(routes({ [CREATE]: succeeded }));

    const answer = (await (await ask(false)).json()) as Record<string, unknown>;

    expect(answer).toMatchObject({
      choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 5 },
    });
    expect(upstream.seen).toMatchObject([
      {
        headers: { authorization: 'Bearer r8_secret_token', prefer: 'wait' },
        body: { input: { prompt: 'Hi', max_tokens: 100, max_new_tokens: 100 } },
      },
    ]);
    expect(await spentNow(gateway.stores, SECRET)).toBe(10n * INPUT + 5n * OUTPUT);
  });

  it('is asked about until it is over, through a failure that passes, at the address of the first call only', async () => {
    const failing: Script = (_seen, response) => void response.writeHead(503).end('{}');
    upstream.answer(routes({ [CREATE]: job({ urls: { get: 'https://evil.example/' } }), [GET]: [job(), failing, succeeded] }));

    const answer = (await (await ask(false)).json()) as Record<string, unknown>;

    expect(answer).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    expect(asked()).toEqual([CREATE, GET, GET, GET]);
    expect(upstream.seen.every(({ headers }) => headers.authorization === 'Bearer r8_secret_token')).toBe(true);
  });

  it('that failed is an error, booked as what it counted, and tried again only where it counted nothing', async () => {
    upstream.answer(routes({ [CREATE]: job({ status: 'failed', error: 'CUDA out of memory', metrics }) }));
    const billed = await ask(false);
    expect(billed.status).toBe(502);
    expect(await billed.text()).toContain('CUDA out of memory');
    expect(asked()).toEqual([CREATE]);
    expect(await spentNow(gateway.stores, SECRET)).toBe(10n * INPUT + 5n * OUTPUT);

    upstream.answer(routes({ [CREATE]: [job({ status: 'failed', error: 'no machine' }), succeeded] }));
    expect(await (await ask(false)).json()).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    expect(await spentNow(gateway.stores, SECRET)).toBe(20n * INPUT + 10n * OUTPUT);
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
  });

  it('is ended when its answer cannot be had any more, not submitted again, and booked as an estimate', async () => {
    upstream.answer(routes({ [CREATE]: job(), [CANCEL]: job({ status: 'canceled' }) }));

    const reply = await ask(false);

    expect(reply.status).toBe(404);
    await expect.poll(asked).toEqual([CREATE, GET, CANCEL]);
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(0n);
  });

  it('is ended when the client leaves, and booked as an estimate', async () => {
    const left = new AbortController();
    const leaving: Script = (_seen, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(job()));
      left.abort();
    };
    upstream.answer(routes({ [CREATE]: job(), [GET]: leaving, [CANCEL]: job({ status: 'canceled' }) }));

    await expect(ask(false, left.signal)).rejects.toThrow();

    await expect.poll(asked).toContain(CANCEL);
    await expect.poll(() => heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(0n);
  });
});

describe('a job that is streamed', () => {
  it('says what it counted after its last word', async () => {
    upstream.answer(routes({ [CREATE]: streaming(), [STREAM]: events(`${HELLO}event: done\ndata: {}\n\n`), [GET]: succeeded }));

    const text = await (await ask(true)).text();

    expect(told(text)).toEqual(['Hel', 'lo']);
    expect(text).toContain('"completion_tokens":5');
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(asked()).toEqual([CREATE, STREAM, GET]);
    expect(upstream.seen[1]?.headers).not.toHaveProperty('authorization');
    expect(await spentNow(gateway.stores, SECRET)).toBe(10n * INPUT + 5n * OUTPUT);
  });

  it('comes as one piece where the model has no stream, or one at a foreign address', async () => {
    upstream.answer(routes({ [CREATE]: job({ urls: { stream: 'https://evil.example/stream' } }), [GET]: succeeded }));

    expect(told(await (await ask(true)).text()).join('')).toBe('Hello');
    expect(asked()).toEqual([CREATE, GET]);
  });

  it.each([
    ['an event that says so', `${HELLO}event: error\ndata: {"detail":"the model crashed"}\n\n`, 'end', 'the model crashed'],
    ['the end of a job that was cancelled', `${HELLO}event: done\ndata: {"reason":"canceled"}\n\n`, 'end', 'canceled'],
    ['the end of its bytes', HELLO, 'end', 'before the answer was finished'],
    ['a broken connection', HELLO, 'break', ''],
  ] as const)('ends in an error with %s', async (_what, text, end, words) => {
    upstream.answer(routes({ [CREATE]: streaming(), [STREAM]: events(text, end), [GET]: job(), [CANCEL]: job() }));

    const told = await (await ask(true)).text();

    expect(told).toContain('"error"');
    expect(told).toContain(words);
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(0n);
  });

  it('is ended when the client leaves in the middle, and booked as what was said', async () => {
    upstream.answer(routes({ [CREATE]: streaming(), [STREAM]: events(HELLO, 'open'), [CANCEL]: job() }));
    const left = new AbortController();
    const reply = await ask(true, left.signal);
    await reply.body?.getReader().read();
    left.abort();

    await expect.poll(asked).toEqual([CREATE, STREAM, CANCEL]);
    await expect.poll(() => heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(0n);
  });
});
