import { describe, expect, it } from 'vitest';
import { openaiCompletions } from '../../../../lib/dialects/openai-completions/index.ts';
import type { GenerateRequest, Message, Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { jsonOf } from './fixture.ts';

const TARGET = { model: 'upstream-model', structuredOutput: 'native' as const };

const decode = (body: JsonObject): GenerateRequest => openaiCompletions.decodeRequest({ model: 'm', prompt: 'Hi', ...body });

/** What other dialects are given, and what is lost on the way. */
function forOthers(body: JsonObject): { request: GenerateRequest | undefined; lost: string[] } {
  const warnings: Warning[] = [];
  const request = openaiCompletions.forOthers?.(decode(body), (warning) => void warnings.push(warning));
  return { request, lost: warnings.map(({ field }) => field) };
}

describe('a request of a client', () => {
  it('is one message of the user, with settings like those of chat', () => {
    expect(openaiCompletions.decodeRequest(jsonOf('everything.request.json'))).toEqual({
      model: 'gpt-3.5-turbo-instruct',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'The harbour at dawn' }] }],
      sampling: {
        temperature: 0.4,
        topP: 0.9,
        seed: 7,
        presencePenalty: 0.1,
        frequencyPenalty: -0.2,
        choices: 2,
        stop: ['\n\n', 'END'],
        logitBias: { '50256': -100 },
        logprobs: true,
        topLogprobs: 2,
      },
      maxOutputTokens: 64,
      stream: true,
      includeUsage: true,
      user: 'reader-1',
      extensions: {
        'openai-completions': {
          suffix: ' and then the bell rang.',
          best_of: 3,
          echo: true,
          stream_options: { include_obfuscation: false },
          min_tokens: 3,
        },
      },
    });
  });

  it('comes back the same from its own dialect', () => {
    const body = jsonOf('everything.request.json');
    const { body: sent, warnings } = openaiCompletions.encodeRequest(openaiCompletions.decodeRequest(body), {
      ...TARGET,
      model: 'gpt-3.5-turbo-instruct',
    });

    expect(sent).toEqual(body);
    expect(warnings).toEqual([]);
  });

  it('may hold its one prompt in a list, and settings that are null', () => {
    const asked = decode({ prompt: ['Hi'], suffix: null, best_of: null, echo: false, logprobs: null, max_tokens: null });

    expect(asked).toEqual(decode({}));
  });

  it('keeps no alternatives where it asks for none', () => {
    expect(decode({ logprobs: 0 }).sampling).toEqual({ logprobs: true });
  });

  it.each<[string, unknown, number]>([
    ['several texts', ['a', 'b', 'c'], 3],
    ['token ids', [1, 2, 3], 1],
    ['several lists of token ids', [[1, 2], [3]], 2],
  ])('keeps %s as they are, and counts the answers', (_, prompt, prompts) => {
    const plain = decode({ prompt, n: 2 });
    const chosen = decode({ prompt, n: 2, best_of: 5 });

    expect(plain.messages).toEqual([{ role: 'user', parts: [] }]);
    expect(plain.extensions['openai-completions']).toEqual({ prompt });
    expect(plain.sampling.choices).toBe(2 * prompts);
    expect(chosen.sampling.choices).toBe(prompts === 1 ? 2 : 5 * prompts);
  });

  it.each<[JsonObject, string]>([
    [{ prompt: undefined }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: ['a', 1] }, 'prompt'],
    [{ prompt: [[1], 'a'] }, 'prompt'],
    [{ prompt: [[]] }, 'prompt'],
    [{ prompt: { text: 'a' } }, 'prompt'],
    [{ model: '' }, 'model'],
    [{ max_tokens: -1 }, 'max_tokens'],
    [{ n: 0 }, 'n'],
    [{ n: 3, best_of: 2 }, 'best_of'],
    [{ logprobs: true }, 'logprobs'],
    [{ echo: 'yes' }, 'echo'],
    [{ suffix: 1 }, 'suffix'],
    [{ stop: 1 }, 'stop'],
    [{ stream_options: {} }, 'stream_options'],
    [{ logit_bias: { a: 'b' } }, 'logit_bias.a'],
  ])('is refused with the name of the field: %j', (body, param) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param } }));
  });
});

