/** Converse together with the other dialects: what one side proves or says must survive a client that speaks the other. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../lib/dialects/anthropic-messages/index.ts';
import { bedrockConverse } from '../../../lib/dialects/bedrock-converse/index.ts';
import type { Dialect } from '../../../lib/dialects/dialect.ts';
import { openaiChat } from '../../../lib/dialects/openai-chat/index.ts';
import { foldEvents, unfold } from '../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateRequest, GenerateResponse, Part } from '../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { createSseParser } from '../../../lib/transport/sse.ts';
import { messageOf } from './anthropic-messages/support.ts';
import {
  answerOf,
  CASES,
  CLAUDE,
  contextOf,
  eventsOf,
  responseFixture,
  streamFixture,
  streamText,
} from './bedrock-converse/support.ts';

const TARGET = { model: CLAUDE, structuredOutput: 'native' as const, reasoningField: 'reasoning_details' as const };
const CLIENTS: readonly Dialect[] = [anthropicMessages, openaiChat];

const bodyFor = (client: Dialect, answer: GenerateResponse): JsonObject => client.encodeResponse(answer, contextOf().context);

/** The content of a whole Converse answer. */
const contentOf = (body: JsonObject): JsonObject[] => (body.output as { message: { content: JsonObject[] } }).message.content;

/** The next request of a client that got `body`, with a result for each call. */
function goesOn(client: Dialect, body: JsonObject): GenerateRequest {
  if (client.id === 'bedrock-converse') {
    const content = contentOf(body);
    const results = content.flatMap(({ toolUse }) =>
      toolUse === undefined
        ? []
        : [{ toolResult: { toolUseId: (toolUse as JsonObject).toolUseId, content: [{ text: 'done' }] } }],
    );
    const messages = [
      { role: 'user', content: [{ text: 'Hi' }] },
      { role: 'assistant', content },
      { role: 'user', content: [...results, { text: 'Go on' }] },
    ];
    return client.decodeRequest({ messages }, { model: 'm' });
  }
  if (client.id === 'anthropic-messages') {
    const content = body.content as JsonObject[];
    const results = content.flatMap(({ type, id }) =>
      type === 'tool_use' ? [{ type: 'tool_result', tool_use_id: id, content: 'done' }] : [],
    );
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content },
      { role: 'user', content: [...results, { type: 'text', text: 'Go on' }] },
    ];
    return client.decodeRequest({ model: 'm', max_tokens: 10, messages });
  }
  const [choice] = body.choices as { message: JsonObject }[];
  const message = choice?.message ?? {};
  const results = ((message.tool_calls as JsonObject[] | undefined) ?? []).map(({ id }) => ({
    role: 'tool',
    tool_call_id: id,
    content: 'done',
  }));
  const messages = [{ role: 'user', content: 'Hi' }, message, ...results, { role: 'user', content: 'Go on' }];
  return client.decodeRequest({ model: 'm', messages });
}

/** The assistant's turn as the provider gets it back. */
function returned(upstream: Dialect, request: GenerateRequest): JsonObject {
  const messages = upstream.encodeRequest(request, TARGET).body.messages as JsonObject[];
  return messages.find(({ role }) => role === 'assistant') ?? {};
}

