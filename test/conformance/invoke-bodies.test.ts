/** AWS's own SDK calling InvokeModel with each vendor's body: any provider answers, and Bedrock itself gets what the client wrote. */
import {
  BedrockRuntimeClient,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { valueAt, type Place } from '../../lib/dialects/text-generation/wire.ts';
import { textOf } from '../../lib/dialects/values.ts';
import type { JsonObject } from '../../lib/kinds/json.ts';
import { writeEventStream } from '../../lib/transport/aws-event-stream.ts';
import { aDeployment } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { heldNow, spentNow } from '../support/money.ts';
import {
  chatAnswer,
  chatChunk,
  sendChunks,
  sendJson,
  startUpstream,
  usageChunk,
  type Script,
  type Upstream,
} from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;
let client: BedrockRuntimeClient;

const PRICE = { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 };

beforeAll(async () => {
  upstream = await startUpstream();
  const credential = { type: 'value', value: 'upstream-secret' } as const;
  const bedrock = (modelName: string, model: string) =>
    aDeployment({ id: modelName, modelName, provider: 'bedrock', model, apiBase: upstream.url, credential, price: PRICE });
  gateway = await serveGateway(upstream.url, {
    deployments: [
      // A provider of chat completions under every name: what is asked for by a vendor's body is answered by whoever there is.
      aDeployment({
        modelName: '*',
        provider: 'groq',
        model: 'llama',
        apiBase: `${upstream.url}/openai/v1`,
        credential,
        price: PRICE,
      }),
      bedrock('mistral-here', 'mistral.mistral-large-2402-v1:0'),
      bedrock('claude-here', 'us.anthropic.claude-sonnet-4-v1:0'),
      bedrock('nova-here', 'amazon.nova-pro-v1:0'),
    ],
  });
  await gateway.addKey('sk-one', { maxBudget: 10n ** 12n });
  client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: gateway.url,
    token: { token: 'sk-one' },
    authSchemePreference: ['httpBearerAuth'],
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await gateway.close();
  await upstream.close();
});
beforeEach(() => void upstream.seen.splice(0));

async function invoke(modelId: string, body: object): Promise<JsonObject> {
  const { body: bytes } = await client.send(new InvokeModelCommand({ modelId, body: JSON.stringify(body) }));
  return JSON.parse(bytes.transformToString()) as JsonObject;
}

async function stream(modelId: string, body: object): Promise<JsonObject[]> {
  const { body: chunks = [] } = await client.send(
    new InvokeModelWithResponseStreamCommand({ modelId, body: JSON.stringify(body) }),
  );
  const pieces: JsonObject[] = [];
  for await (const { chunk } of chunks) pieces.push(JSON.parse(Buffer.from(chunk?.bytes ?? []).toString('utf8')) as JsonObject);
  return pieces;
}

/** What each vendor's clients send, and where they look for the text, whole and streamed. */
const VENDORS: readonly [name: string, modelId: string, body: object, whole: Place, piece: Place][] = [
  [
    'Amazon Nova',
    'us.amazon.nova-lite-v1:0',
    {
      schemaVersion: 'messages-v1',
      messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
      inferenceConfig: { maxTokens: 9 },
    },
    ['output', 'message', 'content', 0, 'text'],
    ['contentBlockDelta', 'delta', 'text'],
  ],
  [
    'Amazon Titan',
    'amazon.titan-text-express-v1',
    { inputText: 'User: Hi\nBot:', textGenerationConfig: { maxTokenCount: 9 } },
    ['results', 0, 'outputText'],
    ['outputText'],
  ],
  [
    'Meta Llama',
    'meta.llama3-70b-instruct-v1:0',
    {
      prompt: '<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
      max_gen_len: 9,
    },
    ['generation'],
    ['generation'],
  ],
  [
    'Mistral (text)',
    'mistral.mixtral-8x7b-instruct-v0:1',
    { prompt: '<s>[INST] Hi [/INST]', max_tokens: 9 },
    ['outputs', 0, 'text'],
    ['outputs', 0, 'text'],
  ],
  [
    'Mistral (chat)',
    'mistral.mistral-large-2407-v1:0',
    { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 },
    ['choices', 0, 'message', 'content'],
    ['choices', 0, 'message', 'content'],
  ],
  ['Cohere Command R', 'cohere.command-r-plus-v1:0', { message: 'Hi', chat_history: [], max_tokens: 9 }, ['text'], ['text']],
  [
    'AI21 Jamba',
    'ai21.jamba-1-5-large-v1:0',
    { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 },
    ['choices', 0, 'message', 'content'],
    ['choices', 0, 'delta', 'content'],
  ],
  [
    'DeepSeek R1',
    'us.deepseek.r1-v1:0',
    { prompt: '<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>\n', max_tokens: 9 },
    ['choices', 0, 'text'],
    ['choices', 0, 'text'],
  ],
  ...['openai.gpt-oss-120b-1:0', 'qwen.qwen3-32b-v1:0', 'deepseek.v3-v1:0'].map((modelId): (typeof VENDORS)[number] => [
    modelId,
    modelId,
    { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 },
    ['choices', 0, 'message', 'content'],
    ['choices', 0, 'delta', 'content'],
  ]),
];

describe("InvokeModel with a vendor's body", () => {
  it.each(VENDORS)('of %s is answered by any provider', async (_name, modelId, body, whole) => {
    upstream.answer(sendJson(chatAnswer('Hello Ada')));
    const answer = await invoke(modelId, body);
    expect(valueAt(answer, whole)).toBe('Hello Ada');
    expect(upstream.seen[0]?.body).toMatchObject({ messages: [{ role: 'user', content: 'Hi' }] });
    expect(JSON.stringify(upstream.seen[0]?.body)).toContain('9');
  });

  it.each(VENDORS)(
    'of %s is streamed by any provider, with the usage beside the last piece',
    async (_name, modelId, body, _whole, piece) => {
      upstream.answer(
        sendChunks([
          chatChunk({ role: 'assistant', content: 'Hello ' }),
          chatChunk({ content: 'Ada' }),
          chatChunk({}, 'stop'),
          usageChunk(),
        ]),
      );
      const pieces = await stream(modelId, body);
      expect(pieces.map((told) => textOf(valueAt(told, piece)) ?? '').join('')).toBe('Hello Ada');
      expect(pieces.at(-1)?.['amazon-bedrock-invocationMetrics']).toEqual({ inputTokenCount: 10, outputTokenCount: 5 });
    },
  );

  it('tells the usage in headers too', async () => {
    upstream.answer(sendJson(chatAnswer('Hello Ada')));
    const answer = await fetch(`${gateway.url}/model/meta.llama3/invoke`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-one' },
      body: JSON.stringify({ prompt: 'Hi', max_gen_len: 9 }),
    });
    expect(answer.headers.get('x-amzn-bedrock-input-token-count')).toBe('10');
    expect(answer.headers.get('x-amzn-bedrock-output-token-count')).toBe('5');
  });

  it('that fails in the middle is an exception to the SDK', async () => {
    upstream.answer(sendChunks([chatChunk({ content: 'Half' })], { destroy: true }));
    await expect(stream('meta.llama3', { prompt: 'Hi', max_gen_len: 9 })).rejects.toMatchObject({
      name: 'ModelStreamErrorException',
    });
  });
});

