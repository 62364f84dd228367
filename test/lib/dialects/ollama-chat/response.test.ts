import { describe, expect, it } from 'vitest';
import { ollamaChat } from '../../../../lib/dialects/ollama-chat/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import { contextOf } from '../anthropic-messages/support.ts';
import { jsonOf } from './support.ts';

describe('decoding an answer', () => {
  it.each([
    ['text', 'Service unavailable', 'not an object'],
    ['an error with status 200', { error: 'no such model' }, 'no such model'],
    ['no message', { done: true, detail: 'odd' }, 'odd'],
  ])('throws for %s', (_, body, words) => {
    expect(() => ollamaChat.decodeResponse(body, {})).toThrow(words);
  });
});

describe('encoding an answer', () => {
  it('writes what was read', () => {
    const body = jsonOf('thinking-and-calls.response.json');
    const answer = foldEvents(ollamaChat.decodeResponse(body, {}));

    expect(ollamaChat.encodeResponse(answer, contextOf().context)).toEqual({
      ...body,
      created_at: '2026-03-01T10:00:00.000Z',
      message: {
        ...(body.message as object),
        tool_calls: [
          { id: 'call_a', function: { index: 0, name: 'weather', arguments: { city: 'Zürich' } } },
          { id: 'call_20260301100000000001_1', function: { index: 1, name: 'now', arguments: {} } },
        ],
      },
    });
  });

  it('says what it cannot say', () => {
    const { context, warnings } = contextOf({ costOf: () => 0.5 });
    const choice = {
      index: 0,
      parts: [
        { type: 'reasoning', text: 'Hm.', signature: 's', origin: 'anthropic-messages' },
        { type: 'text', text: 'Hi', citations: [{ origin: 'gemini', raw: {} }] },
        { type: 'refusal', text: ' no.' },
        { type: 'opaque', origin: 'gemini', value: { type: 'code' } },
        { type: 'audio', source: { type: 'url', url: 'u' } },
        { type: 'tool-call', id: '', name: 'f', arguments: 'null' },
        { type: 'tool-call', id: 'b', name: 'g', arguments: 'free', custom: true },
      ],
      finish: 'refusal',
      logprobs: { content: [{ token: 'Hi', logprob: -1 }] },
    } as const;
    const usage = { inputTokens: 1, outputTokens: 2, source: 'provider' } as const;

    expect(ollamaChat.encodeResponse({ choices: [choice, choice], usage }, context)).toEqual({
      model: 'client-model',
      created_at: '2023-11-14T22:13:20.000Z',
      message: {
        role: 'assistant',
        content: 'Hi no.',
        thinking: 'Hm.',
        tool_calls: [
          { id: 'call_CALL_0', function: { index: 0, name: 'f', arguments: {} } },
          { id: 'b', function: { index: 1, name: 'g', arguments: { input: 'free' } } },
        ],
      },
      logprobs: [{ token: 'Hi', logprob: -1 }],
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 1,
      eval_count: 2,
      cost: 0.5,
    });
    expect(warnings.map(({ field }) => field)).toEqual([
      'n',
      'done_reason',
      'thinking',
      'citations',
      'content',
      'content',
      'tool_calls',
    ]);
  });

  it('refuses an answer without a choice', () => {
    expect(() => ollamaChat.encodeResponse({ choices: [] }, contextOf().context)).toThrow('no answer');
  });
});

describe('errors', () => {
  it('are a text, with the facts of a refused budget', () => {
    const error = new GatewayError('budget_exceeded', 'Too much.', { facts: { scope: 'key' } });

    expect(ollamaChat.encodeError(error, 'CALL')).toEqual({ error: 'Too much.', scope: 'key' });
  });

  it.each([
    [404, '{"error":"model \'nope\' not found"}', 'not_found', "model 'nope' not found"],
    [503, '{"error":"server busy"}', 'overloaded', 'server busy'],
    [400, 'plain text', 'invalid_request', 'plain text'],
  ])('of a provider with status %i keep kind and message', (status, text, kind, message) => {
    const error = ollamaChat.decodeError({ status, headers: {}, body: Buffer.from(text) });

    expect(error).toMatchObject({ kind, status, message });
  });
});

describe('passthrough', () => {
  const { passthrough } = ollamaChat;

  it('asks for nothing, hides nothing, takes nothing out', () => {
    const body = { model: 'm' };

    expect(passthrough.askUsage(body)).toBe(body);
    expect(passthrough.withoutForeignProofs(body, {})).toBe(body);
    expect(passthrough.hidesUsage(body)).toBe(false);
    expect(passthrough.isUsageFrame({ data: '{}' })).toBe(false);
  });

  it('adds the cost to the last line, and only there', () => {
    const last = { done: true, prompt_eval_count: 2, eval_count: 3 };

    const data = passthrough.withCost(
      JSON.stringify(last),
      ({ inputTokens = 0, outputTokens = 0 }) => inputTokens + outputTokens,
    );
    expect(JSON.parse(data ?? '')).toEqual({ ...last, cost: 5 });
    expect(passthrough.withCost(JSON.stringify(last), () => undefined)).toBeUndefined();
    expect(passthrough.withCost('{"done":false}', () => 1)).toBeUndefined();
    expect(passthrough.withCost('{"done":false,"eval_count":3}', () => 1)).toBeUndefined();
    expect(passthrough.withCost('eval_count" but no JSON', () => 1)).toBeUndefined();
  });

  it.each([
    [{}, 50],
    [{ options: { num_predict: 10 } }, 10],
    [{ options: { num_predict: 100 } }, 50],
    [{ options: { num_predict: -1 } }, 50],
  ])('clamps the output of %j', (body, expected) => {
    expect(passthrough.clampOutput({ ...body, model: 'm' }, 50)).toEqual({ model: 'm', options: { num_predict: expected } });
  });

  it('keeps other options when it clamps', () => {
    expect(passthrough.clampOutput({ options: { num_ctx: 5 } }, 50)).toEqual({ options: { num_ctx: 5, num_predict: 50 } });
  });
});
