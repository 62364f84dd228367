import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import { CASES, eventsOf, eventsOfPairs, responseFixture, streamFixture } from './support.ts';

const delta = (contentBlockIndex: number, value: unknown): [string, unknown] => [
  'contentBlockDelta',
  { contentBlockIndex, delta: value },
];
const STOP: [string, unknown] = ['messageStop', { stopReason: 'end_turn' }];
const METADATA: [string, unknown] = ['metadata', { usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } }];

describe('a stream of the provider', () => {
  it.each(CASES)('gives the same events for %s wherever its bytes are split', (name) => {
    const bytes = streamFixture(name);
    const whole = eventsOf([bytes]);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(eventsOf([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    }
    expect(eventsOf(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it.each(CASES)('folds to the answer that %s gives unstreamed', (name) => {
    const streamed = foldEvents(eventsOf([streamFixture(name)]));
    const whole = foldEvents(bedrockConverse.decodeResponse(responseFixture(name), {}));

    expect(streamed).toEqual(whole);
    expect(streamed.error).toBeUndefined();
  });

  it.each(CASES)('is an error for %s cut short anywhere before its stop reason', (name) => {
    const bytes = streamFixture(name);
    const stop = Buffer.from(bytes).indexOf('stopReason');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: stop }), (length) => {
        const events = eventsOf([bytes.subarray(0, length)]);
        expect(events.filter(({ type }) => type === 'error')).toHaveLength(1);
        expect(events.at(-1)).toMatchObject({ type: 'error', error: { kind: 'upstream' } });
        expect(events.some(({ type }) => type === 'finish')).toBe(false);
      }),
    );
  });

  it('tells thinking, text and parallel tool calls of one choice in their own blocks', () => {
    const answer = foldEvents(eventsOf([streamFixture('thinking-and-tools')]));

    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]).toMatchObject({
      index: 0,
      finish: 'tool-calls',
      raw: 'tool_use',
      parts: [
        { type: 'reasoning', text: 'Two cities, two calls – ✓.', signature: 'c2lnbmVkLWJ5LXVz', origin: 'anthropic-messages' },
        { type: 'text', text: 'I will look up Zürich and 東京.' },
        { type: 'tool-call', id: 'tooluse_zurich', name: 'weather', arguments: '{"city":"Zürich","days":2}' },
        { type: 'tool-call', id: 'tooluse_now', name: 'now', arguments: '{}' },
      ],
    });
  });

  it('adds cached tokens to the input and names the tier', () => {
    expect(foldEvents(eventsOf([streamFixture('thinking-and-tools')])).usage).toEqual({
      inputTokens: 1321,
      cacheReadTokens: 1000,
      cacheWriteTokens: 300,
      cacheWrite1hTokens: 100,
      outputTokens: 87,
      serviceTier: 'priority',
      source: 'provider',
    });
  });

  it('keeps redacted thinking, server tools and citations', () => {
    const [choice] = foldEvents(eventsOf([streamFixture('redacted-and-server-tools')])).choices;

    expect(choice?.parts.map(({ type }) => type)).toEqual(['reasoning', 'opaque', 'opaque', 'text']);
    expect(choice?.parts[0]).toEqual({
      type: 'reasoning',
      text: '',
      data: Buffer.from('opaque bytes of the provider').toString('base64'),
      origin: 'bedrock-converse',
    });
    expect(choice?.parts[3]).toMatchObject({
      text: 'The sky is blue.',
      citations: [
        { url: 'https://example.com/sky', title: 'The sky', citedText: 'The sky is blue.' },
        { title: 'Report', citedText: 'It rains.' },
      ],
    });
    expect(choice?.extensions).toMatchObject({
      'bedrock-converse': { additionalModelResponseFields: { delta: {} }, metrics: { latencyMs: 300 } },
    });
  });

  it('keeps the trace of a guardrail that intervened', () => {
    const [choice] = foldEvents(eventsOf([streamFixture('guardrail')])).choices;

    expect(choice).toMatchObject({
      finish: 'content-filter',
      raw: 'guardrail_intervened',
      extensions: { 'bedrock-converse': { trace: { guardrail: {} }, performanceConfig: { latency: 'standard' } } },
    });
  });

  it('joins the pieces of a picture', () => {
    const [choice] = foldEvents(eventsOf([streamFixture('image')])).choices;
    expect(choice?.parts[1]).toMatchObject({ type: 'image', source: { mediaType: 'image/png', data: 'AAECAwQFBgcICQoL' } });
  });

  it.each([
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['stop_sequence', 'stop'],
    ['content_filtered', 'content-filter'],
    ['malformed_tool_use', 'other'],
    ['a_new_word', 'other'],
  ])('takes %s for %s', (stopReason, reason) => {
    const events = eventsOfPairs([delta(0, { text: 'x' }), ['messageStop', { stopReason }], METADATA]);
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason, raw: stopReason });
  });

  it('goes on without metadata, starts, stops and known events', () => {
    const events = eventsOfPairs([
      delta(0, { text: 'a' }),
      ['contentBlockStart', {}],
      ['contentBlockDelta', {}],
      ['contentBlockStop', { contentBlockIndex: 9 }],
      ['newEvent', {}],
      delta(1, { toolUse: { input: 'lost' } }),
      delta(2, { newKind: {} }),
      STOP,
    ]);

    expect(foldEvents(events)).toMatchObject({ choices: [{ parts: [{ type: 'text', text: 'a' }], finish: 'stop' }] });
    expect(events.filter(({ type }) => type === 'finish')).toHaveLength(1);
  });

  it('tells text and reasoning apart that come in one block', () => {
    const events = eventsOfPairs([
      delta(0, { reasoningContent: { text: 'hm' } }),
      delta(0, { text: 'a' }),
      delta(0, { reasoningContent: { text: 'so' } }),
      ['contentBlockStart', { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name: 'f' } } }],
      delta(0, { toolUse: { input: { a: 1 } } }),
      STOP,
      METADATA,
    ]);

    expect(foldEvents(events).choices[0]?.parts).toEqual([
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'a' },
      { type: 'reasoning', text: 'so' },
      { type: 'tool-call', id: 't', name: 'f', arguments: '{"a":1}' },
    ]);
  });

  it('takes no events after its end', () => {
    const decoder = bedrockConverse.decodeStream({});
    for (const [event, data] of [delta(0, { text: 'a' }), STOP, METADATA]) decoder.push({ event, data: JSON.stringify(data) });

    expect(decoder.push({ event: 'exception:throttlingException', data: '{}' })).toEqual([]);
    expect(decoder.push({ event: 'messageStart', data: '{}' })).toEqual([]);
    expect(decoder.end()).toEqual([]);
  });

  it('gives the arguments of the tool that stands for a JSON answer as text', () => {
    const start = { toolUse: { toolUseId: 't', name: 'json_answer' } };
    const events = eventsOfPairs(
      [
        ['contentBlockStart', { contentBlockIndex: 0, start }],
        delta(0, { toolUse: { input: '{"a":' } }),
        delta(0, { toolUse: { input: '1}' } }),
        ['messageStop', { stopReason: 'tool_use' }],
        METADATA,
      ],
      { jsonTool: 'json_answer' },
    );

    expect(foldEvents(events).choices[0]).toMatchObject({ finish: 'stop', parts: [{ type: 'text', text: '{"a":1}' }] });
  });

  it.each([
    ['modelStreamErrorException', 'upstream', 424],
    ['throttlingException', 'rate_limit', 429],
    ['validationException', 'invalid_request', 400],
    ['serviceUnavailableException', 'overloaded', 503],
    ['internalServerException', 'upstream', 500],
    ['somethingNew', 'upstream', 502],
  ])('ends with an error for %s', (type, kind, status) => {
    const events = eventsOfPairs([
      delta(0, { text: 'Hel' }),
      [`exception:${type}`, { message: 'It broke.', originalStatusCode: 503 }],
      delta(0, { text: 'lo' }),
    ]);

    expect(events.at(-1)).toMatchObject({
      type: 'error',
      error: { kind, status, message: 'It broke.', detail: { fromUpstream: true, facts: { original_status: 503 } } },
    });
  });

  it('ends with an error for an error that is not modelled, and for a payload that is no JSON', () => {
    const decoder = bedrockConverse.decodeStream({});
    expect(decoder.push({ event: 'error:InternalFailure', data: '' })).toMatchObject([
      { type: 'error', error: { kind: 'upstream', detail: { code: 'InternalFailure' } } },
    ]);
    expect(bedrockConverse.decodeStream({}).push({ event: 'metadata', data: '<html>' })).toMatchObject([
      { type: 'error', error: { kind: 'upstream' } },
    ]);
  });
});
