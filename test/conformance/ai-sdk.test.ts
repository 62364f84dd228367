/** Vercel's `ai` package as a client, through its OpenAI-compatible and Anthropic providers. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveGateway, type Served } from '../support/gateway.ts';
import {
  chatAnswer,
  chatChunk,
  messageAnswer,
  sendChunks,
  sendEvents,
  sendJson,
  startUpstream,
  usageChunk,
  type Upstream,
} from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await serveGateway(upstream.url);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const clients = {
  'openai-compatible': (model: string) =>
    createOpenAICompatible({ name: 'tollgate', baseURL: `${gateway.url}/v1`, apiKey: gateway.masterKey, includeUsage: true })(
      model,
    ),
  anthropic: (model: string) => createAnthropic({ baseURL: `${gateway.url}/v1`, apiKey: gateway.masterKey })(model),
};
const pairs = (['openai-compatible', 'anthropic'] as const).flatMap((client) =>
  ['gpt-4o-mini', 'claude'].map((model) => [client, model] as const),
);
const isClaude = (model: string): boolean => model === 'claude';

const weather = tool({
  description: 'Weather of a city',
  inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }),
  execute: async ({ city }) => `18 C in ${city}`,
});

describe.each(pairs)('the %s provider calling %s', (client, model) => {
  it('chats', async () => {
    upstream.answer(sendJson(isClaude(model) ? messageAnswer('Sunny') : chatAnswer('Sunny')));
    const { text, usage } = await generateText({ model: clients[client](model), prompt: 'Weather?', maxRetries: 0 });
    expect(text).toBe('Sunny');
    expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
  });

  it('streams', async () => {
    upstream.answer(
      isClaude(model)
        ? sendEvents([
            { type: 'message_start', message: messageAnswer('', { content: [], stop_reason: null }) },
            { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
            { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Sun' } },
            { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'ny' } },
            { type: 'content_block_stop', index: 0 },
            { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
            { type: 'message_stop' },
          ] as never)
        : sendChunks([
            chatChunk({ role: 'assistant', content: 'Sun' }),
            chatChunk({ content: 'ny' }),
            chatChunk({}, 'stop'),
            usageChunk(),
          ]),
    );
    const stream = streamText({ model: clients[client](model), prompt: 'Weather?', maxRetries: 0 });
    expect((await Array.fromAsync(stream.textStream)).join('')).toBe('Sunny');
    expect(await stream.usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
  });

  it('runs a tool and hands its result back', async () => {
    let turn = 0;
    upstream.answer((seen, response, request) => {
      const first = turn++ === 0;
      const answer = isClaude(model)
        ? first
          ? messageAnswer('', {
              content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } }],
              stop_reason: 'tool_use',
            })
          : messageAnswer('It is 18 C.')
        : first
          ? chatAnswer('', {
              choices: [
                {
                  index: 0,
                  message: {
                    role: 'assistant',
                    content: null,
                    tool_calls: [
                      { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
                    ],
                  },
                  finish_reason: 'tool_calls',
                },
              ],
            })
          : chatAnswer('It is 18 C.');
      return sendJson(answer)(seen, response, request);
    });
    const { text, steps } = await generateText({
      model: clients[client](model),
      prompt: 'Weather in Paris?',
      tools: { weather },
      stopWhen: stepCountIs(3),
      maxRetries: 0,
    });
    expect(text).toBe('It is 18 C.');
    expect(steps[0]?.toolResults[0]?.output).toBe('18 C in Paris');
    expect(upstream.seen.at(-1)?.text).toContain('18 C in Paris');
  });

  it('fails with the words of the provider', async () => {
    upstream.answer(sendJson({ error: { message: 'The cat ate it.', type: 'invalid_request_error' } }, 400));
    await expect(generateText({ model: clients[client](model), prompt: 'x', maxRetries: 0 })).rejects.toThrow(
      'The cat ate it.',
    );
  });
});
