import { describe, expect, it } from 'vitest';
import {
  choicesOf,
  createUsageEstimator,
  estimateInputTokens,
  hostedToolBound,
  likelyInputTokens,
  outputCap,
  requestedModifiers,
  searchContextSize,
  unusedClasses,
  webSearchBound,
} from '../../../lib/domain/estimate.ts';
import { boundTextTokens } from '../../../lib/domain/text-tokens.ts';
import { GatewayError } from '../../../lib/errors.ts';
import type { GenerateEvent, GenerateRequest, Part, Tool } from '../../../lib/kinds/generate.ts';

const request = (changes: Partial<GenerateRequest> = {}): GenerateRequest => ({
  model: 'gpt-4o',
  messages: [],
  sampling: {},
  stream: false,
  includeUsage: false,
  extensions: {},
  ...changes,
});
const saying = (...parts: Part[]): GenerateRequest => request({ messages: [{ role: 'user', parts }] });
const base64 = (content: string | Uint8Array): string => Buffer.from(content).toString('base64');

/** What a part adds to a request. */
const added = (part: Part, target = {}): number =>
  estimateInputTokens(saying(part), target) - estimateInputTokens(saying({ type: 'text', text: '' }), target);

describe('estimateInputTokens', () => {
  const text = 'The harbour master wrote down every ship that came in before dawn.';

  it('counts text, with something for every message and part', () => {
    const one = estimateInputTokens(saying({ type: 'text', text }));

    expect(one).toBeGreaterThan(boundTextTokens(text));
    expect(estimateInputTokens(saying({ type: 'text', text }, { type: 'text', text }))).toBeGreaterThan(
      one + boundTextTokens(text),
    );
    expect(estimateInputTokens(request({ messages: [{ role: 'user', name: 'harbour-master', parts: [] }] }))).toBeGreaterThan(
      estimateInputTokens(request({ messages: [{ role: 'user', parts: [] }] })),
    );
  });

  it('counts an image by what providers bill, not by its bytes', () => {
    const image = (data: string): Part => ({ type: 'image', source: { type: 'base64', mediaType: 'image/png', data } });

    expect(added(image('A'.repeat(4)))).toBe(added(image('A'.repeat(4_000_000))));
    expect(added(image('A'))).toBeGreaterThanOrEqual(4_784);
    expect(added(image('A'), { model: 'gpt-4o-mini-2024-07-18' })).toBeGreaterThanOrEqual(48_169);
    expect(added({ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } })).toBe(added(image('A')));
  });

  it('counts the pages of a document where it can see them, else by its size', () => {
    const pdf = (content: string): Part => ({
      type: 'document',
      source: { type: 'base64', mediaType: 'application/pdf', data: base64(content) },
    });
    const two = pdf(
      `%PDF-1.7\n<< /Type /Pages /Count 2 >>\n<< /Type /Page >>\n<</Type/Page/Parent 1 0 R>>${'x'.repeat(900_000)}`,
    );

    expect(Math.floor(added(two) / 4_600)).toBe(2);
    expect(Math.floor(added(pdf('x'.repeat(80_000))) / 4_600)).toBe(10);
    expect(Math.floor(added(pdf('')) / 4_600)).toBe(1);
    expect(Math.floor(added(pdf('x'.repeat(9_000_000))) / 4_600)).toBe(600);
  });

  it('counts a document of text as text', () => {
    const source = { type: 'base64', mediaType: 'text/plain', data: base64(text) } as const;

    const asFile = added({ type: 'document', source });
    expect(asFile).toBe(added({ type: 'document', source: { type: 'text', text } }));
    expect(asFile).toBeLessThan(boundTextTokens(text) + 100);
    expect(added({ type: 'document', source, title: text })).toBeGreaterThan(asFile);
  });

  it('counts media of unknown length as the longest, or as much as the model reads', () => {
    const file: Part = { type: 'document', source: { type: 'file', id: 'file-1', origin: 'openai-chat' } };
    const clip: Part = { type: 'audio', source: { type: 'url', url: 'https://example.com/a.mp3' } };

    expect(added(file)).toBeGreaterThan(2_000_000);
    expect(added(file, { maxInputTokens: 100_000 })).toBeLessThan(101_000);
    expect(added(clip)).toBeGreaterThanOrEqual(115_200);
  });

  it('counts a clip by its seconds', () => {
    const clip = (format: string, bytes: number): Part => ({
      type: 'audio',
      source: { type: 'base64', mediaType: `audio/${format}`, data: base64(new Uint8Array(bytes)) },
      format,
    });

    expect(Math.floor(added(clip('mp3', 20_000)) / 32)).toBe(11); // 10 s and what stands around it
    expect(Math.floor(added(clip('wav', 160_000)) / 32)).toBe(11);
  });

  it('counts calls, results, reasoning and blocks of one dialect', () => {
    const result: Part = {
      type: 'tool-result',
      callId: 'c',
      parts: [
        { type: 'text', text },
        { type: 'image', source: { type: 'url', url: 'x' } },
      ],
    };

    expect(added({ type: 'tool-call', id: 'c', name: 'log', arguments: text })).toBeGreaterThan(boundTextTokens(text));
    expect(added(result)).toBeGreaterThan(5_000 + boundTextTokens(text));
    expect(added({ type: 'refusal', text })).toBe(boundTextTokens(text));
    expect(added({ type: 'opaque', origin: 'anthropic-messages', value: { text } })).toBeGreaterThan(boundTextTokens(text));
    expect(added({ type: 'reasoning', text, signature: 'x'.repeat(400), data: 'y'.repeat(400) })).toBeGreaterThan(
      boundTextTokens(text) + 199,
    );
  });

  it('counts tools, an output schema and unknown fields', () => {
    const plain = estimateInputTokens(request());
    const tool: Tool = { type: 'function', name: 'log', description: text, parameters: { type: 'object' } };
    const computer: Tool = { type: 'provider', origin: 'anthropic-messages', value: { type: 'computer_20250124' } };

    expect(estimateInputTokens(request({ tools: [] }))).toBe(plain);
    expect(estimateInputTokens(request({ tools: [tool] }))).toBeGreaterThan(plain + 700 + boundTextTokens(text));
    expect(estimateInputTokens(request({ tools: [computer] }))).toBeGreaterThan(plain + 700 + 735);
    expect(
      estimateInputTokens(request({ output: { type: 'json-schema', name: 'ship', schema: { type: 'object' } } })),
    ).toBeGreaterThan(plain + 700);
    expect(estimateInputTokens(request({ extensions: { 'openai-chat': { prediction: text } } }))).toBeGreaterThan(
      plain + boundTextTokens(text),
    );
  });

  it('reckons with the results of searches', () => {
    const search: Tool = {
      type: 'provider',
      origin: 'anthropic-messages',
      value: { type: 'web_search_20250305', max_uses: 2 },
    };

    expect(estimateInputTokens(request({ tools: [search] }))).toBeGreaterThan(32_000);
  });
});

