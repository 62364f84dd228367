/** Containers of SageMaker that speak OpenAI's API, inside AWS's messages. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../../lib/transport/aws-event-stream.ts';
import { aDeployment } from '../../support/exchange.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';
import { chatAnswer, chatChunk, sendJson, startUpstream, usageChunk, type Upstream } from '../../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;
beforeEach(async () => {
  upstream = await startUpstream();
  const credential = JSON.stringify({ aws_access_key_id: 'AKID', aws_secret_access_key: 'not-a-secret' });
  const deployments = ['sagemaker_chat', 'sagemaker_nova'].map((provider) =>
    aDeployment({
      id: provider,
      modelName: provider,
      provider,
      model: 'my-endpoint',
      apiBase: upstream.url,
      parameters: { aws_region_name: 'eu-central-1' },
      credential: { type: 'value', value: credential },
    }),
  );
  gateway = await serveGateway(upstream.url, { deployments });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = (path: string, body: object): Promise<Response> =>
  fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sagemaker_chat', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }], ...body }),
  });

const HEADERS = { ':event-type': 'PayloadPart', ':message-type': 'event', ':content-type': 'application/octet-stream' };

const inner = Buffer.from(
  [chatChunk({ role: 'assistant', content: 'Grü' }), chatChunk({ content: 'ezi ✓' }, 'stop'), usageChunk(10, 5)]
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .join('') + 'data: [DONE]\n\n',
);

/** Sends these messages, cut into pieces of that many bytes. */
function sendMessages(messages: readonly Uint8Array[], size: number): void {
  const bytes = Buffer.concat(messages);
  upstream.answer(async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    for (let at = 0; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      await new Promise((done) => setImmediate(done));
    }
    response.end();
  });
}

/** The container's bytes as messages, cut every `size` bytes: also within characters. */
const messagesOf = (bytes: Buffer, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    encodeMessage(HEADERS, bytes.subarray(index * size, (index + 1) * size)),
  );

describe('a client of a container that chats', () => {
  it.each([1, 7, 100, 10_000])('gets the bytes of its stream, however they lay in messages: %d at a time', async (size) => {
    sendMessages(messagesOf(inner, size), 333);

    const text = await (await ask('/v1/chat/completions', { stream: true, stream_options: { include_usage: true } })).text();

    expect(text).toBe(inner.toString('utf8'));
    expect(upstream.seen[0]).toMatchObject({
      path: '/endpoints/my-endpoint/invocations-response-stream',
      headers: { authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 .*\/sagemaker\/aws4_request/) as string },
      body: { stream: true, max_tokens: 10 },
    });
  });

  it('gets them in its own dialect', async () => {
    sendMessages(messagesOf(inner, 3), 100);

    const text = await (await ask('/v1/messages', { stream: true })).text();

    expect(text).toContain('"text":"Grü"');
    expect(text).toContain('"output_tokens":5');
    expect(text).toContain('message_stop');
  });

  it('gets a whole answer as it is; Nova is not told the name of a model', async () => {
    upstream.answer(sendJson(chatAnswer('Hello')));

    const answer = await ask('/v1/chat/completions', { model: 'sagemaker_nova' });

    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'Hello' } }] });
    expect(upstream.seen[0]).toMatchObject({ path: '/endpoints/my-endpoint/invocations' });
    expect(upstream.seen[0]?.body).not.toHaveProperty('model');
  });

  it.each(['/v1/chat/completions', '/v1/messages'])('gets an error where SageMaker breaks off: %s', async (path) => {
    const broken = encodeMessage(
      { ':exception-type': 'ModelStreamError', ':message-type': 'exception' },
      Buffer.from('{"Message":"The container\\nstopped."}'),
    );
    sendMessages([...messagesOf(inner.subarray(0, 250), 50), broken], 100);

    const text = await (await ask(path, { stream: true })).text();

    expect(text).toContain('error');
    expect(text).not.toContain('"finish_reason":"stop"');
    expect(text).not.toContain('message_stop');
  });

  it('gets an error where the stream is cut short', async () => {
    sendMessages(messagesOf(inner.subarray(0, 250), 50), 100);

    expect(await (await ask('/v1/chat/completions', { stream: true })).text()).toMatch(/"error".*not a JSON object/);
  });
});
