/** A Gemini client without `alt=sse` gets its stream as one JSON array, whoever answers and however it ends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDeployment } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { chatChunk, sendChunks, startUpstream, usageChunk, type Script, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;

beforeAll(async () => {
  upstream = await startUpstream();
  const credential = { type: 'value', value: 'secret' } as const;
  gateway = await serveGateway(upstream.url, {
    deployments: [
      aDeployment({ modelName: 'translated', provider: 'groq', apiBase: `${upstream.url}/v1`, credential }),
      aDeployment({
        id: 'd2',
        modelName: 'passed',
        provider: 'gemini',
        model: 'gemini-2.5-flash',
        apiBase: `${upstream.url}/v1beta`,
        credential,
      }),
    ],
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

async function ask(model: string, query = '') {
  const response = await fetch(`${gateway.url}/v1beta/models/${model}:streamGenerateContent${query}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': gateway.masterKey, 'content-type': 'application/json' },
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }),
  });
  return { type: response.headers.get('content-type') ?? '', text: await response.text() };
}

type Chunk = { candidates?: { content?: { parts?: { text?: string }[] } }[]; error?: { message: string } };
const textOf = (chunks: readonly Chunk[]): string =>
  chunks.map((chunk) => chunk.candidates?.[0]?.content?.parts?.[0]?.text ?? '').join('');

const google: Script = async (_seen, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const text of ['Sun', 'ny']) {
    const finish = text === 'ny' ? { finishReason: 'STOP' } : {};
    response.write(
      `data: ${JSON.stringify({ candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...finish }] })}\r\n\r\n`,
    );
    await new Promise((done) => setImmediate(done));
  }
  response.end();
};
const chat = sendChunks([
  chatChunk({ role: 'assistant', content: 'Sun' }),
  chatChunk({ content: 'ny' }),
  chatChunk({}, 'stop'),
  usageChunk(),
]);

describe.each([
  ['translated', chat],
  ['passed', google],
])('a stream that is %s', (model, script) => {
  it('is a JSON array without alt=sse', async () => {
    upstream.answer(script);
    const { type, text } = await ask(model);
    expect(type).toContain('application/json');
    expect(textOf(JSON.parse(text) as Chunk[])).toBe('Sunny');
  });

  it('is server-sent events with alt=sse', async () => {
    upstream.answer(script);
    const { type, text } = await ask(model, '?alt=sse');
    expect(type).toContain('text/event-stream');
    expect(text).toContain('data: ');
  });
});

it('a stream that breaks is still an array, with the error as its last element', async () => {
  upstream.answer(sendChunks([chatChunk({ role: 'assistant', content: 'Half' })], { destroy: true }));
  const chunks = JSON.parse((await ask('translated')).text) as Chunk[];
  expect(textOf(chunks)).toBe('Half');
  expect(chunks.at(-1)?.error?.message).toBeTruthy();
});