describe('likelyInputTokens', () => {
  it('is near what a provider counts, where the upper estimate is far above', () => {
    const question = saying({ type: 'text', text: "What's the current date?" });

    // Anthropic counts 12 for it.
    expect(likelyInputTokens(question)).toBeGreaterThanOrEqual(10);
    expect(likelyInputTokens(question)).toBeLessThanOrEqual(16);
    expect(estimateInputTokens(question)).toBeGreaterThan(3 * likelyInputTokens(question));
  });

  it('counts every part of a request, and never more than the upper estimate', () => {
    const plain = saying({ type: 'text', text: 'Look at this.' });
    const image: Part = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };
    const tool: Tool = { type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object' } };
    const fuller = { ...saying({ type: 'text', text: 'Look at this.' }, image), tools: [tool] };

    expect(likelyInputTokens(fuller)).toBeGreaterThan(likelyInputTokens(plain) + 1_290);
    expect(likelyInputTokens(fuller)).toBeLessThan(estimateInputTokens(fuller));
  });
});

describe('outputCap', () => {
  it('is the cap asked for within the limit of the model', () => {
    expect(outputCap(request({ maxOutputTokens: 100 }), { maxOutputTokens: 1000 })).toBe(100);
    expect(outputCap(request({ maxOutputTokens: 5000 }), { maxOutputTokens: 1000 })).toBe(1000);
    expect(outputCap(request({ maxOutputTokens: 100 }), { maxOutputTokens: 1000, takesNoCap: true })).toBe(1000);
    expect(outputCap(request({ maxOutputTokens: 100 }), { takesNoCap: true })).toBe(outputCap(request({}), {}));
    expect(outputCap(request({ maxOutputTokens: 5000 }), {})).toBe(5000);
    expect(outputCap(request(), { maxOutputTokens: 1000 })).toBe(1000);
    expect(outputCap(request(), {})).toBe(16_384);
  });
});

