import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../lib/errors.ts';
import { openaiResponses } from '../../../../lib/dialects/openai-responses/index.ts';
import { foldEvents, unfold } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import {
  CASES,
  contextOf,
  dataOf,
  eventsOf,
  eventsOfObjects,
  responseFixture,
  responseOf,
  streamFixture,
  streamText,
} from './support.ts';

const partsOf = (name: Parameters<typeof streamFixture>[0]): readonly Part[] | undefined =>
  foldEvents(eventsOf([streamFixture(name)])).choices[0]?.parts;

describe('a stream of a provider', () => {
  it('tells reasoning with its proof, text with citations, and parallel calls apart', () => {
    const answer = foldEvents(eventsOf([streamFixture('reasoning-and-calls')]));

    expect(answer).toMatchObject({ id: 'resp_fixture', model: 'gpt-fixture', created: 1_700_000_000 });
    expect(answer.choices).toEqual([
      {
        index: 0,
        finish: 'tool-calls',
        raw: 'completed',
        parts: [
          {
            type: 'reasoning',
            text: '**Plan** – look.\n\nThen call.',
            data: 'gAAA-opaque',
            details: [{ id: 'rs_1' }],
            origin: 'openai-responses',
          },
          {
            type: 'text',
            text: 'Let me look – ✓.',
            citations: [
              {
                url: 'https://example.com/a',
                title: 'A',
                start: 0,
                end: 6,
                origin: 'openai-responses',
                raw: { type: 'url_citation', url: 'https://example.com/a', title: 'A', start_index: 0, end_index: 6 },
              },
            ],
          },
          { type: 'tool-call', id: 'call_a', name: 'weather', arguments: '{"city":"Zürich"}' },
          { type: 'tool-call', id: 'call_b', name: 'weather', arguments: '{"city":"Bern"}' },
          { type: 'tool-call', id: 'call_c', name: 'patch', arguments: '*** Begin', custom: true },
        ],
      },
    ]);
    expect(answer.usage).toEqual({
      inputTokens: 120,
      cacheReadTokens: 64,
      outputTokens: 90,
      reasoningTokens: 40,
      serviceTier: 'default',
      source: 'provider',
    });
  });

  it('keeps items of hosted tools, makes a picture of an image call, and counts searches', () => {
    const answer = foldEvents(eventsOf([streamFixture('hosted-tools')]));

    expect(answer.choices[0]?.parts.map((part) => part.type)).toEqual(['opaque', 'image', 'opaque', 'opaque', 'text']);
    expect(answer.choices[0]?.parts[1]).toEqual({
      type: 'image',
      source: { type: 'base64', mediaType: 'image/webp', data: 'UklGRg==' },
      extensions: {
        'openai-responses': {
          id: 'ig_1',
          type: 'image_generation_call',
          status: 'completed',
          output_format: 'webp',
          revised_prompt: 'A tide',
        },
      },
    });
    expect(answer.choices[0]?.parts[4]).toMatchObject({ citations: [{ title: 'Tides' }, { title: 'tides.pdf' }] });
    expect(answer.usage?.webSearchRequests).toBe(1);
    expect(answer.extensions).toEqual({ 'openai-responses': { moderation: { flagged: false } } });
  });

  it.each([
    ['cut-in-a-call', 'length', 'max_output_tokens'],
    ['refusal', 'refusal', 'completed'],
  ] as const)('says why it ended: %s', (name, finish, raw) => {
    expect(foldEvents(eventsOf([streamFixture(name)])).choices[0]).toMatchObject({ finish, raw });
  });

  it('is an error when the response failed', () => {
    const answer = foldEvents(eventsOf([streamFixture('failing')]));

    expect(answer.choices[0]?.parts).toEqual([{ type: 'text', text: 'Half an ans' }]);
    expect(answer.error).toMatchObject({ kind: 'rate_limit', message: 'Too many tokens per minute.' });
  });

  it('is read by place where a server changes ids, announces nothing and counts parts over all items', () => {
    expect(partsOf('odd-server')).toEqual([
      {
        type: 'reasoning',
        text: 'Count.',
        details: [{ id: 'a5', place: 'content' }],
        origin: 'openai-responses',
      },
      { type: 'text', text: '1, 2, 3' },
      { type: 'tool-call', id: 'same', name: 'f', arguments: '{"n":1}' },
      { type: 'tool-call', id: 'same_1', name: 'f', arguments: '{"n":2}' },
    ]);
    expect(foldEvents(eventsOf([streamFixture('odd-server')])).usage).toMatchObject({ reportedCostUsd: 0.002 });
  });

  it.each<[string, JsonObject]>([
    ['flat', { type: 'error', code: 'server_is_overloaded', message: 'Busy.', param: null, sequence_number: 1 }],
    ['nested', { type: 'error', error: { type: 'overloaded_error', code: 'overloaded', message: 'Busy.' } }],
    ['without a type', { error: { code: 'overloaded', message: 'Busy.' } }],
  ])('ends with an error event: %s', (_, event) => {
    expect(eventsOfObjects([event])).toEqual([
      expect.objectContaining({ type: 'error', error: expect.objectContaining({ kind: 'overloaded', message: 'Busy.' }) }),
    ]);
  });

  it.each([
    ['stops before its end', 'data: {"type":"response.created","response":{"id":"resp_1"}}\n\n'],
    ['holds garbage', 'data: nonsense\n\n'],
    ['is empty', ''],
  ])('is an error when it %s', (_, text) => {
    const last = eventsOf([Buffer.from(text)]).at(-1);
    expect(last).toMatchObject({ type: 'error', error: { kind: 'upstream' } });
  });

  it('closes what is open before the error', () => {
    const events = eventsOfObjects([
      { type: 'response.output_item.added', output_index: 0, item: { type: 'reasoning' } },
      { type: 'response.reasoning_summary_text.delta', output_index: 0, summary_index: 0, delta: 'Hm' },
      { type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', call_id: 'c', name: 'f' } },
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{' },
    ]);
    expect(events.map(({ type }) => type)).toEqual([
      'start',
      'reasoning-start',
      'reasoning-delta',
      'tool-call-start',
      'tool-call-delta',
      'reasoning-end',
      'tool-call-end',
      'error',
    ]);
  });

  it('fills in what its events left out, and tells nothing twice', () => {
    const item = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}', namespace: 'ns' };
    const events = eventsOfObjects([
      { type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '' } },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a"' },
      { type: 'response.function_call_arguments.done', output_index: 0, arguments: '{"a":1}' },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: 'late' },
      { type: 'response.completed', response: { status: 'completed', output: [item] } },
    ]);
    expect(foldEvents(events).choices[0]?.parts).toEqual([
      {
        type: 'tool-call',
        id: 'c',
        name: 'f',
        arguments: '{"a":1}',
        extensions: { 'openai-responses': { namespace: 'ns' } },
      },
    ]);
  });

  it('takes the items from its end when none was streamed', () => {
    const output = [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }];
    const events = eventsOfObjects([{ type: 'response.completed', response: { status: 'completed', output } }]);
    expect(foldEvents(events).choices[0]).toMatchObject({ finish: 'stop', parts: [{ type: 'text', text: 'Hi' }] });
  });

  it('completes an item that never ended from the response', () => {
    const events = eventsOfObjects([
      { type: 'response.output_item.added', output_index: 0, item: { type: 'message', content: [] } },
      { type: 'response.refusal.delta', output_index: 0, content_index: 0, delta: 'No' },
      {
        type: 'response.completed',
        response: { status: 'completed', output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'No way' }] }] },
      },
    ]);
    expect(foldEvents(events).choices[0]?.parts).toEqual([{ type: 'refusal', text: 'No way' }]);
  });

  it('gives the arguments of a forced tool as the text of the answer', () => {
    const item = { type: 'function_call', call_id: 'c', name: 'answer', arguments: '{"a":1}' };
    const events = eventsOfObjects(
      [
        { type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '' } },
        { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a":1}' },
        { type: 'response.output_item.done', output_index: 0, item },
        { type: 'response.completed', response: { status: 'completed', output: [item] } },
      ],
      { jsonTool: 'answer' },
    );
    expect(foldEvents(events).choices[0]).toMatchObject({ finish: 'stop', parts: [{ type: 'text', text: '{"a":1}' }] });
  });

  it('tells log probabilities once', () => {
    const logprobs = [{ token: 'Hi', logprob: -0.1, top_logprobs: [] }];
    const item = { type: 'message', content: [{ type: 'output_text', text: 'Hi', logprobs }] };
    const events = eventsOfObjects([
      { type: 'response.output_item.added', output_index: 0, item: { type: 'message' } },
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'Hi', logprobs },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { status: 'completed', output: [item] } },
    ]);
    expect(foldEvents(events).choices[0]?.logprobs).toEqual({ content: logprobs });
  });

  it.each([...CASES, 'odd-server'] as const)('gives the same events wherever its bytes are cut: %s', (name) => {
    const bytes = streamFixture(name);
    const whole = eventsOf([bytes]);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 6 }), (cuts) => {
        const places = [0, ...cuts.toSorted((left, right) => left - right), bytes.length];
        const pieces = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
        expect(eventsOf(pieces)).toEqual(whole);
      }),
      { numRuns: 60 },
    );
    for (let at = 0; at < Math.min(bytes.length, 600); at++) {
      expect(eventsOf([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
  });

  it.each(CASES)('says the same as the whole response: %s', (name) => {
    const streamed = foldEvents(eventsOf([streamFixture(name)]));
    expect(foldEvents(openaiResponses.decodeResponse(responseFixture(name), {}))).toEqual(streamed);
  });
});