describe('an answer of Bedrock', () => {
  it.each(CLIENTS.map((client) => [client.id, client] as const))(
    'comes back from clients of %s with its signed thinking, text and calls',
    (_, client) => {
      const answer = foldEvents(eventsOf([streamFixture('thinking-and-tools')]));
      const back = returned(bedrockConverse, goesOn(client, bodyFor(client, answer)));
      expect(back.content).toEqual(contentOf(responseFixture('thinking-and-tools')));
    },
  );

  it('has Anthropic signatures for Anthropic clients, streamed too', () => {
    const events = eventsOf([streamFixture('thinking-and-tools')]);
    const encoder = anthropicMessages.encodeStream(contextOf().context);
    const message = messageOf(events.map((event) => encoder.push(event)).join('') + encoder.end());

    expect(message.content).toMatchObject([
      { type: 'thinking', thinking: 'Two cities, two calls – ✓.', signature: 'c2lnbmVkLWJ5LXVz' },
      { type: 'text' },
      { type: 'tool_use', id: 'tooluse_zurich', input: { city: 'Zürich', days: 2 } },
      { type: 'tool_use', id: 'tooluse_now', input: {} },
    ]);
    expect(message).toMatchObject({ stop_reason: 'tool_use', usage: { input_tokens: 21, cache_read_input_tokens: 1000 } });
  });

  it('is choice 0 for OpenAI clients, whatever block it came in', () => {
    const encoder = openaiChat.encodeStream(contextOf().context);
    const events = eventsOf([streamFixture('thinking-and-tools')]);
    const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
    const indexes = createSseParser()
      .push(Buffer.from(text))
      .filter(({ data }) => data !== '[DONE]')
      .flatMap(({ data }) => (JSON.parse(data) as { choices: { index: number }[] }).choices.map(({ index }) => index));
    expect(new Set(indexes)).toEqual(new Set([0]));
  });

  it.each(CLIENTS.map((client) => [client.id, client] as const))(
    'comes back from clients of %s with its redacted thinking',
    (_, client) => {
      const answer = foldEvents(eventsOf([streamFixture('redacted-and-server-tools')]));
      const back = returned(bedrockConverse, goesOn(client, bodyFor(client, answer)));
      expect((back.content as JsonObject[])[0]).toEqual(contentOf(responseFixture('redacted-and-server-tools'))[0]);
    },
  );

  it('thinks on at Anthropic after a switch of provider', () => {
    const answer = foldEvents(eventsOf([streamFixture('thinking-and-tools')]));
    const back = returned(anthropicMessages, goesOn(bedrockConverse, bodyFor(bedrockConverse, answer)));
    expect((back.content as JsonObject[])[0]).toEqual({
      type: 'thinking',
      thinking: 'Two cities, two calls – ✓.',
      signature: 'c2lnbmVkLWJ5LXVz',
    });
  });
});

describe('an answer of others', () => {
  const reasoning: Part = { type: 'reasoning', text: 'hm', signature: 'c2ln', origin: 'anthropic-messages' };
  const redacted: Part = { type: 'reasoning', text: '', data: 'b3BhcXVl', origin: 'anthropic-messages' };
  const call: Part = { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' };
  const answer: GenerateResponse = { choices: [{ index: 0, parts: [reasoning, redacted, call], finish: 'tool-calls' }] };

  it('comes back to Anthropic from a Converse client with its proofs, streamed or not', () => {
    const expected = [
      { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
      { type: 'redacted_thinking', data: 'b3BhcXVl' },
      { type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } },
    ];
    const streamed = answerOf(streamText(unfold(answer)));

    expect(returned(anthropicMessages, goesOn(bedrockConverse, bodyFor(bedrockConverse, answer))).content).toEqual(expected);
    expect(returned(anthropicMessages, goesOn(bedrockConverse, streamed)).content).toEqual(expected);
  });

  it('comes back to an OpenAI-like provider with its items', () => {
    const details = [{ type: 'reasoning.encrypted', data: 'x', index: 0 }];
    const events: GenerateEvent[] = unfold({
      choices: [
        { index: 0, parts: [{ type: 'reasoning', text: 'hm', details, origin: 'openai-chat' }, call], finish: 'tool-calls' },
      ],
    });
    const back = returned(openaiChat, goesOn(bedrockConverse, answerOf(streamText(events))));
    expect(back).toMatchObject({ reasoning_details: details, tool_calls: [{ id: 'c1' }] });
  });

  it('says the same to a Converse client streamed and whole', () => {
    const part: fc.Arbitrary<Part> = fc.oneof(
      fc.record({ type: fc.constant('text' as const), text: fc.string({ minLength: 1 }) }),
      fc.record({ type: fc.constant('reasoning' as const), text: fc.string({ minLength: 1 }) }),
      fc.record({
        type: fc.constant('tool-call' as const),
        id: fc.uuid(),
        name: fc.constantFrom('f', 'g'),
        arguments: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
      }),
      fc.constantFrom(reasoning, { ...redacted, origin: 'bedrock-converse' as const }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const told: GenerateResponse = { choices: [{ index: 0, parts, finish: 'stop' }] };
        expect(answerOf(streamText(unfold(told)))).toEqual(bodyFor(bedrockConverse, told));
      }),
    );
  });
});

describe('fixtures of Bedrock', () => {
  it.each(CASES)('%s reach every client whole', (name) => {
    for (const client of CLIENTS) {
      const events = eventsOf([streamFixture(name)]);
      const body = client.decodeResponse(bodyFor(client, foldEvents(events)), {});
      const text = (told: readonly GenerateEvent[]): string =>
        told.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
      expect(text(body)).toBe(text(events));
    }
  });
});
