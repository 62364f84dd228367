import { describe, expect, it } from 'vitest';
import { cohereChat } from '../../../../lib/dialects/cohere-chat/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { Choice, GenerateResponse } from '../../../../lib/kinds/generate.ts';
import { contextOf } from '../anthropic-messages/support.ts';
import { jsonOf } from './support.ts';

const answerOf = (choice: Partial<Choice>, more: Partial<GenerateResponse> = {}): GenerateResponse => ({
  choices: [{ index: 0, parts: [], finish: 'stop', ...choice }],
  ...more,
});

describe('decoding an answer', () => {
  it.each([
    ['text', 'Service unavailable', 'not an object'],
    ['an error with status 200', { id: 'x', message: 'no such model' }, 'no such model'],
    ['a failed answer', { message: { role: 'assistant' }, finish_reason: 'ERROR', error: 'broken' }, 'broken'],
  ])('throws for %s', (_, body, words) => {
    expect(() => cohereChat.decodeResponse(body, {})).toThrow(words);
  });

  it('reads content that is a string, keeps what is unknown, and reads log probabilities', () => {
    const body = {
      id: 'c',
      generation: 4,
      message: { role: 'assistant', content: 'Hi' },
      finish_reason: 'STOP_SEQUENCE',
      logprobs: [{ text: 'Hi', token_ids: [1, 2], logprobs: [-0.5, -0.25] }],
    };

    expect(foldEvents(cohereChat.decodeResponse(body, {}))).toEqual({
      id: 'c',
      extensions: { 'cohere-chat': { generation: 4 } },
      choices: [
        {
          index: 0,
          parts: [{ type: 'text', text: 'Hi' }],
          finish: 'stop',
          raw: 'STOP_SEQUENCE',
          logprobs: { content: [{ token: 'Hi', logprob: -0.75, bytes: null, top_logprobs: [] }], refusal: null },
        },
      ],
    });
  });

  it.each([
    ['ERROR_TOXIC', 'content-filter'],
    ['ERROR_LIMIT', 'length'],
    ['USER_CANCEL', 'other'],
    ['TOOL_CALL', 'stop'],
  ])('understands the end %s as %s', (word, reason) => {
    const events = cohereChat.decodeResponse({ message: { content: [] }, finish_reason: word }, {});

    expect(events.at(-1)).toMatchObject({ type: 'finish', reason });
  });
});

describe('encoding an answer', () => {
  it('writes what was read', () => {
    const body = jsonOf('thinking-and-citations.response.json');

    const answer = foldEvents(cohereChat.decodeResponse(body, {}));
    expect(cohereChat.encodeResponse(answer, contextOf().context)).toEqual(body);
  });

  it('writes a plan as thinking, and no arguments as an empty object', () => {
    const answer = foldEvents(cohereChat.decodeResponse(jsonOf('plan-and-calls.response.json'), {}));

    expect(cohereChat.encodeResponse(answer, contextOf().context)).toMatchObject({
      finish_reason: 'TOOL_CALL',
      message: {
        role: 'assistant',
        content: [{ type: 'thinking', thinking: 'I will ask for the weather and the time.' }],
        tool_calls: [
          { id: 'weather_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Zürich"}' } },
          { id: 'now_2', type: 'function', function: { name: 'now', arguments: '{}' } },
        ],
      },
    });
  });

  it('writes citations of other dialects as documents', () => {
    const citation = {
      url: 'https://a.example',
      title: 'A',
      citedText: 'quote',
      start: 0,
      end: 2,
      origin: 'openai-chat' as const,
      raw: {},
    };
    const bare = { origin: 'anthropic-messages' as const, raw: {} };
    const answer = answerOf({ parts: [{ type: 'text', text: 'Hi you', citations: [citation, bare] }] });

    expect(cohereChat.encodeResponse(answer, contextOf().context)).toMatchObject({
      message: {
        citations: [
          {
            start: 0,
            end: 2,
            text: 'Hi',
            sources: [
              {
                type: 'document',
                id: 'https://a.example',
                document: { title: 'A', url: 'https://a.example', snippet: 'quote' },
              },
            ],
            content_index: 0,
            type: 'TEXT_CONTENT',
          },
          { start: 0, end: 6, text: 'Hi you', sources: [{ type: 'document', id: 'source', document: {} }] },
        ],
      },
    });
  });

  it('says what it cannot say', () => {
    const { context, warnings } = contextOf();
    const answer = answerOf({
      parts: [
        { type: 'reasoning', text: '', data: 'sealed', origin: 'anthropic-messages' },
        { type: 'image', source: { type: 'url', url: 'u' } },
        { type: 'opaque', origin: 'gemini', value: { type: 'code' } },
        { type: 'refusal', text: 'No.' },
        { type: 'tool-call', id: '', name: 'f', arguments: '' },
      ],
      finish: 'refusal',
      logprobs: { content: [{ token: 'No', logprob: -1 }] },
    });

    const { message, logprobs } = cohereChat.encodeResponse({ choices: [...answer.choices, ...answer.choices] }, context);

    expect(message).toEqual({
      role: 'assistant',
      content: [{ type: 'text', text: 'No.' }],
      tool_calls: [{ id: 'call_CALL_0', type: 'function', function: { name: 'f', arguments: '{}' } }],
    });
    expect(logprobs).toEqual([{ text: 'No', token_ids: [], logprobs: [-1] }]);
    expect(warnings.map(({ field }) => field)).toEqual(['n', 'thinking', 'content', 'content']);
  });

  it.each([
    [{ finish: 'length' }, 'MAX_TOKENS'],
    [{ finish: 'content-filter' }, 'ERROR_TOXIC'],
    [{ finish: 'refusal' }, 'ERROR_TOXIC'],
    [{ finish: 'error' }, 'ERROR'],
    [{ finish: 'tool-calls' }, 'TOOL_CALL'],
    [{ finish: 'pause' }, 'COMPLETE'],
    [{ finish: 'stop', stopSequence: 'END' }, 'STOP_SEQUENCE'],
  ] as const)('tells the end %j as %s', (choice, word) => {
    expect(cohereChat.encodeResponse(answerOf(choice), contextOf().context)).toMatchObject({ finish_reason: word });
  });

  it('refuses an answer without a choice', () => {
    expect(() => cohereChat.encodeResponse({ choices: [] }, contextOf().context)).toThrow('no answer');
  });
});

