import { describe, expect, it } from 'vitest';
import { requestOf } from '../text-generation/support.ts';
import { at, encode, provesCuts, sse, streamed, TALK, whole } from './support.ts';

const usage = { prompt_tokens: 20, completion_tokens: 9, total_tokens: 29 };
const head = { id: 'r1', object: 'chat.completion', created: 1_790_000_000, model: 'gpt-4o' };

describe('a request', () => {
  it('is a template and a model with parameters', () => {
    const { body, warnings } = encode('sap', TALK, 'gpt-4o');
    const { prompt, model } = at(body, 'config', 'modules', 'prompt_templating') as { prompt: object; model: object };

    expect(warnings).toEqual([]);
    expect(prompt).toMatchObject({
      template: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Weather?' },
        { role: 'assistant', content: 'Let me look.', tool_calls: [{ id: 'c1' }] },
        { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
      ],
      tools: [{ type: 'function', function: { name: 'weather' } }],
    });
    expect(model).toEqual({
      name: 'gpt-4o',
      version: 'latest',
      params: {
        tool_choice: 'auto',
        temperature: 0.5,
        top_p: 0.9,
        seed: 7,
        stop: ['END'],
        max_tokens: 64,
        stream_options: { include_usage: true },
      },
    });
    expect(at(body, 'config', 'stream')).toEqual({ enabled: true });
    expect(body).not.toHaveProperty('placeholder_values');
  });

  it('keeps what looks like a placeholder, and the newer cap for models that want it', () => {
    const asked = requestOf({
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'What is {{?name}} in a template?' }] }],
      maxOutputTokens: 5,
    });
    const { body } = encode('sap', asked, 'gpt-5-mini');

    expect(at(body, 'config', 'modules', 'prompt_templating')).toMatchObject({
      prompt: { template: [{ role: 'user', content: '{{?said_0}}' }] },
      model: { params: { max_completion_tokens: 5 } },
    });
    expect(body['placeholder_values']).toEqual({ said_0: 'What is {{?name}} in a template?' });
    expect(body['config']).not.toHaveProperty('stream');
  });
});

describe('an answer', () => {
  const STREAM = sse(
    { request_id: 'q', intermediate_results: { templating: [] } },
    {
      request_id: 'q',
      final_result: {
        ...head,
        choices: [{ index: 0, delta: { role: 'assistant', content: '', reasoning_content: [{ content: 'Hm.' }] } }],
      },
    },
    { request_id: 'q', final_result: { ...head, choices: [{ index: 0, delta: { content: 'Grü' } }] } },
    {
      request_id: 'q',
      final_result: { ...head, choices: [{ index: 0, delta: { content: 'ezi ✓' }, finish_reason: 'stop' }], usage },
    },
    '[DONE]',
  );

  it('is read whole as its stream is', () => {
    const message = { role: 'assistant', content: 'Grüezi ✓', reasoning_content: [{ content: 'Hm.', signature: 's' }] };
    const answer = whole('sap', {
      request_id: 'q',
      intermediate_results: {},
      final_result: { ...head, choices: [{ index: 0, message, finish_reason: 'stop' }], usage },
    });

    expect(answer).toMatchObject({
      id: 'r1',
      choices: [
        {
          parts: [
            { type: 'reasoning', text: 'Hm.' },
            { type: 'text', text: 'Grüezi ✓' },
          ],
          finish: 'stop',
        },
      ],
      usage: { inputTokens: 20, outputTokens: 9 },
    });
    expect(streamed('sap', STREAM)).toEqual(answer);
  });

  it('as a stream may be cut anywhere, but not short', () => provesCuts('sap', STREAM));

  it('may be an error of a module, also in the middle of a stream', () => {
    const error = { request_id: 'q', code: 400, message: 'Filtered by a module.', location: 'Filtering' };

    expect(() => whole('sap', { error })).toThrow('Filtered by a module.');
    expect(streamed('sap', STREAM.slice(0, STREAM.indexOf('[DONE]') - 200) + '\n\n' + sse({ error })).error).toBeDefined();
  });
});
