/** Cohere's and Ollama's dialects beside the two most spoken ones: what a provider of one says must survive a client of another. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../lib/dialects/anthropic-messages/index.ts';
import { cohereChat } from '../../../lib/dialects/cohere-chat/index.ts';
import type { Dialect } from '../../../lib/dialects/dialect.ts';
import { ollamaChat } from '../../../lib/dialects/ollama-chat/index.ts';
import { openaiChat } from '../../../lib/dialects/openai-chat/index.ts';
import { foldEvents } from '../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateRequest, Message } from '../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { codecOf } from '../../../lib/transport/framing.ts';
import { contextOf, requestOf } from './anthropic-messages/support.ts';
import { bytesOf as cohereBytes } from './cohere-chat/support.ts';
import { bytesOf as ollamaBytes } from './ollama-chat/support.ts';

const CLIENTS = [openaiChat, anthropicMessages, cohereChat, ollamaChat];
const TARGET = { model: 'upstream-model', structuredOutput: 'native' as const, reasoningField: 'reasoning_content' as const };

function decoded(dialect: Dialect, bytes: Uint8Array): GenerateEvent[] {
  const parser = codecOf(dialect.framing).parser();
  const decoder = dialect.decodeStream({});
  const frames = [...parser.push(bytes), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

function encodedStream(dialect: Dialect, events: readonly GenerateEvent[]): Uint8Array {
  const encoder = dialect.encodeStream(contextOf().context);
  const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
  return codecOf(dialect.framing).writer(text);
}

/** What every dialect can say of an answer. */
function gist(events: readonly GenerateEvent[]): unknown {
  const { choices, usage, error } = foldEvents(events);
  const parts = choices[0]?.parts ?? [];
  const joined = (type: 'text' | 'reasoning'): string =>
    parts.map((part) => (part.type === type ? (part as { text: string }).text : '')).join('');
  return {
    text: joined('text'),
    reasoning: joined('reasoning'),
    calls: parts.flatMap((part) =>
      part.type === 'tool-call'
        ? [[part.id, part.name, JSON.parse(part.arguments === '' ? '{}' : part.arguments) as unknown]]
        : [],
    ),
    finish: choices[0]?.finish,
    input: usage?.inputTokens,
    output: usage?.outputTokens,
    failed: error?.message,
  };
}

const ANSWERS: readonly (readonly [string, Dialect, Uint8Array])[] = [
  ...['thinking-and-citations', 'plan-and-calls', 'text'].map(
    (name) => [`cohere-chat ${name}`, cohereChat, cohereBytes(`${name}.stream.txt`)] as const,
  ),
  ...['thinking-and-calls', 'text'].map(
    (name) => [`ollama-chat ${name}`, ollamaChat, ollamaBytes(`${name}.stream.txt`)] as const,
  ),
];

describe.each(CLIENTS.map((client) => [client.id, client] as const))('an answer to a client of %s', (_, client) => {
  it.each(ANSWERS)('says what %s said, streamed and whole', (_name, upstream, bytes) => {
    const events = decoded(upstream, bytes);
    const whole = client.encodeResponse(foldEvents(events), contextOf().context);

    expect(gist(decoded(client, encodedStream(client, events)))).toEqual(gist(events));
    expect(gist(client.decodeResponse(whole, {}))).toEqual(gist(events));
  });

  it.each([
    ['cohere-chat', cohereChat, cohereBytes('failing.stream.txt'), 'internal failure'],
    ['ollama-chat', ollamaChat, ollamaBytes('failing.stream.txt'), 'model runner has unexpectedly stopped'],
  ] as const)('shows an error inside a stream of %s', (_name, upstream, bytes, message) => {
    expect(gist(decoded(client, encodedStream(client, decoded(upstream, bytes))))).toMatchObject({ failed: message });
  });
});

/** Text that no API takes for blank, nor trims. */
const word = fc.string({ maxLength: 8 }).map((text) => `<${text}>`);
const json = fc
  .dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(word, fc.integer(), fc.boolean()))
  .map((value) => JSON.stringify(value));

/** A conversation that both dialects can say in full. */
const conversation = fc
  .array(
    fc.record({ ask: word, think: fc.option(word), say: word, calls: fc.array(fc.tuple(word, json, word), { maxLength: 3 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .map((turns) =>
    turns.flatMap(({ ask, think, say, calls }, turn): Message[] => [
      { role: 'user', parts: [{ type: 'text', text: ask }] },
      {
        role: 'assistant',
        parts: [
          ...(think === null ? [] : [{ type: 'reasoning' as const, text: think }]),
          { type: 'text', text: say },
          ...calls.map(([name, text], at) => ({ type: 'tool-call' as const, id: `call_${turn}_${at}`, name, arguments: text })),
        ],
      },
      ...calls.map(([, , text], at): Message => ({
        role: 'tool',
        parts: [{ type: 'tool-result', callId: `call_${turn}_${at}`, parts: [{ type: 'text', text }] }],
      })),
    ]),
  );

/** Reasoning of the dialect itself, which goes back as it came. */
const ownReasoning = (messages: readonly Message[], origin: 'cohere-chat' | 'ollama-chat'): Message[] =>
  messages.map((message) => ({
    ...message,
    parts: message.parts.map((part) => (part.type === 'reasoning' ? { ...part, origin } : part)),
  }));

describe.each([
  ['cohere-chat', cohereChat],
  ['ollama-chat', ollamaChat],
] as const)('a request in %s', (id, dialect) => {
  it('decodes to what was encoded, without a warning', () => {
    fc.assert(
      fc.property(
        conversation,
        fc.record({ temperature: fc.double({ min: 0, max: 1, noNaN: true }), seed: fc.nat(), topK: fc.nat({ max: 500 }) }),
        fc.option(fc.integer({ min: 1, max: 9999 })),
        fc.boolean(),
        (turns, sampling, limit, stream) => {
          const request: GenerateRequest = requestOf({
            model: TARGET.model,
            messages: ownReasoning(turns, id),
            sampling,
            stream,
            includeUsage: true,
            tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }],
            ...(limit !== null && { maxOutputTokens: limit }),
          });
          const { body, warnings } = dialect.encodeRequest(request, TARGET);

          expect(warnings).toEqual([]);
          expect(dialect.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject)).toEqual(request);
        },
      ),
    );
  });

  it.each([
    ['openai-chat', openaiChat],
    ['anthropic-messages', anthropicMessages],
  ] as const)('keeps the conversation of a client on the way to a provider of %s', (_, upstream) => {
    fc.assert(
      fc.property(conversation, (turns) => {
        const said = turns.map((message) => ({ ...message, parts: message.parts.filter(({ type }) => type !== 'reasoning') }));
        const sent = dialect.encodeRequest(requestOf({ messages: said }), TARGET).body;
        const { body } = upstream.encodeRequest(dialect.decodeRequest(sent), TARGET);
        const again = upstream.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject);

        expect(talk(again.messages)).toEqual(talk(said));
      }),
    );
  });
});

/** Texts, calls and results in order, whatever the messages they are in. */
const talk = (messages: readonly Message[]): unknown[] =>
  messages.flatMap(({ role, parts }) =>
    parts.map((part) => {
      switch (part.type) {
        case 'text':
          return [role, part.text];
        case 'tool-call':
          return [part.id, part.name, JSON.parse(part.arguments) as unknown];
        case 'tool-result':
          return [part.callId, part.parts.map((inner) => (inner.type === 'text' ? inner.text : inner.type))];
        case 'image':
        case 'audio':
        case 'document':
        case 'reasoning':
        case 'refusal':
        case 'opaque':
          return [part.type];
      }
    }),
  );