describe('errors', () => {
  it('are a message, with the facts of a refused budget', () => {
    const error = new GatewayError('budget_exceeded', 'Too much.', { facts: { scope: 'key' } });

    expect(cohereChat.encodeError(error, 'CALL')).toEqual({ id: 'CALL', message: 'Too much.', scope: 'key' });
  });

  it.each([
    [429, '{"message":"You are using a Trial key"}', 'rate_limit', 'You are using a Trial key'],
    [404, '{"id":"x","message":"model \'old\' was removed"}', 'not_found', "model 'old' was removed"],
    [401, '{"message":"invalid api token"}', 'authentication', 'invalid api token'],
    [403, '<html><title>403 Forbidden</title></html>', 'permission', '403 Forbidden'],
    [500, '', 'upstream', 'The provider failed with status 500 and said nothing about it.'],
  ])('of a provider with status %i keep kind and message', (status, text, kind, message) => {
    const error = cohereChat.decodeError({ status, headers: { 'retry-after': '7' }, body: Buffer.from(text) });

    expect(error).toMatchObject({ kind, status, message, detail: { retryAfter: '7' } });
  });
});

describe('passthrough', () => {
  const { passthrough } = cohereChat;

  it('asks for nothing, hides nothing, takes nothing out', () => {
    const body = { model: 'm', stream: true };

    expect(passthrough.askUsage(body)).toBe(body);
    expect(passthrough.withoutForeignProofs(body, {})).toBe(body);
    expect(passthrough.hidesUsage(body)).toBe(false);
    expect(passthrough.isUsageFrame({ data: '{}' })).toBe(false);
  });

  it('adds the cost to the usage at the end, and only there', () => {
    const end = {
      type: 'message-end',
      delta: { finish_reason: 'COMPLETE', usage: { tokens: { input_tokens: 2, output_tokens: 3 } } },
    };

    const data = passthrough.withCost(
      JSON.stringify(end),
      ({ inputTokens = 0, outputTokens = 0 }) => inputTokens + outputTokens,
    );
    expect(JSON.parse(data ?? '')).toEqual({ ...end, delta: { ...end.delta, usage: { ...end.delta.usage, cost: 5 } } });
    expect(passthrough.withCost(JSON.stringify(end), () => undefined)).toBeUndefined();
    expect(passthrough.withCost('{"type":"content-delta"}', () => 1)).toBeUndefined();
    expect(passthrough.withCost('{"type":"message-end","delta":{}}', () => 1)).toBeUndefined();
    expect(passthrough.withCost('"message-end" but no JSON', () => 1)).toBeUndefined();
  });

  it.each([
    [{}, { max_tokens: 50 }],
    [{ max_tokens: 10 }, { max_tokens: 10 }],
    [{ max_tokens: 100 }, { max_tokens: 50 }],
  ])('clamps the output of %j', (body, expected) => {
    expect(passthrough.clampOutput(body, 50)).toEqual(expected);
  });
});
