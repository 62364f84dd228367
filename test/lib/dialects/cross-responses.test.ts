/** The Responses API beside the two older dialects: proofs survive a client of any of them, and each loss is a warning. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../lib/dialects/anthropic-messages/index.ts';
import type { Dialect } from '../../../lib/dialects/dialect.ts';
import { openaiChat } from '../../../lib/dialects/openai-chat/index.ts';
import { openaiResponses } from '../../../lib/dialects/openai-responses/index.ts';
import { foldEvents, unfold } from '../../../lib/kinds/fold.ts';
import type { GenerateRequest, Message, Part } from '../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { contextOf, messageOf, requestOf } from './anthropic-messages/support.ts';
import { chunksOf } from './openai-chat/fixture.ts';
import { responseOf } from './openai-responses/support.ts';

const DIALECTS = [openaiResponses, anthropicMessages, openaiChat] as const;
const TARGET = { model: 'up', structuredOutput: 'native' as const, maxOutputTokens: 64_000 };

const USER = { role: 'user', content: 'Hi' };

const streamed = (dialect: Dialect, parts: readonly Part[]): string => {
  const encoder = dialect.encodeStream(contextOf().context);
  const events = unfold({ choices: [{ index: 0, parts, finish: 'tool-calls' }] });
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
};

const whole = (dialect: Dialect, parts: readonly Part[]): JsonObject =>
  dialect.encodeResponse({ choices: [{ index: 0, parts, finish: 'tool-calls' }] }, contextOf().context);

/** What the client of a dialect sends back of an answer: the parts of the assistant's turn as the gateway reads them. */
const RETURNED: Readonly<Record<string, (answer: JsonObject) => readonly Part[]>> = {
  'openai-responses': ({ output }) =>
    assistant(openaiResponses.decodeRequest({ model: 'm', input: [USER, ...(output as [])] })),
  'anthropic-messages': ({ content }) =>
    assistant(anthropicMessages.decodeRequest({ model: 'm', max_tokens: 9, messages: [USER, { role: 'assistant', content }] })),
  'openai-chat': ({ choices }) => {
    const [{ message } = {}] = choices as { message: JsonObject }[];
    return assistant(openaiChat.decodeRequest({ model: 'm', messages: [USER, message] }));
  },
};

const assistant = ({ messages }: GenerateRequest): readonly Part[] =>
  messages.flatMap(({ role, parts }) => (role === 'assistant' ? parts : []));

/** The message an OpenAI chat client puts together from the reasoning of a stream. */
function chatAnswer(text: string): JsonObject {
  const message: JsonObject = { role: 'assistant', content: 'x' };
  for (const { choices } of chunksOf(text)) {
    const [{ delta = {} } = {}] = choices as { delta?: JsonObject }[];
    const { thinking_blocks: blocks, reasoning_details: details } = delta;
    for (const [name, list] of Object.entries({ thinking_blocks: blocks, reasoning_details: details })) {
      if (Array.isArray(list)) message[name] = [...((message[name] as unknown[] | undefined) ?? []), ...(list as unknown[])];
    }
  }
  return { choices: [{ message }] };
}

const STREAMED: Readonly<Record<string, (text: string) => JsonObject>> = {
  'openai-responses': responseOf,
  'anthropic-messages': messageOf,
  'openai-chat': chatAnswer,
};

