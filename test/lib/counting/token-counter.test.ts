import { countChatCompletionTokens } from 'gpt-tokenizer/model/gpt-4o';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { startFiles } from '../../../infra/bundle.ts';
import type { GenerateRequest } from '../../../lib/kinds/generate.ts';
import { countInput, countTexts, tokenizerOf } from '../../../lib/counting/token-counter.ts';

const request = (over: Partial<GenerateRequest> = {}): GenerateRequest => ({
  model: 'gpt-4o',
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'You are a helpful assistant. Answer briefly.' }] },
    { role: 'user', parts: [{ type: 'text', text: 'Wie tief ist das Meer? 海有多深 🌊' }] },
  ],
  sampling: {},
  stream: false,
  includeUsage: false,
  extensions: {},
  ...over,
});

describe('the tokenizer of a model', () => {
  it.each([
    ['gpt-4o-mini-2024-07-18', 'o200k_base'],
    ['gpt-4.1', 'o200k_base'],
    ['gpt-5.5-pro', 'o200k_base'],
    ['o3-mini', 'o200k_base'],
    ['openai/gpt-oss-120b', 'o200k_base'],
    ['openai.gpt-oss-20b-1:0', 'o200k_base'],
    ['ft:gpt-4o-mini:org::id', 'o200k_base'],
    ['gpt-4-turbo', 'cl100k_base'],
    ['gpt-35-turbo', 'cl100k_base'],
    ['claude-sonnet-4-5', undefined],
    ['mistral-large', undefined],
    ['o365-copilot', undefined],
  ])('of %s is %s', (model, tokenizer) => {
    expect(tokenizerOf(model)).toBe(tokenizer);
  });
});

describe('counting', () => {
  it('plain messages is exact', async () => {
    const messages = request().messages.map(({ role, parts }) => ({
      role,
      content: parts.map((part) => 'text' in part && part.text).join(''),
    }));
    const truth = countChatCompletionTokens?.({ messages });
    expect(await countInput(request(), { model: 'gpt-4o' })).toEqual({ tokens: truth, exact: true });
  });

  it('does not take settings for input, and says where it had to estimate', async () => {
    const plain = await countInput(request(), { model: 'gpt-4o' });
    const settings = request({ extensions: { 'openai-chat': { user: 'somebody with a long name' } } });
    expect(await countInput(settings, { model: 'gpt-4o' })).toEqual(plain);
    const tools = request({ tools: [{ type: 'function', name: 'weather', parameters: { type: 'object' } }] });
    expect(await countInput(tools, { model: 'gpt-4o' })).toMatchObject({ exact: false });
    expect(await countInput(request(), { model: 'llama' })).toBeUndefined();
  });

  it('takes words of control for words', async () => {
    expect(await countTexts('o200k_base', ['<|endoftext|>'])).toBeGreaterThan(1);
  });

  it('is exact for prose of any length, and near for words without an end, which would take minutes at once', async () => {
    const prose = 'The quick brown fox, who is 42, jumps over  the lazy dog.\n\n'.repeat(300);
    expect(await countTexts('o200k_base', [prose, 'x'])).toBe(countTokens(prose) + 1);

    const hard = ['a'.repeat(4_000), '漢字'.repeat(1_000), '👩‍👩‍👧'.repeat(300)];
    for (const text of hard) {
      const tokens = (await countTexts('o200k_base', [text])) ?? 0;
      const pieces = Math.ceil(text.length / 256);
      expect(Math.abs(tokens - countTokens(text))).toBeLessThanOrEqual(pieces);
    }
    expect(await countTexts('cl100k_base', ['a'.repeat(200_000)])).toBeGreaterThan(20_000);
  });

  it('leaves what is larger to estimates', async () => {
    expect(await countTexts('o200k_base', ['a '.repeat(200_001)])).toBeUndefined();
    expect(await countTexts('o200k_base', [])).toBe(0);
  });
});

describe('the tables', () => {
  it('are in files of their own, none of which loads with the gateway', async () => {
    const { metafile } = await build({
      entryPoints: ['functions/gateway/url-entry.ts'],
      absWorkingDir: new URL('../../..', import.meta.url).pathname,
      outdir: 'dist',
      bundle: true,
      splitting: true,
      metafile: true,
      write: false,
      platform: 'node',
      format: 'esm',
      outExtension: { '.js': '.mjs' },
    });
    const first = new Set(startFiles(metafile, 'dist/url-entry.mjs'));
    const holders = Object.entries(metafile.outputs).filter(([, { inputs }]) =>
      Object.keys(inputs).some((path) => path.includes('gpt-tokenizer')),
    );
    expect(holders.length).toBeGreaterThanOrEqual(2);
    expect(holders.filter(([file]) => first.has(file))).toEqual([]);
  });
});
