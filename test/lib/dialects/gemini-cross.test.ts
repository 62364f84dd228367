/** Gemini beside the other dialects: what either proves must survive a client that speaks another one. */
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../lib/dialects/anthropic-messages/index.ts';
import type { Dialect } from '../../../lib/dialects/dialect.ts';
import { gemini } from '../../../lib/dialects/gemini/index.ts';
import { openaiChat } from '../../../lib/dialects/openai-chat/index.ts';
import { foldEvents } from '../../../lib/kinds/fold.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { contextOf, messageOf, streamText as anthropicText } from './anthropic-messages/support.ts';
import { chunksOf, eventsOf, responseFixture, streamFixture, streamText } from './gemini/support.ts';

const TARGET = { model: 'gemini-3-pro', structuredOutput: 'native' as const };
const EVENTS = eventsOf([streamFixture('thoughts-and-calls')]);
const ANSWER = foldEvents(EVENTS);

/** The turn of the model that Google gets back. */
const modelTurn = (dialect: Dialect, body: JsonObject): JsonObject[] => {
  const { contents } = gemini.encodeRequest(dialect.decodeRequest(body, { model: 'm' }), TARGET).body as {
    contents: { role: string; parts: JsonObject[] }[];
  };
  return contents.find(({ role }) => role === 'model')?.parts ?? [];
};

const calls = (parts: readonly JsonObject[]): unknown[] =>
  parts.flatMap(({ functionCall, thoughtSignature }) =>
    functionCall === undefined ? [] : [{ ...(functionCall as object), thoughtSignature }],
  );

const CALLS = [
  { id: 'fc-1', name: 'weather', args: { city: 'Zürich', days: 2 }, thoughtSignature: 'c2lnLWNhbGw=' },
  { id: 'call_resp-1_0_1', name: 'weather', args: { city: '東京', days: 1 } },
  { id: 'call_resp-1_0_2', name: 'now', args: {} },
];

describe('an answer of Gemini', () => {
  it('comes back signed from an OpenAI client, its calls apart and ended as calls', () => {
    const { context } = contextOf();
    const { choices, usage } = openaiChat.encodeResponse(ANSWER, context) as {
      choices: { message: JsonObject; finish_reason: string }[];
      usage: JsonObject;
    };
    const message = choices[0]?.message ?? {};
    const results = (message.tool_calls as JsonObject[]).map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'ok' }));
    const parts = modelTurn(openaiChat, {
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }, message, ...results],
    });

    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(message.reasoning_content).toBe('Two cities, two calls – ✓.');
    expect(usage).toMatchObject({ prompt_tokens: 125, completion_tokens: 80, total_tokens: 205 });
    expect(parts[0]).toEqual({ text: 'I will look up Zürich and 東京.', thoughtSignature: 'c2lnLXRleHQ=' });
    expect(calls(parts)).toEqual(CALLS);
  });

  it.each([true, false])('comes back as it was from an Anthropic client, streamed: %s', (streamed) => {
    const { context } = contextOf();
    const message = streamed ? messageOf(anthropicText(EVENTS)) : anthropicMessages.encodeResponse(ANSWER, context);
    const content = message.content as JsonObject[];
    const results = content
      .filter(({ type }) => type === 'tool_use')
      .map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'ok' }));
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content },
      { role: 'user', content: results },
    ];
    const parts = modelTurn(anthropicMessages, { model: 'm', max_tokens: 9, messages });

    expect(message.stop_reason).toBe('tool_use');
    expect(parts[1]).toEqual({ text: 'I will look up Zürich and 東京.', thoughtSignature: 'c2lnLXRleHQ=' });
    expect(calls(parts)).toEqual(CALLS);
  });

  it('shows its sources to both', () => {
    const answer = foldEvents(gemini.decodeResponse(responseFixture('grounded'), {}));
    const chat = JSON.stringify(openaiChat.encodeResponse(answer, contextOf().context));
    const message = JSON.stringify(anthropicMessages.encodeResponse(answer, contextOf().context));

    for (const text of [chat, message]) {
      expect(text).toContain('https://example.com/a');
      expect(text).toContain('https://example.com/b');
    }
  });
});

