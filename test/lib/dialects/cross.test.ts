/** Both dialects together: what one provider proves must survive a client that speaks the other dialect. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../lib/dialects/anthropic-messages/index.ts';
import type { Dialect, ReasoningField } from '../../../lib/dialects/dialect.ts';
import { openaiChat } from '../../../lib/dialects/openai-chat/index.ts';
import { foldEvents } from '../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateRequest, Message, Part } from '../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { createSseParser } from '../../../lib/transport/sse.ts';
import { contextOf, messageOf, requestOf } from './anthropic-messages/support.ts';

const TARGET = { model: 'upstream-model', structuredOutput: 'native' as const, reasoningField: 'reasoning_details' as const };

/** The events of a provider's answer, streamed. */
function streamed(dialect: Dialect, frames: readonly JsonObject[], last: string[] = []): readonly GenerateEvent[] {
  const decoder = dialect.decodeStream({});
  const data = [...frames.map((frame) => JSON.stringify(frame)), ...last];
  return [...data.flatMap((text) => decoder.push({ data: text })), ...decoder.end()];
}

/** The message an OpenAI client puts together from a stream: text and JSON grow, lists are joined, calls are told apart by index. */
function chatMessageOf(text: string): JsonObject {
  const message: JsonObject = { role: 'assistant', content: null };
  const calls: JsonObject[] = [];
  for (const { data } of createSseParser().push(Buffer.from(text))) {
    if (data === '[DONE]') break;
    const [choice] = (JSON.parse(data) as { choices: { delta: JsonObject }[] }).choices;
    for (const [name, value] of Object.entries(choice?.delta ?? {})) {
      const before = message[name];
      if (name === 'tool_calls') for (const call of value as JsonObject[]) growCall(calls, call);
      else if (Array.isArray(value)) message[name] = [...((before as unknown[] | undefined) ?? []), ...(value as unknown[])];
      else if (typeof value === 'string' && name !== 'role') message[name] = (typeof before === 'string' ? before : '') + value;
    }
  }
  return calls.length === 0 ? message : { ...message, tool_calls: calls };
}

function growCall(calls: JsonObject[], { index, function: part, ...rest }: JsonObject): void {
  const known = (calls[index as number] ??= { function: { name: '', arguments: '' } });
  const inner = known.function as { name: string; arguments: string };
  const { name = '', arguments: json = '' } = (part ?? {}) as { name?: string; arguments?: string };
  Object.assign(known, rest, { function: { name: inner.name + name, arguments: inner.arguments + json } });
}

const chatResults = (message: JsonObject): JsonObject[] =>
  ((message.tool_calls as JsonObject[] | undefined) ?? []).map(({ id }) => ({
    role: 'tool',
    tool_call_id: id,
    content: 'done',
  }));

const anthropicResults = (message: JsonObject): JsonObject[] => {
  const content = message.content as JsonObject[];
  const results = content
    .filter(({ type }) => type === 'tool_use')
    .map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'done' }));
  return results.length === 0 ? [] : [{ role: 'user', content: results }];
};

/** The assistant's turn that the provider gets back when an OpenAI client goes on with the conversation. */
function viaChatClient(message: JsonObject, upstream: Dialect): JsonObject | undefined {
  const messages = [{ role: 'user', content: 'Hi' }, message, ...chatResults(message), { role: 'user', content: 'Go on' }];
  const request = openaiChat.decodeRequest({ model: 'm', messages });
  const sent = upstream.encodeRequest(request, TARGET).body.messages as JsonObject[];
  return sent.find(({ role }) => role === 'assistant');
}

/** The same for an Anthropic client. */
function viaAnthropicClient(
  message: JsonObject,
  upstream: Dialect,
  reasoningField: ReasoningField = 'reasoning_details',
): JsonObject | undefined {
  const turn = { role: 'assistant', content: message.content };
  const messages = [{ role: 'user', content: 'Hi' }, turn, ...anthropicResults(message), { role: 'user', content: 'Go on' }];
  const request = anthropicMessages.decodeRequest({ model: 'm', max_tokens: 10, messages });
  const sent = upstream.encodeRequest(request, { ...TARGET, reasoningField }).body.messages as JsonObject[];
  return sent.find(({ role }) => role === 'assistant');
}

