import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { CASES, eventsOf, eventsOfObjects, responseFixture, streamFixture } from './support.ts';

const START = { type: 'message_start', message: { id: 'msg_1', model: 'm', usage: { input_tokens: 5, output_tokens: 1 } } };
const textBlock = (index: number, text: string): JsonObject[] => [
  { type: 'content_block_start', index, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index, delta: { type: 'text_delta', text } },
  { type: 'content_block_stop', index },
];
const END = [
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];

describe('a stream of the provider', () => {
  it.each(CASES)('gives the same events for %s wherever its bytes are split', (name) => {
    const bytes = streamFixture(name);
    const whole = eventsOf([bytes]);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(eventsOf([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    }
    expect(eventsOf(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it('gives the same events for random pieces', () => {
    const bytes = streamFixture('thinking-and-tools');
    const whole = eventsOf([bytes]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
        const edges = [0, ...cuts.toSorted((left, right) => left - right), bytes.length];
        const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        expect(eventsOf(pieces)).toEqual(whole);
      }),
    );
  });

  it.each(CASES)('folds to the answer that %s gives unstreamed', (name) => {
    const streamed = foldEvents(eventsOf([streamFixture(name)]));
    const whole = foldEvents(anthropicMessages.decodeResponse(responseFixture(name), {}));

    expect(streamed).toEqual(whole);
    expect(streamed.error).toBeUndefined();
  });

  it('tells thinking, text and parallel tool calls in their own blocks', () => {
    const answer = foldEvents(eventsOf([streamFixture('thinking-and-tools')]));

    expect(answer.choices[0]).toMatchObject({
      finish: 'tool-calls',
      raw: 'tool_use',
      parts: [
        { type: 'reasoning', text: 'Two cities, two calls – ✓.', signature: 'c2lnbmVkLWJ5LXVz', origin: 'anthropic-messages' },
        { type: 'text', text: 'I will look up Zürich and 東京.' },
        { type: 'tool-call', id: 'toolu_zurich', name: 'weather', arguments: '{"city":"Zürich","days":2}' },
        { type: 'tool-call', id: 'toolu_now', name: 'now', arguments: '{}' },
      ],
    });
  });

  it('adds cached tokens to the input and never sums repeated figures', () => {
    const answer = foldEvents(eventsOf([streamFixture('thinking-and-tools')]));

    expect(answer.usage).toEqual({
      inputTokens: 1321,
      cacheReadTokens: 1000,
      cacheWriteTokens: 300,
      cacheWrite1hTokens: 100,
      outputTokens: 87,
      reasoningTokens: 31,
      serviceTier: 'standard',
      source: 'provider',
    });
  });

  it('takes later input figures over earlier ones, and none from nulls', () => {
    const events = eventsOfObjects([
      START,
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { input_tokens: 900, output_tokens: 2, cache_read_input_tokens: null },
      },
      { type: 'message_delta', delta: {}, usage: { input_tokens: null, output_tokens: 3, speed: 'fast', cost: 0.5 } },
      { type: 'message_stop' },
    ]);

    expect(foldEvents(events).usage).toEqual({
      inputTokens: 900,
      outputTokens: 3,
      modifiers: ['fast'],
      reportedCostUsd: 0.5,
      source: 'provider',
    });
  });

  it('keeps redacted thinking and thinking of which only the signature is told', () => {
    const [choice] = foldEvents(eventsOf([streamFixture('redacted-thinking')])).choices;

    expect(choice).toMatchObject({ finish: 'stop', stopSequence: 'END' });
    expect(choice?.parts.slice(0, 2)).toEqual([
      { type: 'reasoning', text: '', data: 'b3BhcXVlLW9uZQ==', origin: 'anthropic-messages' },
      { type: 'reasoning', text: '', signature: 'b25seS1hLXNpZ25hdHVyZQ==', origin: 'anthropic-messages' },
    ]);
  });

  it('keeps server tools and their results whole, and makes no tool calls of them', () => {
    const answer = foldEvents(eventsOf([streamFixture('server-tools')]));

    expect(answer.choices[0]?.parts.map((part) => part.type)).toEqual(['opaque', 'opaque', 'text']);
    expect(answer.choices[0]?.parts[0]).toMatchObject({ value: { type: 'server_tool_use', input: { query: 'sky colour' } } });
    expect(answer.choices[0]?.parts[2]).toMatchObject({
      citations: [
        { url: 'https://example.com/sky', title: 'The sky', citedText: 'The sky is blue.', origin: 'anthropic-messages' },
      ],
    });
    expect(answer.choices[0]?.extensions).toEqual({
      'anthropic-messages': { container: { id: 'container_1', expires_at: '2026-01-01T00:00:00Z' } },
    });
    expect(answer.usage).toMatchObject({ webSearchRequests: 1, inputTokens: 4000 });
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool-calls'],
    ['pause_turn', 'pause'],
    ['refusal', 'refusal'],
    ['brand_new', 'other'],
  ])('reads the stop reason %s as %s', (raw, reason) => {
    const events = eventsOfObjects([START, { type: 'message_delta', delta: { stop_reason: raw } }, { type: 'message_stop' }]);

    expect(events.at(-1)).toMatchObject({ type: 'finish', reason, raw });
  });

  it('ignores pings, unknown events, unknown deltas and the [DONE] of proxies', () => {
    const known = eventsOfObjects([START, ...textBlock(0, 'Hi'), ...END]);
    const decoder = anthropicMessages.decodeStream({});
    const noisy = [
      decoder.push({ event: 'message_start', data: JSON.stringify(START) }),
      decoder.push({ event: 'ping', data: '{"type":"ping"}' }),
      decoder.push({ data: '{"type":"content_block_sparkle","index":0}' }),
      ...textBlock(0, 'Hi').map((event) => decoder.push({ data: JSON.stringify(event) })),
      decoder.push({ data: '{"type":"content_block_delta","index":9,"delta":{"type":"sparkle_delta"}}' }),
      decoder.push({ data: '{"type":"content_block_delta","index":0}' }),
      decoder.push({ data: '"only a string"' }),
      ...END.map((event) => decoder.push({ data: JSON.stringify(event) })),
      decoder.push({ data: '[DONE]' }),
      decoder.push({ data: '' }),
      decoder.end(),
    ].flat();

    expect(noisy).toEqual(known);
  });

  it('tolerates a second message_start, gaps in the numbers, missing stops and a lost start', () => {
    const events = eventsOfObjects([
      START,
      START,
      { type: 'content_block_delta', index: 3, delta: { type: 'text_delta', text: 'lost start' } },
      { type: 'content_block_start', index: 7, content_block: { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } } },
      ...END,
    ]);

    expect(events.filter((event) => event.type === 'start')).toHaveLength(1);
    expect(foldEvents(events).choices[0]?.parts).toEqual([
      { type: 'text', text: 'lost start' },
      { type: 'tool-call', id: 't', name: 'f', arguments: '{"a":1}' },
    ]);
  });

  it('keeps what comes after a restarted block, and what a second message in the stream says', () => {
    const events = eventsOfObjects([
      START,
      ...textBlock(0, 'one ').slice(0, 2),
      ...textBlock(0, 'two'),
      ...END,
      START,
      ...textBlock(0, '!'),
      ...END,
    ]);

    const answer = foldEvents(events);
    expect(answer.choices[0]?.parts.map((part) => (part.type === 'text' ? part.text : part.type))).toEqual([
      'one ',
      'two',
      '!',
    ]);
    expect(events.filter((event) => event.type === 'finish')).toHaveLength(1);
  });

  it('begins an answer that lacks its message_start', () => {
    expect(eventsOfObjects([...textBlock(0, 'x'), ...END])[0]).toEqual({ type: 'start' });
  });

  it('finishes when the stop reason came but message_stop did not', () => {
    const events = eventsOfObjects([START, ...textBlock(0, 'x'), ...END.slice(0, 1)]);

    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' });
  });

  it('finishes with tool calls, or plainly, when message_stop came without a stop reason', () => {
    const call = { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } };

    expect(eventsOfObjects([START, call, { type: 'message_stop' }]).at(-1)).toMatchObject({ reason: 'tool-calls' });
    expect(eventsOfObjects([START, { type: 'message_stop' }]).at(-1)).toMatchObject({ reason: 'stop' });
  });

  it('reports a stream that was cut short, whatever came before', () => {
    const bytes = streamFixture('thinking-and-tools');
    const end = bytes.indexOf('event: message_delta');
    for (const cut of [0, 1, Math.floor(end / 2), end]) {
      const events = eventsOf([bytes.subarray(0, cut)]);
      expect(events.at(-1)).toMatchObject({ type: 'error', error: { kind: 'upstream' } });
      expect(events.filter((event) => event.type === 'finish')).toEqual([]);
    }
  });

  it('makes up no arguments for a call that was cut off', () => {
    const call = { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } };

    const [choice] = foldEvents(eventsOfObjects([START, call])).choices;
    expect(choice).toMatchObject({ finish: 'error', parts: [{ type: 'tool-call', arguments: '' }] });
  });

  it.each([
    ['overloaded_error', 'overloaded', 529],
    ['rate_limit_error', 'rate_limit', 429],
    ['api_error', 'upstream', 500],
    ['invalid_request_error', 'invalid_request', 400],
    ['unheard_of_error', 'upstream', 502],
  ])('turns the error %s in the stream into an error event, and says nothing after it', (type, kind, status) => {
    const events = eventsOfObjects([
      START,
      { type: 'error', error: { type, message: 'Sorry' } },
      ...textBlock(0, 'late'),
      ...END,
    ]);

    expect(events.at(-1)).toMatchObject({ type: 'error', error: { kind, status, message: 'Sorry' } });
    expect(events.filter((event) => event.type === 'error')).toHaveLength(1);
  });

  it('understands an error without a type, and refuses events that are not JSON', () => {
    const decoder = anthropicMessages.decodeStream({});

    expect(decoder.push({ data: '{"error":{"message":"broken"}}' })).toMatchObject([
      { type: 'error', error: { message: 'broken' } },
    ]);
    expect(anthropicMessages.decodeStream({}).push({ data: '<html>' })).toMatchObject([
      { type: 'error', error: { kind: 'upstream' } },
    ]);
    expect(decoder.end()).toEqual([]);
  });

  it('reads the arguments of the JSON tool as the text of the answer', () => {
    const events = eventsOfObjects(
      [
        START,
        { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'json_answer', input: {} } },
        { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"a":' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '1}' } },
        { type: 'content_block_stop', index: 0 },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 3 } },
        { type: 'message_stop' },
      ],
      { jsonTool: 'json_answer' },
    );

    expect(foldEvents(events).choices[0]).toMatchObject({ finish: 'stop', parts: [{ type: 'text', text: '{"a":1}' }] });
  });

  it('keeps tool-calls as the end when another tool was called beside the JSON tool', () => {
    const call = (index: number, name: string): JsonObject => ({
      type: 'content_block_start',
      index,
      content_block: { type: 'tool_use', id: `t${index}`, name, input: {} },
    });
    const stop = { type: 'message_delta', delta: { stop_reason: 'tool_use' } };

    expect(
      eventsOfObjects([START, call(0, 'json_answer'), call(1, 'f'), stop], { jsonTool: 'json_answer' }).at(-1),
    ).toMatchObject({
      reason: 'tool-calls',
    });
  });

  it('collects deltas of blocks it does not know', () => {
    const events = eventsOfObjects([
      START,
      { type: 'content_block_start', index: 0, content_block: { type: 'compaction', content: '' } },
      {
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'compaction_delta', content: 'In short', encrypted_content: 'eA==' },
      },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'mcp_tool_use', id: 'm', name: 'n', input: {} } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"cut' } },
      ...END,
    ]);

    expect(events.filter((event) => event.type === 'opaque').map((event) => event.part.value)).toEqual([
      { type: 'compaction', content: 'In short', encrypted_content: 'eA==' },
      { type: 'mcp_tool_use', id: 'm', name: 'n', input: '{"cut' },
    ]);
  });

  it('keeps what stands beside a tool call, but not that the model called it directly', () => {
    const call = (caller: JsonObject): JsonObject => ({
      type: 'message',
      content: [{ type: 'tool_use', id: 't', name: 'f', input: {}, caller }],
      stop_reason: 'tool_use',
    });
    const code = { type: 'code_execution_20260120', tool_id: 'srvtoolu_1' };

    expect(foldEvents(anthropicMessages.decodeResponse(call({ type: 'direct' }), {})).choices[0]?.parts[0]).not.toHaveProperty(
      'extensions',
    );
    expect(foldEvents(anthropicMessages.decodeResponse(call(code), {})).choices[0]?.parts[0]).toMatchObject({
      extensions: { 'anthropic-messages': { caller: code } },
    });
  });
});
