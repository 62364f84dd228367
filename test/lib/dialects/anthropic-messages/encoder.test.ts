import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents, unfold } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { CASES, contextOf, dataOf, eventsOf, messageOf, streamFixture, streamText } from './support.ts';

const at = (block: number): { choice: 0; block: number } => ({ choice: 0, block });
const text = (block: number, words: string): GenerateEvent => ({ type: 'text-delta', ...at(block), text: words });
const FINISH: GenerateEvent = { type: 'finish', choice: 0, reason: 'stop' };
const toolStart = (block: number, id: string): GenerateEvent => ({
  type: 'tool-call-start',
  ...at(block),
  id,
  name: `f${block}`,
});
const toolDelta = (block: number, json: string): GenerateEvent => ({ type: 'tool-call-delta', ...at(block), arguments: json });
const toolEnd = (block: number): GenerateEvent => ({ type: 'tool-call-end', ...at(block) });

describe('a stream for a client', () => {
  it.each(CASES)('says the same as the whole answer: %s', (name) => {
    const events = eventsOf([streamFixture(name)]);
    const streamed = messageOf(streamText(events));

    expect(streamed).toEqual(anthropicMessages.encodeResponse(foldEvents(events), contextOf().context));
  });

  it('keeps blocks apart and in order when the deltas of parallel tool calls interleave', () => {
    const events: GenerateEvent[] = [
      { type: 'start', id: 'x', model: 'm' },
      { type: 'text-start', ...at(0) },
      text(0, 'Both.'),
      toolStart(1, 'a'),
      { type: 'text-end', ...at(0) },
      toolStart(2, 'b'),
      toolDelta(2, '{"two":'),
      toolDelta(1, '{"one":'),
      toolDelta(2, '2}'),
      toolDelta(1, '1}'),
      toolEnd(2),
      toolEnd(1),
      { type: 'finish', choice: 0, reason: 'tool-calls' },
    ];

    expect(messageOf(streamText(events))).toMatchObject({
      stop_reason: 'tool_use',
      content: [
        { type: 'text', text: 'Both.' },
        { type: 'tool_use', id: 'a', name: 'f1', input: { one: 1 } },
        { type: 'tool_use', id: 'b', name: 'f2', input: { two: 2 } },
      ],
    });
  });

  it('sends the first block as it comes', () => {
    const encoder = anthropicMessages.encodeStream(contextOf().context);
    encoder.push({ type: 'start' });

    expect(dataOf(encoder.push(text(0, 'Now'))).map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
    ]);
    expect(dataOf(encoder.push(text(0, '!'))).map(({ delta }) => delta)).toEqual([{ type: 'text_delta', text: '!' }]);
  });

  it('closes blocks that never ended, also those that waited', () => {
    const message = messageOf(streamText([text(0, 'a'), text(1, 'b'), toolStart(2, 't'), FINISH]));

    expect(message.content).toMatchObject([{ text: 'a' }, { text: 'b' }, { type: 'tool_use', input: {} }]);
  });

  it('states the input in message_start when it is known by then, and all figures at the end', () => {
    const events: GenerateEvent[] = [
      { type: 'start' },
      { type: 'usage', usage: { inputTokens: 30, cacheReadTokens: 10, outputTokens: 1, source: 'provider' } },
      text(0, 'x'),
      FINISH,
      { type: 'usage', usage: { outputTokens: 8, reasoningTokens: 3, source: 'provider' } },
    ];
    const data = dataOf(streamText(events, contextOf({ costOf: ({ outputTokens = 0 }) => outputTokens / 1000 }).context));

    expect(data[0]).toMatchObject({ message: { usage: { input_tokens: 20, cache_read_input_tokens: 10, output_tokens: 1 } } });
    expect(data.at(-2)).toMatchObject({
      usage: {
        input_tokens: 20,
        cache_read_input_tokens: 10,
        output_tokens: 8,
        output_tokens_details: { thinking_tokens: 3 },
        cost: 0.008,
      },
    });
  });

  it('puts a refusal into a text block of its own', () => {
    const refusal = (block: number, words: string): GenerateEvent => ({ type: 'refusal-delta', ...at(block), text: words });

    const message = messageOf(
      streamText([
        text(0, 'Hm. '),
        { type: 'text-end', ...at(0) },
        refusal(1, 'I '),
        refusal(1, 'will not.'),
        text(2, 'Bye'),
        FINISH,
      ]),
    );
    expect(message).toMatchObject({
      stop_reason: 'refusal',
      content: [{ text: 'Hm. ' }, { text: 'I will not.' }, { text: 'Bye' }],
    });

    const waited = messageOf(
      streamText([text(0, 'Hm. '), refusal(1, 'I will not.'), text(2, 'Bye'), { type: 'text-end', ...at(0) }, FINISH]),
    );
    expect(waited.content).toEqual(message.content);
  });

  it('ends with the error of the provider and nothing after it', () => {
    const error = new GatewayError('overloaded', 'Busy', { status: 529 });
    const { context } = contextOf();
    const encoder = anthropicMessages.encodeStream(context);
    encoder.push(text(0, 'half'));

    expect(encoder.push({ type: 'error', error })).toBe(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Busy"}}\n\n',
    );
    expect(encoder.push(text(0, 'late')) + encoder.end()).toBe('');
  });

  it('reports an answer without a finish as an error', () => {
    const data = dataOf(streamText([text(0, 'half')]));

    expect(data.at(-1)).toMatchObject({ type: 'error', error: { type: 'api_error' } });
    expect(data.map(({ type }) => type)).not.toContain('message_stop');
  });

  it('makes a message of an answer that says nothing', () => {
    expect(messageOf(streamText([FINISH]))).toMatchObject({
      id: 'msg_CALL',
      model: 'client-model',
      content: [],
      stop_reason: 'end_turn',
    });
  });

  it('says once what it cannot say', () => {
    const { context, warnings } = contextOf();
    const image: Part = { type: 'image', source: { type: 'url', url: 'https://example.com/i.png' } };

    const message = messageOf(
      streamText(
        [
          { type: 'media', ...at(0), part: image },
          { type: 'media', ...at(1), part: { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } } },
          { type: 'opaque', ...at(2), part: { type: 'opaque', origin: 'openai-chat', value: {} } },
          { type: 'citation', ...at(3), citation: { origin: 'openai-chat', raw: {} } },
          { type: 'text-end', ...at(3) },
          { type: 'text-delta', choice: 1, block: 0, text: 'second answer' },
          { type: 'finish', choice: 1, reason: 'stop' },
          { type: 'logprobs', choice: 0, logprobs: {} },
          toolStart(4, 't'),
          { type: 'tool-call-end', ...at(4), extensions: { 'anthropic-messages': { caller: {} } } },
          FINISH,
        ],
        context,
      ),
    );

    expect(message.content).toMatchObject([{ type: 'tool_use' }]);
    expect(warnings.map(({ field }) => field)).toEqual(['modalities', 'content', 'citations', 'n', 'logprobs', 'tool_use']);
  });

  it('tells the input of a server tool in deltas and other opaque blocks at once', () => {
    const values: JsonObject[] = [
      { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'x' } },
      { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
    ];
    const data = dataOf(
      streamText([
        ...values.map((value, block): GenerateEvent => ({
          type: 'opaque',
          ...at(block),
          part: { type: 'opaque', origin: 'anthropic-messages', value },
        })),
        FINISH,
      ]),
    );

    expect(data[1]).toMatchObject({ content_block: { type: 'server_tool_use', input: {} } });
    expect(data[2]).toMatchObject({ delta: { type: 'input_json_delta', partial_json: '{"query":"x"}' } });
    expect(data[4]).toMatchObject({ index: 1, content_block: values[1] });
  });

  it('says the same as the whole answer, whatever the parts', () => {
    const proof = {
      signature: fc.string({ minLength: 1 }),
      data: fc.string({ minLength: 1 }),
      details: fc.array(fc.dictionary(fc.string(), fc.string()), { minLength: 1 }),
    };
    const part: fc.Arbitrary<Part> = fc.oneof(
      fc.record({ type: fc.constant('text' as const), text: fc.string() }),
      fc.record({ type: fc.constant('refusal' as const), text: fc.string({ minLength: 1 }) }),
      fc.record(
        {
          type: fc.constant('reasoning' as const),
          text: fc.string(),
          origin: fc.constantFrom('openai-chat' as const, 'anthropic-messages' as const),
          ...proof,
        },
        { requiredKeys: ['type', 'text'] },
      ),
      fc.record(
        {
          type: fc.constant('tool-call' as const),
          id: fc.constantFrom('', 'a', 'b'),
          name: fc.string({ minLength: 1 }),
          arguments: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
          signature: fc.string({ minLength: 1 }),
        },
        { requiredKeys: ['type', 'id', 'name', 'arguments'] },
      ),
    ) as fc.Arbitrary<Part>;
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('stop' as const, 'length' as const), (parts, finish) => {
        const response = { choices: [{ index: 0, parts, finish }] };
        expect(messageOf(streamText(unfold(response)))).toEqual(
          anthropicMessages.encodeResponse(response, contextOf().context),
        );
      }),
    );
  });
});