const unary = (dialect: Dialect, events: readonly GenerateEvent[]): JsonObject =>
  dialect.encodeResponse(foldEvents(events), contextOf().context);

const stream = (dialect: Dialect, events: readonly GenerateEvent[]): string => {
  const encoder = dialect.encodeStream(contextOf().context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
};

const chatUnary = (events: readonly GenerateEvent[]): JsonObject => {
  const [choice] = unary(openaiChat, events).choices as { message: JsonObject }[];
  return choice?.message ?? {};
};

describe('a conversation with an Anthropic provider through an OpenAI client', () => {
  const content: JsonObject[] = [
    { type: 'thinking', thinking: 'First – ✓.', signature: 'sig-1' },
    { type: 'redacted_thinking', data: 'opaque' },
    { type: 'thinking', thinking: '', signature: 'sig-2' },
    { type: 'text', text: 'Let me look.' },
    { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Zürich' } },
    { type: 'tool_use', id: 'toolu_2', name: 'now', input: {} },
  ];
  const frames: JsonObject[] = [
    { type: 'message_start', message: { id: 'msg_1', usage: { input_tokens: 1, output_tokens: 1 } } },
    ...content.flatMap((block, index) => [
      { type: 'content_block_start', index, content_block: block },
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ];
  const events = streamed(anthropicMessages, frames);

  it.each([
    ['streamed', chatMessageOf(stream(openaiChat, events))],
    ['whole', chatUnary(events)],
  ])('keeps thinking with its proofs, and the calls: %s', (_, message) => {
    expect(viaChatClient(message, anthropicMessages)).toEqual({ role: 'assistant', content });
  });
});

describe('a conversation with an OpenAI-like provider through an Anthropic client', () => {
  const chunk = (delta: JsonObject, finish: string | null = null): JsonObject => ({
    id: 'gen-1',
    object: 'chat.completion.chunk',
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const details: JsonObject[] = [
    { type: 'reasoning.text', text: 'Hm, weather.', format: 'anthropic-claude-v1', index: 0, signature: 'sig' },
    { type: 'reasoning.encrypted', data: 'opaque', id: 'rs_1', format: 'openai-responses-v1', index: 1 },
  ];
  const call = (index: number, id: string, json: string, more: JsonObject = {}): JsonObject => ({
    index,
    id,
    type: 'function',
    function: { name: `f${index}`, arguments: json },
    ...more,
  });

  const openrouter = streamed(
    openaiChat,
    [
      chunk({
        role: 'assistant',
        content: '',
        reasoning: 'Hm, ',
        reasoning_details: [{ ...details[0], text: 'Hm, ', signature: null }],
      }),
      chunk({ reasoning: 'weather.', reasoning_details: [{ ...details[0], text: 'weather.' }] }),
      chunk({ reasoning_details: [details[1]] }),
      chunk({ content: 'Looking.' }),
      chunk({ tool_calls: [call(0, 'call:1', '{"a":'), call(1, 'call:2', '')] }),
      chunk({
        tool_calls: [
          { index: 0, function: { arguments: '1}' } },
          { index: 1, function: { arguments: '{"b":2}' } },
        ],
      }),
      chunk({}, 'tool_calls'),
    ],
    ['[DONE]'],
  );

  it.each([
    ['streamed', messageOf(stream(anthropicMessages, openrouter))],
    ['whole', unary(anthropicMessages, openrouter)],
  ])('keeps the items of OpenRouter, and the calls: %s', (_, message) => {
    expect(message).toMatchObject({ stop_reason: 'tool_use' });
    expect((message.content as JsonObject[]).map(({ type }) => type)).toContain('thinking');

    expect(viaAnthropicClient(message, openaiChat)).toMatchObject({
      content: 'Looking.',
      reasoning_details: details,
      tool_calls: [
        { id: 'call:1', function: { name: 'f0', arguments: '{"a":1}' } },
        { id: 'call:2', function: { name: 'f1', arguments: '{"b":2}' } },
      ],
    });
  });

  it('keeps the thought signatures of Gemini on their calls', () => {
    const signed = { extra_content: { google: { thought_signature: 'thought' } } };
    const events = streamed(
      openaiChat,
      [chunk({ role: 'assistant', tool_calls: [call(0, 'a', '{}', signed), call(1, 'b', '{}')] }), chunk({}, 'tool_calls')],
      ['[DONE]'],
    );

    for (const message of [messageOf(stream(anthropicMessages, events)), unary(anthropicMessages, events)]) {
      const [first, second] = (viaAnthropicClient(message, openaiChat)?.tool_calls ?? []) as JsonObject[];
      expect(first).toMatchObject({ id: 'a', ...signed });
      expect(second).not.toHaveProperty('extra_content');
    }
  });

  it('keeps plain reasoning as text', () => {
    const events = streamed(openaiChat, [chunk({ reasoning_content: 'Hm.' }), chunk({ content: 'Yes' }, 'stop')], ['[DONE]']);
    const message = messageOf(stream(anthropicMessages, events));

    expect(message.content).toEqual([
      { type: 'thinking', thinking: 'Hm.', signature: '' },
      { type: 'text', text: 'Yes' },
    ]);
    expect(viaAnthropicClient(message, openaiChat, 'reasoning_content')).toMatchObject({
      reasoning_content: 'Hm.',
      content: 'Yes',
    });
  });

  it('never sends a proof of one provider to the other', () => {
    const turn = viaAnthropicClient(unary(anthropicMessages, openrouter), anthropicMessages);

    expect(turn?.content).toMatchObject([{ type: 'text' }, { type: 'tool_use' }, { type: 'tool_use' }]);
  });
});

describe('any conversation', () => {
  /** A word that occurs nowhere else, so that its absence is a loss. */
  let words = 0;
  const word = fc.constant(undefined).map(() => `w${words++}w`);
  const part = (make: (value: string) => Part): fc.Arbitrary<Part> => word.map(make);
  const text = part((value) => ({ type: 'text', text: value }));
  const said = fc.oneof(
    text,
    part((url) => ({ type: 'image', source: { type: 'url', url } })),
    part((data) => ({ type: 'image', source: { type: 'base64', mediaType: 'image/png', data } })),
    part((id) => ({ type: 'image', source: { type: 'file', id, origin: 'anthropic-messages' } })),
    part((data) => ({ type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data }, format: 'wav' })),
    part((data) => ({ type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data } })),
    part((value) => ({ type: 'document', source: { type: 'text', text: value } })),
    part((value) => ({ type: 'opaque', origin: 'openai-chat', value: { type: 'odd', value } })),
    part((value) => ({ type: 'opaque', origin: 'anthropic-messages', value: { type: 'odd', value } })),
  );
  /** A turn was written by one model, so its reasoning is of one kind. */
  const thoughts = fc.oneof(
    part((value) => ({ type: 'reasoning', text: value })).map((thought) => [thought]),
    fc.tuple(
      part((signature) => ({ type: 'reasoning', text: 'Hm', signature, origin: 'anthropic-messages' })),
      part((data) => ({ type: 'reasoning', text: '', data, origin: 'anthropic-messages' })),
    ),
    part((value) => ({
      type: 'reasoning',
      text: '',
      details: [{ type: 'reasoning.encrypted', data: value }],
      origin: 'openai-chat',
    })).map((thought) => [thought]),
    fc.constant([]),
  );
  const answered = fc
    .tuple(thoughts, text, fc.option(part((value) => ({ type: 'refusal', text: value }))))
    .map(([thought, answer, refusal]): Part[] => [...thought, answer, ...(refusal === null ? [] : [refusal])]);
  const turn = fc.tuple(
    fc.array(said, { minLength: 1, maxLength: 3 }),
    answered,
    fc.array(fc.tuple(word, said), { maxLength: 2 }),
  );
  const settings = fc.record(
    {
      sampling: fc.record(
        { temperature: fc.constantFrom(0, 0.5, 1.5), seed: fc.nat(), choices: fc.constantFrom(1, 2), logprobs: fc.boolean() },
        { requiredKeys: [] },
      ),
      serviceTier: fc.constantFrom('auto', 'default', 'priority', 'flex'),
      reasoning: fc.record({ effort: fc.constantFrom('low' as const, 'high' as const) }),
    },
    { requiredKeys: [] },
  );

  const messagesOf = (
    turns: readonly (readonly [readonly Part[], readonly Part[], readonly (readonly [string, Part])[]])[],
  ): Message[] =>
    turns.flatMap(([asked, reply, calls], index): Message[] => [
      { role: 'user', parts: [{ type: 'text', text: 'Question' }, ...asked] },
      {
        role: 'assistant',
        parts: [
          ...reply,
          ...calls.map(([value], n): Part => ({
            type: 'tool-call',
            id: `t${index}_${n}`,
            name: 'f',
            arguments: `{"a":"${value}"}`,
          })),
        ],
      },
      ...calls.map(([, result], n): Message => ({
        role: 'tool',
        parts: [
          {
            type: 'tool-result',
            callId: `t${index}_${n}`,
            parts: result.type === 'text' || result.type === 'image' ? [result] : [],
          },
        ],
      })),
    ]);

  it.each([anthropicMessages, openaiChat])('loses only what is warned about: $id', (dialect) => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 3 }), settings, (turns, more) => {
        const request: GenerateRequest = requestOf({ messages: messagesOf(turns), ...(more as Partial<GenerateRequest>) });
        const { body, warnings } = dialect.encodeRequest(request, { ...TARGET, maxOutputTokens: 64_000 });
        const sent = JSON.stringify(body);
        const given = JSON.stringify(request.messages).match(/w\d+w/g) ?? [];

        for (const [index, message] of request.messages.entries()) {
          const lost = (JSON.stringify(message).match(/w\d+w/g) ?? []).filter((value) => !sent.includes(value));
          const told = warnings.filter(({ field }) => field.startsWith(`messages[${index}]`));
          expect(lost.length === 0 || told.length > 0, `${lost.join()} of messages[${index}]`).toBe(true);
        }
        expect(given.length).toBeGreaterThan(0);
        // What was sent is a request a client could have sent: it says the same once more.
        expect(() => dialect.decodeRequest(JSON.parse(sent) as JsonObject)).not.toThrow();
      }),
    );
  });

  it.each([
    [anthropicMessages, openaiChat],
    [openaiChat, anthropicMessages],
  ])('keeps text, calls and results on the way from $id to the other', (from, to) => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 3 }), (turns) => {
        const plain = turns.map(
          ([asked, reply, calls]) =>
            [asked.filter(isPlain), reply.filter(isPlain), calls.filter(([, result]) => isPlain(result))] as const,
        );
        const request = requestOf({ messages: messagesOf(plain).filter(({ parts }) => parts.length > 0), maxOutputTokens: 10 });

        const asWritten = from.encodeRequest(request, TARGET);
        const decoded = from.decodeRequest(JSON.parse(JSON.stringify(asWritten.body)) as JsonObject);
        const { body, warnings } = to.encodeRequest(decoded, TARGET);

        const sent = JSON.stringify(body);
        const lost = (JSON.stringify(request.messages).match(/w\d+w/g) ?? []).filter((value) => !sent.includes(value));
        expect(lost).toEqual([]);
        expect(warnings).toEqual([]);
      }),
    );
  });
});

const isPlain = (part: Part): boolean => part.type === 'text';
