import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { isReasoningModel } from '../../../lib/providers/openai.ts';
import {
  clamp,
  drop,
  dropFromMessages,
  dropNullFromMessages,
  flattenContent,
  modelPrefix,
  rename,
  schemaAsJsonObject,
  toolChoiceWord,
} from '../../../lib/providers/quirks.ts';
import type { Quirk } from '../../../lib/providers/provider.ts';

const text = (value: string): JsonObject => ({ type: 'text', text: value });
const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };

describe('a quirk', () => {
  it.each<[string, Quirk, JsonObject, JsonObject]>([
    ['renames', rename('a', 'b'), { x: 1, a: 2 }, { x: 1, b: 2 }],
    ['renames, and the new name wins', rename('a', 'b'), { a: 2, b: 3 }, { b: 3 }],
    ['drops', drop('a'), { a: 0, b: 1 }, { b: 1 }],
    ['drops a value it may', drop('a', (value) => value === 1), { a: 1 }, {}],
    ['clamps from above', clamp('t', 0, 1), { t: 1.5 }, { t: 1 }],
    ['clamps from below', clamp('t', 0, 1), { t: -1 }, { t: 0 }],
    ['has another word for a choice', toolChoiceWord('required', 'any'), { tool_choice: 'required' }, { tool_choice: 'any' }],
    ['has a namespace', modelPrefix('ns/'), { model: 'm' }, { model: 'ns/m' }],
    [
      'flattens lists of text',
      flattenContent(),
      { messages: [{ role: 'user', content: [text('a'), text('b')] }] },
      { messages: [{ role: 'user', content: 'ab' }] },
    ],
    [
      'flattens only in some roles',
      flattenContent('tool'),
      {
        messages: [
          { role: 'user', content: [text('a')] },
          { role: 'tool', content: [text('b')] },
        ],
      },
      {
        messages: [
          { role: 'user', content: [text('a')] },
          { role: 'tool', content: 'b' },
        ],
      },
    ],
    [
      'drops a field of messages',
      dropFromMessages('name', 'tool'),
      {
        messages: [
          { role: 'user', name: 'a' },
          { role: 'tool', name: 'b' },
        ],
      },
      { messages: [{ role: 'user' }, { role: 'tool', name: 'b' }] },
    ],
    [
      'drops what is null',
      dropNullFromMessages('tool_calls'),
      { messages: [{ role: 'assistant', content: null, tool_calls: null }] },
      { messages: [{ role: 'assistant', content: null }] },
    ],
    [
      'writes a schema its own way',
      schemaAsJsonObject,
      { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } } },
      { response_format: { type: 'json_object', schema: { type: 'object' } } },
    ],
  ])('%s', (_name, quirk, before, after) => {
    const copy = structuredClone(before);

    expect(quirk(before, 'm')).toEqual(after);
    expect(before).toEqual(copy);
  });

  it.each<[string, Quirk, JsonObject]>([
    ['rename: not there', rename('a', 'b'), { b: 1 }],
    ['rename: another model', rename('a', 'b', () => false), { a: 1 }],
    ['drop: not there', drop('a'), { b: 1 }],
    ['drop: another value', drop('a', () => false), { a: 1 }],
    ['clamp: in range', clamp('t', 0, 1), { t: 1 }],
    ['clamp: no number', clamp('t', 0, 1), { t: '9' }],
    ['tool choice: a word it knows', toolChoiceWord('required', 'any'), { tool_choice: 'auto' }],
    ['tool choice: a tool', toolChoiceWord('required', 'any'), { tool_choice: { type: 'function', function: { name: 'f' } } }],
    ['namespace: has one', modelPrefix('ns/'), { model: 'x/m' }],
    ['flatten: text already', flattenContent(), { messages: [{ role: 'user', content: 'a' }] }],
    ['flatten: an image', flattenContent(), { messages: [{ role: 'user', content: [text('a'), image] }] }],
    [
      'flatten: a cache mark',
      flattenContent(),
      { messages: [{ content: [{ ...text('a'), cache_control: { type: 'ephemeral' } }] }] },
    ],
    ['flatten: no messages', flattenContent(), { prompt: 'a' }],
    ['flatten: messages that are none', flattenContent(), { messages: [null, 'a', 1] }],
    ['drop from messages: not there', dropFromMessages('name'), { messages: [{ role: 'user' }] }],
    ['drop null: a value', dropNullFromMessages('tool_calls'), { messages: [{ tool_calls: [] }] }],
    ['schema: plain json', schemaAsJsonObject, { response_format: { type: 'json_object' } }],
    ['schema: malformed', schemaAsJsonObject, { response_format: { type: 'json_schema' } }],
  ])('returns the same object when there is nothing to do: %s', (_name, quirk, body) => {
    expect(quirk(body, 'm')).toBe(body);
  });
});

describe('OpenAI’s reasoning models', () => {
  it.each(['o1', 'o3-mini', 'o4-mini-2025-04-16', 'gpt-5', 'gpt-5.1-codex', 'openai/gpt-5-mini', 'ft:o4-mini:acme::1'])(
    '%s is one',
    (model) => {
      expect(isReasoningModel(model)).toBe(true);
    },
  );

  it.each(['gpt-4o', 'gpt-4.1-mini', 'gpt-3.5-turbo', 'chatgpt-4o-latest', 'omni-moderation', 'ft:gpt-4o:acme::1', 'my-o3'])(
    '%s is none',
    (model) => {
      expect(isReasoningModel(model)).toBe(false);
    },
  );
});