const THINKING: JsonObject = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content: [
    { type: 'thinking', thinking: 'Hm', signature: 'c2lnbmVk' },
    { type: 'redacted_thinking', data: 'c2VjcmV0' },
    { type: 'text', text: 'Calling' },
    { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } },
  ],
  stop_reason: 'tool_use',
  usage: { input_tokens: 1, output_tokens: 2 },
};

describe('an answer of Anthropic', () => {
  it('comes back as it was from a Gemini client', () => {
    const answer = foldEvents(anthropicMessages.decodeResponse(THINKING, {}));
    const { candidates } = gemini.encodeResponse(answer, contextOf().context) as { candidates: { content: JsonObject }[] };
    const contents = [
      { role: 'user', parts: [{ text: 'Hi' }] },
      candidates[0]?.content,
      { role: 'user', parts: [{ functionResponse: { id: 'toolu_1', name: 'f', response: { output: 'ok' } } }] },
    ];
    const request = gemini.decodeRequest({ contents }, { model: 'm' });
    const { body } = anthropicMessages.encodeRequest(request, { model: 'claude', structuredOutput: 'native' });

    expect((body['messages'] as JsonObject[]).slice(1)).toEqual([
      { role: 'assistant', content: THINKING.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok' }] },
    ]);
  });

  it('goes to Google without its proofs when the provider changes', () => {
    const answer = foldEvents(anthropicMessages.decodeResponse(THINKING, {}));
    const { candidates } = gemini.encodeResponse(answer, contextOf().context) as { candidates: { content: JsonObject }[] };
    const body = { contents: [candidates[0]?.content] };

    expect(gemini.passthrough.withoutForeignProofs(body, {})).toEqual({
      contents: [
        {
          role: 'model',
          parts: [{ text: 'Calling' }, { functionCall: { id: 'toolu_1', name: 'f', args: { a: 1 } } }],
        },
      ],
    });
  });
});

describe('an answer of an OpenAI-like provider', () => {
  it('reaches a Gemini client with usage that came after the end', () => {
    const decoder = openaiChat.decodeStream({});
    const delta = (fields: JsonObject, finish: string | null = null): JsonObject => ({
      id: 'c',
      model: 'm',
      choices: [{ index: 0, delta: fields, finish_reason: finish }],
    });
    const call = (index: number, name: string, args: string): JsonObject => ({
      index,
      id: `id${index}`,
      type: 'function',
      function: { name, arguments: args },
    });
    const chunks = [
      delta({ reasoning_content: 'Hm' }),
      delta({ content: 'Hi' }),
      delta({ tool_calls: [call(0, 'a', '{"x":'), call(1, 'b', '{}')] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: '1}' } }] }),
      delta({}, 'tool_calls'),
      { id: 'c', model: 'm', choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } },
    ].map((chunk) => JSON.stringify(chunk));
    const events = [...[...chunks, '[DONE]'].flatMap((data) => decoder.push({ data })), ...decoder.end()];
    const answer = foldEvents(eventsOf([Buffer.from(streamText(events))]));

    expect(answer.choices[0]).toMatchObject({
      finish: 'tool-calls',
      parts: [
        { type: 'reasoning', text: 'Hm' },
        { type: 'text', text: 'Hi' },
        { type: 'tool-call', id: 'id0', name: 'a', arguments: '{"x":1}' },
        { type: 'tool-call', id: 'id1', name: 'b', arguments: '{}' },
      ],
    });
    expect(answer.usage).toMatchObject({ inputTokens: 3, outputTokens: 4 });
    expect(chunksOf(streamText(events)).at(-1)).toMatchObject({ candidates: [{ finishReason: 'STOP' }] });
  });
});
