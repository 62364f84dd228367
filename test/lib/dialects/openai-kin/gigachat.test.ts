import { describe, expect, it } from 'vitest';
import { requestOf } from '../text-generation/support.ts';
import { encode, provesCuts, sse, streamed, TALK, whole } from './support.ts';

const usage = { prompt_tokens: 20, completion_tokens: 9, precached_prompt_tokens: 4, total_tokens: 29 };
const head = { created: 1_790_000_000, model: 'GigaChat:2.0', object: 'chat.completion' };
const text = (words: string) => ({ type: 'text', text: words }) as const;

describe('a request', () => {
  it('has functions in place of tools, and results in JSON', () => {
    const { body, warnings } = encode('gigachat', TALK, 'GigaChat-2');

    expect(body).toMatchObject({
      model: 'GigaChat-2',
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Weather?' },
        { role: 'assistant', content: 'Let me look.', function_call: { name: 'weather', arguments: { city: 'Bern' } } },
        { role: 'function', name: 'weather', content: '{"result":"sunny"}' },
      ],
      functions: [{ name: 'weather', description: 'Tells the weather.' }],
      function_call: 'auto',
      temperature: 0.5,
      max_tokens: 64,
      stream: true,
    });
    expect(warnings.map(({ field }) => field)).toEqual(['seed', 'stop']);
  });

  it('tells calls at once one after another, joins the user’s messages, and takes one system message', () => {
    const call = (id: string) => ({ type: 'tool-call', id, name: id, arguments: '{}' }) as const;
    const result = (callId: string) =>
      ({ role: 'tool', parts: [{ type: 'tool-result', callId, parts: [text('{"a":1}')] }] }) as const;
    const { body } = encode(
      'gigachat',
      requestOf({
        messages: [
          { role: 'user', parts: [text('Go')] },
          { role: 'system', parts: [text('Be brief.')] },
          { role: 'assistant', parts: [call('f'), call('g')] },
          result('f'),
          result('g'),
        ],
        tools: [{ type: 'function', name: 'f' }],
        toolChoice: { type: 'required' },
        sampling: { temperature: 0 },
      }),
    );

    expect(body).toMatchObject({
      messages: [
        { role: 'user', content: 'Go\nBe brief.' },
        { role: 'assistant', function_call: { name: 'f' } },
        { role: 'function', name: 'f', content: '{"a":1}' },
        { role: 'assistant', function_call: { name: 'g' } },
        { role: 'function', name: 'g' },
      ],
      function_call: { name: 'f' },
      top_p: 0,
    });
    expect(body).not.toHaveProperty('temperature');
  });

  it('warns of a choice it cannot force, and of pictures', () => {
    const image = { type: 'image', source: { type: 'url', url: 'https://x.example/i.png' } } as const;
    const { warnings } = encode(
      'gigachat',
      requestOf({
        messages: [{ role: 'user', parts: [image] }],
        tools: ['f', 'g'].map((name) => ({ type: 'function', name })),
        toolChoice: { type: 'required' },
      }),
    );

    expect(warnings.map(({ field }) => field).toSorted()).toEqual(['messages[0].content', 'tool_choice']);
  });
});

describe('an answer', () => {
  const call = { name: 'weather', arguments: { city: 'Bern' } };
  const STREAM = sse(
    { ...head, choices: [{ index: 0, delta: { role: 'assistant', content: 'Grü' } }] },
    { ...head, choices: [{ index: 0, delta: { content: 'ezi' } }] },
    {
      ...head,
      choices: [
        { index: 0, delta: { content: '', function_call: call, functions_state_id: 's' }, finish_reason: 'function_call' },
      ],
      usage,
    },
    '[DONE]',
  );

  it('is read whole as its stream is', () => {
    const message = { role: 'assistant', content: 'Grüezi', function_call: call, functions_state_id: 's' };
    const answer = whole('gigachat', { ...head, choices: [{ index: 0, message, finish_reason: 'function_call' }], usage });

    expect(answer).toMatchObject({
      choices: [
        {
          parts: [
            { type: 'text', text: 'Grüezi' },
            { type: 'tool-call', id: 'call_1790000000_0', name: 'weather', arguments: '{"city":"Bern"}' },
          ],
          finish: 'tool-calls',
        },
      ],
      usage: { inputTokens: 20, cacheReadTokens: 4, outputTokens: 9 },
    });
    expect(streamed('gigachat', STREAM)).toEqual(answer);
  });

  it('as a stream may be cut anywhere, but not short', () => provesCuts('gigachat', STREAM));

  it('may be an error', () => {
    expect(() => whole('gigachat', { status: 400, message: 'No such model' })).toThrow('No such model');
  });
});