describe('a stream for a client', () => {
  it.each(CASES)('keeps the protocol and says what the provider said: %s', (name) => {
    const events = eventsOf([streamFixture(name)]);
    const response = responseOf(streamText(events));
    const whole = openaiResponses.encodeResponse(foldEvents(events), contextOf().context);

    expect(response).toEqual(whole);
    const fixture = responseFixture(name);
    expect(response).toMatchObject({ id: 'resp_fixture', status: fixture['status'], usage: fixture['usage'] });
  });

  it('numbers its events and gives each item one id', () => {
    const events = dataOf(streamText(eventsOf([streamFixture('refusal')])));
    expect(events.map(({ type, output_index: item, content_index: part }) => [type, item, part])).toEqual([
      ['response.created', undefined, undefined],
      ['response.in_progress', undefined, undefined],
      ['response.output_item.added', 0, undefined],
      ['response.content_part.added', 0, 0],
      ['response.refusal.delta', 0, 0],
      ['response.refusal.delta', 0, 0],
      ['response.refusal.done', 0, 0],
      ['response.content_part.done', 0, 0],
      ['response.output_item.done', 0, undefined],
      ['response.completed', undefined, undefined],
    ]);
  });

  it('ends an item before the next one begins', () => {
    const events = dataOf(streamText(eventsOf([streamFixture('reasoning-and-calls')])));
    const places = events
      .filter(({ type }) => String(type).startsWith('response.output_item.'))
      .map(({ type, output_index: item }) => `${String(type).replace('response.output_item.', '')} ${String(item)}`);
    expect(places.slice(0, 5)).toEqual(['added 0', 'done 0', 'added 1', 'done 1', 'added 2']);
    expect(places.at(-1)).toBe('done 4');
  });

  it('keeps interleaved calls apart', () => {
    const at = (block: number) => ({ choice: 0, block });
    const response = responseOf(
      streamText([
        { type: 'start' },
        { type: 'tool-call-start', ...at(0), id: 'a', name: 'f' },
        { type: 'tool-call-start', ...at(1), id: 'a', name: 'g', custom: true },
        { type: 'tool-call-delta', ...at(0), arguments: '{"x"' },
        { type: 'tool-call-delta', ...at(1), arguments: 'free ' },
        { type: 'tool-call-delta', ...at(0), arguments: ':1}' },
        { type: 'tool-call-delta', ...at(1), arguments: 'text' },
        { type: 'tool-call-end', ...at(1) },
        { type: 'tool-call-end', ...at(0), extensions: { 'openai-responses': { namespace: 'ns' } } },
        { type: 'tool-call-start', ...at(2), id: '', name: 'h' },
        { type: 'tool-call-end', ...at(2) },
        { type: 'finish', choice: 0, reason: 'tool-calls' },
      ]),
    );
    expect(response['output']).toMatchObject([
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"x":1}', namespace: 'ns', status: 'completed' },
      { type: 'custom_tool_call', call_id: 'call_CALL_1', name: 'g', input: 'free text' },
      { type: 'function_call', call_id: 'call_CALL_2', name: 'h', arguments: '{}' },
    ]);
  });

  it('puts texts that follow each other into one message, and a late citation where it belongs', () => {
    const at = (block: number) => ({ choice: 0, block });
    const citation = (url: string) => ({ url, origin: 'anthropic-messages' as const, raw: {} });
    const events: GenerateEvent[] = [
      { type: 'text-delta', ...at(0), text: 'One.' },
      { type: 'text-end', ...at(0) },
      { type: 'text-start', ...at(1) },
      { type: 'text-delta', ...at(1), text: 'Two.' },
      { type: 'citation', ...at(1), citation: citation('https://example.com') },
      { type: 'text-end', ...at(1) },
      { type: 'refusal-delta', ...at(2), text: 'No.' },
      { type: 'text-delta', ...at(3), text: 'Yes.' },
      { type: 'text-end', ...at(3) },
      { type: 'tool-call-start', ...at(4), id: 'c', name: 'f' },
      { type: 'citation', ...at(0), citation: citation('https://late.example') },
      { type: 'tool-call-end', ...at(4) },
      { type: 'finish', choice: 0, reason: 'tool-calls' },
    ];
    const text = streamText(events);
    const last = dataOf(text).at(-1)?.['response'] as JsonObject;
    expect(last['output']).toMatchObject([
      {
        type: 'message',
        content: [
          {
            type: 'output_text',
            text: 'One.',
            annotations: [{ type: 'url_citation', url: 'https://late.example', end_index: 4 }],
          },
          { type: 'output_text', text: 'Two.', annotations: [{ url: 'https://example.com', start_index: 0, end_index: 4 }] },
          { type: 'refusal', refusal: 'No.' },
          { type: 'output_text', text: 'Yes.' },
        ],
      },
      { type: 'function_call' },
    ]);
  });

  it.each([
    ['length', 'incomplete', 'max_output_tokens'],
    ['content-filter', 'incomplete', 'content_filter'],
    ['refusal', 'incomplete', 'content_filter'],
    ['pause', 'completed', undefined],
    ['other', 'completed', undefined],
  ] as const)('ends with the right status: %s', (reason, status, why) => {
    const response = responseOf(
      streamText([
        { type: 'start' },
        { type: 'text-delta', choice: 0, block: 0, text: 'Hi' },
        { type: 'text-end', choice: 0, block: 0 },
        { type: 'finish', choice: 0, reason },
      ]),
    );
    expect(response).toMatchObject({ status, output: [{ status }] });
    expect(response['incomplete_details']).toEqual(why === undefined ? null : { reason: why });
  });

  it('fails after it began, with the words of the error', () => {
    const error = new GatewayError('upstream', 'Gone.', { code: 'context_length_exceeded' });
    const text = streamText([
      { type: 'start' },
      { type: 'text-delta', choice: 0, block: 0, text: 'Half' },
      { type: 'error', error },
      { type: 'text-delta', choice: 0, block: 0, text: 'never' },
    ]);
    expect(dataOf(text).at(-1)).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'context_length_exceeded', message: 'Gone.' } },
    });
    expect(text).not.toContain('never');
  });

  it.each([
    ['rate_limit', 'rate_limit_exceeded'],
    ['overloaded', 'server_is_overloaded'],
    ['upstream', 'server_error'],
  ] as const)('is one error event when it never began: %s', (kind, code) => {
    expect(dataOf(streamText([{ type: 'error', error: new GatewayError(kind, 'No.') }]))).toEqual([
      { type: 'error', sequence_number: 0, code, message: 'No.', param: null },
    ]);
  });

  it.each<[string, GenerateEvent[]]>([
    ['has no end', [{ type: 'start' }]],
    ['ended with an error', [{ type: 'start' }, { type: 'finish', choice: 0, reason: 'error' }]],
  ])('fails when the answer %s', (_, events) => {
    expect(dataOf(streamText(events)).at(-1)).toMatchObject({ type: 'response.failed' });
  });

  it('warns once of each thing it cannot say', () => {
    const { context, warnings } = contextOf();
    const at = (block: number) => ({ choice: 0, block });
    streamText(
      [
        {
          type: 'opaque',
          ...at(0),
          part: { type: 'opaque', origin: 'anthropic-messages', value: { type: 'server_tool_use' } },
        },
        {
          type: 'opaque',
          ...at(1),
          part: { type: 'opaque', origin: 'anthropic-messages', value: { type: 'server_tool_use' } },
        },
        { type: 'media', ...at(2), part: { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } } },
        { type: 'citation', ...at(3), citation: { origin: 'anthropic-messages', raw: {} } },
        { type: 'text-delta', choice: 1, block: 0, text: 'Another' },
        { type: 'finish', choice: 0, reason: 'stop' },
      ],
      context,
    );
    expect(warnings.map(({ field }) => field)).toEqual(['output', 'modalities', 'citations', 'n']);
  });

  it('states the cost when asked', () => {
    const events = eventsOf([streamFixture('refusal')]);
    expect(responseOf(streamText(events, contextOf({ costOf: () => 0.25 }).context))).toMatchObject({ usage: { cost: 0.25 } });
  });

  it('keeps the protocol for any answer', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const part: fc.Arbitrary<Part> = fc.oneof(
      text.map((words): Part => ({ type: 'text', text: words })),
      text.map((words): Part => ({ type: 'refusal', text: words })),
      text.map((words): Part => ({ type: 'reasoning', text: words, signature: 's', origin: 'anthropic-messages' })),
      text.map((name): Part => ({ type: 'tool-call', id: `call-${name}`, name, arguments: '{"a":1}' })),
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 6 }),
        fc.constantFrom('stop', 'length', 'tool-calls' as const),
        (parts, finish) => {
          const answer = { choices: [{ index: 0, parts, finish }] };
          const response = responseOf(streamText(unfold(answer)));
          expect(response).toEqual(openaiResponses.encodeResponse(answer, contextOf().context));
        },
      ),
      { numRuns: 200 },
    );
  });
});