describe('choicesOf', () => {
  it('is at least one', () => {
    expect([
      choicesOf(request()),
      choicesOf(request({ sampling: { choices: 3 } })),
      choicesOf(request({ sampling: { choices: 0 } })),
    ]).toEqual([1, 3, 1]);
  });

  it('counts the answers that best_of has written and thrown away', () => {
    const extensions = { 'openai-completions': { best_of: 5 } };
    expect(choicesOf(request({ sampling: { choices: 2 }, extensions }))).toBe(5);
  });
});

describe('webSearchBound', () => {
  const search = (value: Record<string, unknown>): Tool => ({ type: 'provider', origin: 'anthropic-messages', value });

  it('takes the limit of the tool, or a default', () => {
    expect(webSearchBound(request())).toBe(0);
    expect(
      webSearchBound(request({ tools: [search({ type: 'bash_20250124' }), { type: 'function', name: 'web_search' }] })),
    ).toBe(0);
    expect(webSearchBound(request({ tools: [search({ type: 'web_search_20250305', max_uses: 7 })] }))).toBe(7);
    expect(webSearchBound(request({ tools: [search({ type: 'web_search_20250305' })] }))).toBe(5);
    expect(webSearchBound(request({ extensions: { 'openai-chat': { web_search_options: {} } } }))).toBe(5);
  });
});

describe('hostedToolBound', () => {
  it('reckons with some lookups in files and one container, where the tools are there', () => {
    const tool = (type: string): Tool => ({ type: 'provider', origin: 'openai-responses', value: { type } });

    expect(hostedToolBound(request())).toEqual({});
    expect(hostedToolBound(request({ tools: [tool('file_search')] }))).toEqual({ fileSearchCalls: 5 });
    expect(hostedToolBound(request({ tools: [tool('code_interpreter')] }))).toEqual({ codeInterpreterSessions: 1 });
  });
});

describe('searchContextSize', () => {
  const search = (size: unknown): Tool => ({
    type: 'provider',
    origin: 'openai-responses',
    value: { type: 'web_search_preview', search_context_size: size },
  });

  it('is that of the options or the tool, the largest of several, and none where none is stated', () => {
    expect(searchContextSize(request())).toBeUndefined();
    expect(searchContextSize(request({ tools: [search('huge'), { type: 'function', name: 'f' }] }))).toBeUndefined();
    expect(searchContextSize(request({ tools: [search('low')] }))).toBe('low');
    expect(searchContextSize(request({ tools: [search('high'), search('low')] }))).toBe('high');
    const options = { 'openai-chat': { web_search_options: { search_context_size: 'medium' } } };
    expect(searchContextSize(request({ extensions: options }))).toBe('medium');
  });
});

describe('requestedModifiers', () => {
  it('reads the words of the request', () => {
    expect(requestedModifiers(request())).toEqual([]);
    expect(
      requestedModifiers(request({ extensions: { 'anthropic-messages': { speed: 'fast', inference_geo: 'us' } } })),
    ).toEqual(['fast', 'us']);
    expect(requestedModifiers(request({ extensions: { 'anthropic-messages': { speed: 1 } } }))).toEqual([]);
  });
});

describe('unusedClasses', () => {
  it('leaves out what a request of text cannot use', () => {
    expect(unusedClasses(saying({ type: 'text', text: 'hi', cache: { ttl: '5m' } }))).toEqual([
      'audio_input',
      'image_input',
      'audio_output',
      'cache_write_1h',
    ]);
  });

  it.each([
    ['audio_input', saying({ type: 'audio', source: { type: 'url', url: 'x' } })],
    ['audio_output', request({ extensions: { 'openai-chat': { modalities: ['text', 'audio'] } } })],
    [
      'image_input',
      saying({ type: 'tool-result', callId: 'c', parts: [{ type: 'image', source: { type: 'url', url: 'x' } }] }),
    ],
    ['image_input', saying({ type: 'document', source: { type: 'text', text: 'x' } })],
    ['image_input', saying({ type: 'opaque', origin: 'anthropic-messages', value: {} })],
    ['cache_write_1h', saying({ type: 'text', text: 'hi', cache: { ttl: '1h' } })],
    ['cache_write_1h', request({ cache: { ttl: '1h' } })],
    ['cache_write_1h', request({ tools: [{ type: 'function', name: 'f', cache: { ttl: '1h' } }] })],
    [
      'cache_write_1h',
      request({ tools: [{ type: 'provider', origin: 'anthropic-messages', value: { cache_control: { ttl: '1h' } } }] }),
    ],
    ['cache_write_1h', saying({ type: 'opaque', origin: 'anthropic-messages', value: { cache_control: { ttl: '1h' } } })],
    ['cache_write_1h', request({ extensions: { 'anthropic-messages': { anything: { ttl: '1h' } } } })],
  ] as const)('keeps %s where it may be used', (tokenClass, request) => {
    expect(unusedClasses(request)).not.toContain(tokenClass);
  });
});