describe('Bedrock itself', () => {
  const body = { prompt: '<s>[INST] Hi [/INST]', max_tokens: 9, safe_mode: 'as written' };

  it("gets a body of its model's own vendor as it is, and is paid by its headers", async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    const answer = { outputs: [{ text: 'Hello Ada', stop_reason: 'stop', novel: 1 }] };
    const figures = { 'x-amzn-bedrock-input-token-count': '100', 'x-amzn-bedrock-output-token-count': '50' };
    upstream.answer(sendJson(answer, 200, figures));

    expect(await invoke('mistral-here', body)).toEqual(answer);

    expect(upstream.seen[0]).toMatchObject({ path: '/model/mistral.mistral-large-2402-v1%3A0/invoke', body });
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBe(150_000_000n);
  });

  it('has its stream passed on, and is paid by its last piece', async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    const metrics = { inputTokenCount: 100, outputTokenCount: 50, invocationLatency: 7, firstByteLatency: 3 };
    const pieces = [
      { outputs: [{ text: 'Hello Ada', stop_reason: null }] },
      { outputs: [{ text: '', stop_reason: 'stop' }], 'amazon-bedrock-invocationMetrics': metrics },
    ];
    upstream.answer(sendPieces(pieces));

    expect(await stream('mistral-here', body)).toEqual(pieces);

    expect(upstream.seen[0]).toMatchObject({
      path: '/model/mistral.mistral-large-2402-v1%3A0/invoke-with-response-stream',
      body,
    });
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBe(150_000_000n);
  });

  it("gets Claude's and Nova's bodies as they are too", async () => {
    const message = {
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 1, output_tokens: 1 },
    };
    upstream.answer(sendJson(message));
    const asked = {
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 9,
      messages: [{ role: 'user', content: 'Hi' }],
      novel: 1,
    };
    expect(await invoke('claude-here', asked)).toEqual(message);
    expect(upstream.seen[0]).toMatchObject({ path: '/model/us.anthropic.claude-sonnet-4-v1%3A0/invoke', body: asked });

    const nova = {
      output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 1, outputTokens: 1 },
    };
    upstream.answer(sendJson(nova));
    const own = { messages: [{ role: 'user', content: [{ text: 'Hi' }] }], inferenceConfig: { maxTokens: 9 } };
    expect(await invoke('nova-here', own)).toEqual(nova);
    expect(upstream.seen[1]).toMatchObject({ path: '/model/amazon.nova-pro-v1%3A0/invoke', body: own });
  });

  it("is asked by Converse where the body is another vendor's", async () => {
    const converse = {
      output: { message: { role: 'assistant', content: [{ text: 'Hello Ada' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 1, outputTokens: 1 },
    };
    upstream.answer(sendJson(converse));
    expect(await invoke('claude-here', { prompt: 'Hi', max_gen_len: 9 })).toMatchObject({
      generation: 'Hello Ada',
      stop_reason: 'stop',
    });
    expect(upstream.seen[0]?.path).toBe('/model/us.anthropic.claude-sonnet-4-v1%3A0/converse');
  });
});

/** A stream of Bedrock's. */
function sendPieces(pieces: readonly object[]): Script {
  return (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    const lines = pieces.map((piece) => {
      const bytes = Buffer.from(JSON.stringify(piece)).toString('base64');
      return `${JSON.stringify({ event: 'chunk', data: { bytes, p: 'abc' } })}\n`;
    });
    response.end(Buffer.from(writeEventStream(lines.join(''))));
  };
}
