import { describe, expect, it } from 'vitest';
import { fieldsOf, secretsIn, wantsFields } from '../../../lib/providers/credential.ts';
import { providerOf } from '../../../lib/providers/index.ts';

describe('a credential', () => {
  it.each<[string | undefined, Record<string, string>]>([
    [undefined, {}],
    [' ', {}],
    [' sk-1\n', { api_key: 'sk-1' }],
    ['{"a":"1","b":2,"c":""}', { a: '1' }],
    ['{broken', { api_key: '{broken' }],
  ])('%j has fields', (text, fields) => {
    expect(fieldsOf(text)).toEqual(fields);
  });

  it('is hidden whole, by field, and as addresses spell it', () => {
    expect(secretsIn(undefined)).toEqual([]);
    expect(secretsIn('a b')).toEqual(['a b', 'a%20b']);
    expect(secretsIn('{"k":"inner/1"}')).toEqual(expect.arrayContaining(['inner/1', 'inner%2F1']));
  });

  it('is wanted whole by rows with several secrets', () => {
    expect(wantsFields(providerOf('bedrock'))).toBe(true);
    expect(wantsFields(providerOf('groq'))).toBe(false);
  });
});