describe('a request for a model that chats', () => {
  it('has the default of 16 tokens spelled out, and tells what is lost', () => {
    expect(forOthers({})).toEqual({ request: { ...decode({}), maxOutputTokens: 16 }, lost: [] });
    expect(forOthers({ max_tokens: 5, suffix: 'x', echo: true, best_of: 2, min_p: 0.1 })).toEqual({
      request: decode({ max_tokens: 5 }),
      lost: ['min_p', 'suffix', 'best_of', 'echo'],
    });
  });

  it.each<[JsonObject, string]>([
    [{ prompt: ['a', 'b'] }, 'prompt'],
    [{ prompt: [1, 2] }, 'prompt'],
    [{ max_tokens: 0 }, 'max_tokens'],
  ])('is refused where only completions make sense of it: %j', (body, param) => {
    expect(() => forOthers(body)).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param } }));
  });
});

describe('a request for a provider', () => {
  const encode = (request: Partial<GenerateRequest>, target = {}) =>
    openaiCompletions.encodeRequest({ ...decode({}), ...request }, { ...TARGET, ...target });
  const said = (role: Message['role'], text: string): Message => ({ role, parts: [{ type: 'text', text }] });

  it('asks for a whole answer where the client set no limit, within that of the model', () => {
    expect(encode({}).body).toEqual({ model: 'upstream-model', prompt: 'Hi', max_tokens: 1024 });
    expect(encode({}, { maxOutputTokens: 500 }).body).toMatchObject({ max_tokens: 500 });
  });

  it('writes a conversation as a transcript that ends where the assistant speaks', () => {
    const messages = [said('system', 'Be kind.'), said('user', 'Hi'), said('assistant', 'Hello'), said('user', 'Bye')];
    const { body, warnings } = encode({ messages, sampling: { stop: ['END'] } });

    expect(body).toMatchObject({
      prompt: 'Be kind.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye\n\nAssistant:',
      stop: ['END', '\n\nUser:'],
    });
    expect(warnings).toMatchObject([{ kind: 'changed', field: 'messages' }]);
    expect(encode({ messages: messages.slice(0, 3) }).body).toMatchObject({
      prompt: 'Be kind.\n\nUser: Hi\n\nAssistant: Hello',
    });
    expect(encode({ messages, sampling: { stop: ['1', '2', '3', '4'] } }).body).toMatchObject({ stop: ['1', '2', '3', '4'] });
  });

  it('tells calls and results as text, and that media are lost', () => {
    const { body, warnings } = encode({
      messages: [
        { role: 'user', parts: [{ type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } }] },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: 'Hm.' },
            { type: 'tool-call', id: 'c', name: 'look', arguments: '{"at":1}' },
          ],
        },
        { role: 'tool', parts: [{ type: 'tool-result', callId: 'c', parts: [{ type: 'text', text: 'a ship' }] }] },
      ],
    });

    expect(body['prompt']).toBe('User: \n\nAssistant: look({"at":1})\n\nTool: a ship\n\nAssistant:');
    expect(warnings.map(({ kind, field }) => `${kind} ${field}`)).toEqual(['dropped messages[0].content', 'changed messages']);
  });

  it('tells what the API has no word for', () => {
    const { warnings, body } = encode({
      tools: [{ type: 'function', name: 'f' }],
      toolChoice: { type: 'required' },
      output: { type: 'json' },
      reasoning: { effort: 'high' },
      sampling: { topK: 4, logprobs: true },
      serviceTier: 'flex',
      metadata: { a: 'b' },
      extensions: { 'openai-chat': { modalities: ['audio'] } },
    });

    expect(warnings.map(({ field }) => field)).toEqual([
      'modalities',
      'tools',
      'tool_choice',
      'response_format',
      'reasoning_effort',
      'top_k',
      'service_tier',
      'metadata',
    ]);
    expect(body).toEqual({ model: 'upstream-model', prompt: 'Hi', max_tokens: 1024, logprobs: 0 });
  });

  it('always asks a stream for its usage', () => {
    expect(encode({ stream: true }).body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });
});