describe('createUsageEstimator', () => {
  const text = (words: string): GenerateEvent => ({ type: 'text-delta', choice: 0, block: 0, text: words });
  const seen = (...events: readonly GenerateEvent[]): ReturnType<ReturnType<typeof createUsageEstimator>['usage']> => {
    const estimator = createUsageEstimator(saying({ type: 'text', text: 'hi' }));
    for (const event of events) estimator.push(event);
    return estimator.usage();
  };

  it('leaves whole figures of the provider alone', () => {
    const usage = { inputTokens: 10, outputTokens: 2, source: 'provider' } as const;

    expect(seen(text('hello there'), { type: 'usage', usage }, { type: 'finish', choice: 0, reason: 'stop' })).toEqual(usage);
  });

  it('estimates everything when nothing was reported', () => {
    expect(seen(text('x'.repeat(400)))).toEqual({
      inputTokens: estimateInputTokens(saying({ type: 'text', text: 'hi' })),
      outputTokens: 100,
      source: 'estimated',
    });
  });

  it('adds what came after the last report to it', () => {
    const usage = seen(
      { type: 'usage', usage: { inputTokens: 50, cacheReadTokens: 40, outputTokens: 1, source: 'provider' } },
      text('x'.repeat(40)),
      { type: 'usage', usage: { outputTokens: 12, source: 'provider' } },
      text('x'.repeat(40)),
      text('x'.repeat(2)),
    );

    expect(usage).toEqual({ inputTokens: 50, cacheReadTokens: 40, outputTokens: 23, source: 'estimated' });
  });

  it('keeps what it counted when a report says nothing of the output', () => {
    expect(seen(text('x'.repeat(40)), { type: 'usage', usage: { inputTokens: 50, source: 'provider' } })).toMatchObject({
      inputTokens: 50,
      outputTokens: 10,
      source: 'estimated',
    });
  });

  it('counts reasoning, refusals, calls, media and blocks of one dialect', () => {
    const at = { choice: 0, block: 0 };
    const image = { type: 'image', source: { type: 'url', url: 'x' } } as const;
    const second = {
      type: 'audio',
      source: { type: 'base64', mediaType: 'audio/pcm', data: base64(new Uint8Array(48_000)) },
    } as const;
    const heard = { type: 'audio', source: { type: 'url', url: 'x' } } as const;

    expect(seen({ type: 'reasoning-delta', ...at, text: 'x'.repeat(40) }, text('x'.repeat(40)))).toMatchObject({
      outputTokens: 20,
      reasoningTokens: 10,
    });
    expect(seen({ type: 'refusal-delta', ...at, text: 'x'.repeat(40) }).outputTokens).toBe(10);
    expect(
      seen(
        { type: 'tool-call-start', ...at, id: 'c', name: 'x'.repeat(8) },
        { type: 'tool-call-delta', ...at, arguments: 'x'.repeat(40) },
      ).outputTokens,
    ).toBe(22);
    expect(seen({ type: 'media', ...at, part: image }).outputTokens).toBe(1290);
    expect(seen({ type: 'media', ...at, part: second }).outputTokens).toBe(20);
    expect(seen({ type: 'media', ...at, part: heard }).outputTokens).toBe(0);
    expect(
      seen({ type: 'opaque', ...at, part: { type: 'opaque', origin: 'anthropic-messages', value: { a: 'bcd' } } }).outputTokens,
    ).toBe(3);
  });

  it('counts nothing for events without content', () => {
    const at = { choice: 0, block: 0 };

    const usage = seen(
      { type: 'start' },
      { type: 'text-start', ...at },
      { type: 'text-end', ...at },
      { type: 'finish', choice: 0, reason: 'stop' },
      { type: 'error', error: new GatewayError('upstream', 'broke off') },
    );

    expect(usage.outputTokens).toBe(0);
  });
});