const PROOFS: readonly (readonly [string, Part])[] = [
  [
    'encrypted reasoning of OpenAI',
    { type: 'reasoning', text: 'Hm', data: 'x', details: [{ id: 'rs_1' }], origin: 'openai-responses' },
  ],
  ['the same without text', { type: 'reasoning', text: '', data: 'x', details: [{ id: 'rs_1' }], origin: 'openai-responses' }],
  ['a signature of Anthropic', { type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' }],
  ['redacted thinking', { type: 'reasoning', text: '', data: 'd', origin: 'anthropic-messages' }],
  [
    'an item of OpenRouter',
    { type: 'reasoning', text: '', details: [{ type: 'reasoning.encrypted', data: 'x' }], origin: 'openai-chat' },
  ],
  ['a signature of Bedrock', { type: 'reasoning', text: 'Hm', signature: 's', origin: 'bedrock-converse' }],
];

describe.each(DIALECTS.map((dialect) => [dialect.id, dialect] as const))('through a client of %s', (id, dialect) => {
  it.each(PROOFS)('comes back unchanged: %s', (_, proof) => {
    const parts: Part[] = [proof, { type: 'text', text: 'Yes' }];
    const back = [whole(dialect, parts), STREAMED[id]?.(streamed(dialect, parts)) ?? {}].map((answer) =>
      RETURNED[id]?.(answer).filter((part) => part.type === 'reasoning'),
    );
    expect(back).toEqual([[proof], [proof]]);
  });

  it.each(DIALECTS)('no proof of another provider reaches $id', (upstream) => {
    const foreign = PROOFS.map(([, part]) => part).filter((part) => part.type === 'reasoning' && part.origin !== upstream.id);
    const messages: Message[] = [
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      { role: 'assistant', parts: [...foreign, { type: 'text', text: 'Yes' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Go on' }] },
    ];
    const { body, warnings } = upstream.encodeRequest(requestOf({ messages }), TARGET);
    expect(JSON.stringify(body)).not.toMatch(/"(x|s|d|rs_1)"/);
    expect(warnings.length).toBeGreaterThan(0);
  });
});

describe('calls through a client of the Responses API', () => {
  it.each(['streamed', 'whole'])('keep the thought signatures of Gemini: %s', (way) => {
    const parts: Part[] = [
      { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: 'thought' },
      { type: 'tool-call', id: 'b', name: 'f', arguments: '{}', extensions: { gemini: { odd: true } } },
      { type: 'tool-call', id: 'c', name: 'g', arguments: 'free', custom: true },
    ];
    const answer = way === 'whole' ? whole(openaiResponses, parts) : responseOf(streamed(openaiResponses, parts));
    expect(RETURNED['openai-responses']?.(answer)).toEqual(parts);
  });
});

describe('custom tools', () => {
  const grammar = { syntax: 'lark', definition: 'start: "a"' };
  it.each<[JsonObject, JsonObject]>([
    [
      { type: 'custom', name: 'p' },
      { type: 'custom', custom: { name: 'p' } },
    ],
    [
      { type: 'custom', name: 'p', format: { type: 'text' } },
      { type: 'custom', custom: { name: 'p', format: { type: 'text' } } },
    ],
    [
      { type: 'custom', name: 'p', format: { type: 'grammar', ...grammar } },
      { type: 'custom', custom: { name: 'p', format: { type: 'grammar', grammar } } },
    ],
  ])('cross between the APIs of OpenAI: %j', (flat, nested) => {
    const fromResponses = openaiResponses.decodeRequest({ model: 'm', input: 'Hi', tools: [flat] });
    const fromChat = openaiChat.decodeRequest({ model: 'm', messages: [USER], tools: [nested] });
    expect(openaiChat.encodeRequest(fromResponses, TARGET).body['tools']).toEqual([nested]);
    expect(openaiResponses.encodeRequest(fromChat, TARGET).body['tools']).toEqual([flat]);
  });
});

describe('any conversation', () => {
  let words = 0;
  const word = fc.constant(undefined).map(() => `w${words++}w`);
  const part = (make: (value: string) => Part): fc.Arbitrary<Part> => word.map(make);
  const text = part((value) => ({ type: 'text', text: value }));
  const said = fc.oneof(
    text,
    part((url) => ({ type: 'image', source: { type: 'url', url } })),
    part((data) => ({ type: 'image', source: { type: 'base64', mediaType: 'image/png', data } })),
    part((id) => ({ type: 'image', source: { type: 'file', id, origin: 'anthropic-messages' } })),
    part((id) => ({ type: 'document', source: { type: 'file', id, origin: 'openai-responses' } })),
    part((data) => ({ type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data }, format: 'wav' })),
    part((data) => ({ type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data } })),
    part((value) => ({ type: 'document', source: { type: 'text', text: value }, title: 'T' })),
    part((value) => ({ type: 'opaque', origin: 'openai-responses', value: { type: 'web_search_call', value } })),
    part((value) => ({ type: 'opaque', origin: 'anthropic-messages', value: { type: 'odd', value } })),
  );
  const thought = fc.oneof(
    part((value) => ({ type: 'reasoning', text: value })),
    part((data) => ({ type: 'reasoning', text: 'Hm', data, details: [{ id: 'rs_1' }], origin: 'openai-responses' })),
    part((signature) => ({ type: 'reasoning', text: 'Hm', signature, origin: 'anthropic-messages' })),
  );
  const turn = fc.tuple(
    fc.array(said, { minLength: 1, maxLength: 3 }),
    thought,
    text,
    fc.array(fc.tuple(word, text), { maxLength: 2 }),
  );
  type Turn = readonly [readonly Part[], Part, Part, readonly (readonly [string, Part])[]];

  const messagesOf = (turns: readonly Turn[]): Message[] =>
    turns.flatMap(([asked, reasoning, reply, calls], index): Message[] => [
      { role: 'user', parts: [{ type: 'text', text: 'Question' }, ...asked] },
      {
        role: 'assistant',
        parts: [
          reasoning,
          reply,
          ...calls.map(([value], n): Part => {
            const id = `t${index}_${n}`;
            return { type: 'tool-call', id, name: 'f', arguments: `{"a":"${value}"}` };
          }),
        ],
      },
      ...calls.map(([, result], n): Message => {
        const parts = result.type === 'text' ? [result] : [];
        return { role: 'tool', parts: [{ type: 'tool-result', callId: `t${index}_${n}`, parts }] };
      }),
    ]);

  const wordsIn = (value: unknown): readonly string[] => JSON.stringify(value).match(/w\d+w/g) ?? [];

  it('loses only what is warned about', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 3 }), (turns) => {
        const request = requestOf({ messages: messagesOf(turns) });
        const { body, warnings } = openaiResponses.encodeRequest(request, TARGET);
        const sent = JSON.stringify(body);

        for (const [index, message] of request.messages.entries()) {
          const lost = wordsIn(message).filter((value) => !sent.includes(value));
          const told = warnings.filter(({ field }) => field.startsWith(`messages[${index}]`));
          expect(lost.length === 0 || told.length > 0, `${lost.join()} of messages[${index}]`).toBe(true);
        }
        // What was sent is a request a client could have sent.
        expect(() => openaiResponses.decodeRequest(JSON.parse(sent) as JsonObject)).not.toThrow();
      }),
    );
  });

  it.each([
    [openaiResponses, openaiChat],
    [openaiResponses, anthropicMessages],
    [openaiChat, openaiResponses],
    [anthropicMessages, openaiResponses],
  ])('keeps text, calls and results on the way from $id to another', (from, to) => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 3 }), (turns) => {
        const plain = messagesOf(turns)
          .map((message) => ({ ...message, parts: message.parts.filter(({ type }) => PLAIN.has(type)) }))
          .filter(({ parts }) => parts.length > 0);
        const asWritten = from.encodeRequest(requestOf({ messages: plain, maxOutputTokens: 10 }), TARGET);
        const decoded = from.decodeRequest(JSON.parse(JSON.stringify(asWritten.body)) as JsonObject);
        const sent = JSON.stringify(to.encodeRequest(decoded, TARGET).body);

        expect(wordsIn(plain).filter((value) => !sent.includes(value))).toEqual([]);
      }),
    );
  });

  it.each(DIALECTS)('an answer says the same as events of $id', (dialect) => {
    const parts = fc.array(
      fc.oneof(
        text,
        part((name) => ({ type: 'tool-call', id: name, name, arguments: `{"a":"${name}"}` })),
      ),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(parts, (given) => {
        const body = whole(dialect, given);
        const answer = foldEvents(dialect.decodeResponse(JSON.parse(JSON.stringify(body)), {}));
        const textOf = (list: readonly Part[]): string => list.map((item) => (item.type === 'text' ? item.text : '')).join('');
        const callsOf = (list: readonly Part[]): readonly Part[] => list.filter(({ type }) => type === 'tool-call');
        expect(textOf(answer.choices[0]?.parts ?? [])).toBe(textOf(given));
        expect(callsOf(answer.choices[0]?.parts ?? [])).toEqual(callsOf(given));
      }),
    );
  });
});

const PLAIN: ReadonlySet<string> = new Set(['text', 'tool-call', 'tool-result']);
