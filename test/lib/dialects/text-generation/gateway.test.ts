/** Clients that chat, at providers that only write text: through the whole gateway. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../../../lib/domain/model.ts';
import { encodeMessage } from '../../../../lib/transport/aws-event-stream.ts';
import { aDeployment } from '../../../support/exchange.ts';
import { serveGateway, type Served } from '../../../support/gateway.ts';
import { sendJson, startUpstream, type Script, type Upstream } from '../../../support/upstream.ts';
import { bytesOf, jsonOf } from './support.ts';

const TEXT = 'Grüezi – ✓ alles klar.';

let upstream: Upstream;
let gateway: Served | undefined;

beforeEach(async () => {
  upstream = await startUpstream();
});

afterEach(async () => {
  await gateway?.close();
  await upstream.close();
});

/** One answer of the gateway to an OpenAI client. */
async function ask(deployment: Partial<Deployment>, stream: boolean): Promise<{ status: number; text: string }> {
  const given = {
    modelName: 'm',
    apiBase: upstream.url,
    credential: { type: 'value', value: 'key-1' },
    ...deployment,
  } as const;
  gateway = await serveGateway(upstream.url, { deployments: [aDeployment(given)] });
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }],
      stream,
      ...(stream && { stream_options: { include_usage: true } }),
    }),
  });
  return { status: answer.status, text: await answer.text() };
}

interface Chunk {
  readonly choices?: readonly { readonly delta: { readonly content?: string }; readonly finish_reason?: string | null }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}

/** What a stream of chunks says in all. */
function told(stream: string): { text: string; finish: string | undefined; usage: Chunk['usage'] } {
  const chunks = [...stream.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  return {
    text: choices.map(({ delta }) => delta.content ?? '').join(''),
    finish: choices.map((choice) => choice.finish_reason).findLast((word) => typeof word === 'string'),
    usage: chunks.findLast(({ usage }) => usage)?.usage,
  };
}

const sendBytes =
  (type: string, bytes: Uint8Array): Script =>
  (_seen, response) => {
    response.writeHead(200, { 'content-type': type });
    response.end(bytes);
  };

describe('a client that chats', () => {
  it('gets a stream of text-generation-inference as chunks, with the usage that the provider counted', async () => {
    upstream.answer(sendBytes('text/event-stream', bytesOf('tgi.stream.txt')));
    const { text } = await ask({ provider: 'huggingface_text', model: 'tgi' }, true);

    expect(told(text)).toEqual({
      text: TEXT,
      finish: 'stop',
      usage: expect.objectContaining({ prompt_tokens: 11, completion_tokens: 7 }),
    });
    expect(upstream.seen).toMatchObject([
      { path: '/generate_stream', headers: { authorization: 'Bearer key-1' }, body: { inputs: 'Hi' } },
    ]);
  });

  it('gets an estimated usage where the provider counts nothing', async () => {
    upstream.answer(sendJson(jsonOf('triton.response.json')));
    const { text } = await ask(
      { provider: 'triton', model: 'x', apiBase: `${upstream.url}/v2/models/ensemble/generate` },
      false,
    );
    const answer = JSON.parse(text) as Record<string, unknown>;

    expect(answer).toMatchObject({ choices: [{ message: { content: TEXT }, finish_reason: 'stop' }] });
    expect(answer['usage']).toMatchObject({ prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) });
    expect(upstream.seen).toMatchObject([{ path: '/v2/models/ensemble/generate', body: { text_input: 'Hi' } }]);
  });

  it('streams from a server of Triton at the address beside', async () => {
    upstream.answer(sendBytes('text/event-stream', bytesOf('triton.stream.txt')));
    const { text } = await ask(
      { provider: 'triton', model: 'x', apiBase: `${upstream.url}/v2/models/ensemble/generate/` },
      true,
    );

    expect(told(text)).toMatchObject({ text: TEXT, finish: 'stop' });
    expect(upstream.seen[0]?.path).toBe('/v2/models/ensemble/generate_stream');
  });

  it('gets a stream of one piece where the API has none, and Petals a form', async () => {
    upstream.answer(sendJson(jsonOf('petals.response.json')));
    const { text } = await ask({ provider: 'petals', model: 'org/llm' }, true);

    expect(told(text)).toMatchObject({ text: TEXT, finish: 'stop' });
    expect(upstream.seen).toMatchObject([
      {
        path: '/api/v1/generate',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
        text: 'model=org%2Fllm&inputs=Hi&max_new_tokens=256',
      },
    ]);
  });

  it('gets the frames of SageMaker, whose calls are signed by the keys of the deployment', async () => {
    const bytes = bytesOf('sagemaker.stream.txt');
    // SageMaker cuts where it likes: here within characters too.
    const parts = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, index) => bytes.subarray(index * 7, index * 7 + 7));
    const headers = { ':event-type': 'PayloadPart', ':message-type': 'event', ':content-type': 'application/octet-stream' };
    const frames = parts.map((part) => encodeMessage(headers, part));
    upstream.answer(sendBytes('application/vnd.amazon.eventstream', Buffer.concat(frames)));
    const keys = JSON.stringify({ aws_access_key_id: 'AKIDEXAMPLE', aws_secret_access_key: 'not-a-secret' });
    const { text } = await ask(
      {
        provider: 'sagemaker',
        model: 'my-endpoint',
        parameters: { aws_region_name: 'eu-central-1' },
        credential: { type: 'value', value: keys },
      },
      true,
    );

    expect(told(text)).toMatchObject({ text: TEXT, finish: 'stop', usage: { prompt_tokens: 11, completion_tokens: 7 } });
    expect(upstream.seen).toMatchObject([
      {
        path: '/endpoints/my-endpoint/invocations-response-stream',
        headers: { authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 .*\/eu-central-1\/sagemaker\/aws4_request/) },
        body: { inputs: 'Hi', stream: true },
      },
    ]);
  });

  it('gets an error where SageMaker breaks off', async () => {
    const headers = { ':exception-type': 'ModelStreamError', ':message-type': 'exception' };
    const piece = encodeMessage(
      { ':event-type': 'PayloadPart', ':message-type': 'event' },
      Buffer.from('data:{"token":{"text":"Half"}}\n'),
    );
    const broken = encodeMessage(headers, Buffer.from('{"Message":"The container stopped."}'));
    upstream.answer(sendBytes('application/vnd.amazon.eventstream', Buffer.concat([piece, broken])));
    const keys = JSON.stringify({ aws_access_key_id: 'AKIDEXAMPLE', aws_secret_access_key: 'not-a-secret' });
    const { text } = await ask(
      {
        provider: 'sagemaker',
        model: 'my-endpoint',
        parameters: { aws_region_name: 'eu-central-1' },
        credential: { type: 'value', value: keys },
      },
      true,
    );

    expect(told(text).text).toBe('Half');
    expect(text).toContain('The container stopped.');
  });

  it('gets the error of a model that is still loading', async () => {
    upstream.answer(sendJson({ error: 'Model org/llm is currently loading', estimated_time: 20 }, 503));
    const { status, text } = await ask({ provider: 'huggingface_text', model: 'tgi' }, false);

    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ error: { message: expect.stringContaining('currently loading') } });
  });

  it('cannot reach outside the base of a provider by the name of a model', async () => {
    const { status } = await ask({ provider: 'bytez', model: '../../admin' }, false);

    expect(status).toBe(400);
    expect(upstream.seen).toEqual([]);
  });
});
