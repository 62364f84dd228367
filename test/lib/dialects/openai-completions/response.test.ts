import { describe, expect, it } from 'vitest';
import { openaiCompletions } from '../../../../lib/dialects/openai-completions/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateResponse } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { contextOf, jsonOf } from './fixture.ts';

const decode = (body: JsonObject): GenerateResponse => foldEvents(openaiCompletions.decodeResponse(body, {}));

describe('an answer of a provider', () => {
  it('comes back the same from its own dialect', () => {
    const body = jsonOf('logprobs.response.json');

    expect(openaiCompletions.encodeResponse(decode(body), contextOf())).toEqual(body);
  });

  it('has log probabilities in the form of chat', () => {
    const [first] = decode(jsonOf('logprobs.response.json')).choices;

    expect(first?.logprobs).toEqual({
      content: [
        {
          token: ' was',
          logprob: -0.5,
          bytes: [32, 119, 97, 115],
          top_logprobs: [
            { token: ' was', logprob: -0.5, bytes: [32, 119, 97, 115] },
            { token: ' is', logprob: -1.5, bytes: [32, 105, 115] },
          ],
        },
        {
          token: ' calm',
          logprob: -1.25,
          bytes: [32, 99, 97, 108, 109],
          top_logprobs: [{ token: ' calm', logprob: -1.25, bytes: [32, 99, 97, 108, 109] }],
        },
      ],
    });
  });

  it('may stand in the shape of chat, with log probabilities of chat', () => {
    const logprobs = { content: [{ token: 'b', logprob: -1, bytes: [98], top_logprobs: [] }] };
    const answer = decode({
      id: 'f1',
      choices: [{ message: { role: 'assistant', content: 'b', tool_calls: null }, finish_reason: 'stop', logprobs }],
    });

    expect(answer).toEqual({
      id: 'f1',
      choices: [{ index: 0, parts: [{ type: 'text', text: 'b' }], finish: 'stop', raw: 'stop', logprobs }],
    });
  });

  it.each([
    ['eos', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content-filter'],
    [null, 'other'],
    ['new_word', 'other'],
  ])('that ends with %j ends with %s', (word, finish) => {
    expect(decode({ choices: [{ text: 'x', index: 0, finish_reason: word }] }).choices[0]?.finish).toBe(finish);
  });

  it('may have figures that are no figures', () => {
    const odd = { tokens: ['a', 5, 'b'], token_logprobs: [null, -1, -2], top_logprobs: null };
    const [choice] = decode({ choices: [{ text: 'ab', logprobs: odd, finish_reason: 'stop' }] }).choices;

    expect(choice?.logprobs).toEqual({ content: [{ token: 'b', logprob: -2, bytes: [98], top_logprobs: [] }] });
    expect(decode({ choices: [{ text: 'a', logprobs: { content: [] } }] }).choices[0]?.logprobs).toBeUndefined();
  });

  it.each<[unknown, string, string]>([
    [[], 'upstream', 'not an object'],
    [{}, 'upstream', 'without any choices'],
    [{ choices: [] }, 'upstream', 'without any choices'],
    [{ error: { message: 'No such model', type: 'invalid_request_error' } }, 'invalid_request', 'No such model'],
  ])('that is none is an error: %j', (body, kind, message) => {
    const failing = () => openaiCompletions.decodeResponse(body, {});
    expect(failing).toThrow(message);
    expect(failing).toThrow(expect.objectContaining({ kind }));
  });
});

describe('an answer for a client', () => {
  it('has the words of the model and tells what else is lost, once a kind', () => {
    const context = contextOf();
    const body = openaiCompletions.encodeResponse(
      {
        choices: [
          {
            index: 0,
            parts: [
              { type: 'reasoning', text: 'Hm.' },
              { type: 'text', text: 'Sun' },
              { type: 'reasoning', text: 'Hm.' },
              { type: 'text', text: 'ny' },
              { type: 'tool-call', id: 'c', name: 'f', arguments: '{}' },
            ],
            finish: 'tool-calls',
            stopSequence: 'END',
          },
          { index: 1, parts: [{ type: 'refusal', text: 'No.' }], finish: 'refusal' },
          { index: 2, parts: [], finish: 'refusal' },
        ],
      },
      context,
    );

    expect(body).toEqual({
      id: 'cmpl-ours',
      object: 'text_completion',
      created: 1000,
      model: 'asked',
      choices: [
        { text: 'Sunny', index: 0, logprobs: null, finish_reason: 'stop', stop_reason: 'END' },
        { text: 'No.', index: 1, logprobs: null, finish_reason: 'stop' },
        { text: '', index: 2, logprobs: null, finish_reason: 'content_filter' },
      ],
    });
    expect(context.warnings.map(({ field }) => field)).toEqual(['choices[0].reasoning', 'choices[0].tool_calls']);
  });
});
