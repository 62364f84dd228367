import { describe, expect, it } from 'vitest';
import {
  historyOf,
  inputItems,
  isId,
  itemIdsOf,
  listedItems,
  withoutForeignIds,
  type StoredResponse,
} from '../../../lib/domain/conversation.ts';

const stored = (over: Partial<StoredResponse>): StoredResponse => ({
  id: 'resp_1',
  owner: 'master',
  createdAt: 0,
  expiresAt: 1,
  earlier: [],
  bytes: 0,
  input: [],
  response: {},
  model: 'gpt',
  ...over,
});

describe('ids', () => {
  it.each(['resp_1', 'msg_01ab', 'a/b+c=', 'x'.repeat(512)])('takes %s', (id) => expect(isId(id)).toBe(true));
  it.each(['', 'a b', 'a#0', 'x'.repeat(513), 'ü', 7, null, undefined])('refuses %s', (id) => expect(isId(id)).toBe(false));

  it('of output items are listed once, as far as there are any', () => {
    const output = [{ id: 'a' }, { id: 'a' }, { id: 7 }, {}, 'text', { id: 'b' }];
    expect(itemIdsOf(stored({ response: { output } }))).toEqual(['a', 'b']);
    expect(itemIdsOf(stored({ response: { output: null } }))).toEqual([]);
  });
});

describe('the input of a request', () => {
  it('is items already, text, or nothing', () => {
    expect(inputItems('Hi')).toEqual([{ role: 'user', content: 'Hi' }]);
    expect(inputItems([{ role: 'user' }])).toEqual([{ role: 'user' }]);
    expect(inputItems(undefined)).toEqual([]);
    expect(inputItems(null)).toEqual([]);
  });

  it.each([7, {}, ['text'], [null]])('is unreadable as %j', (input) => expect(inputItems(input)).toBeUndefined());

  it('is listed with types, ids and content in parts', () => {
    const items = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
      { type: 'message', role: 'user', id: 'msg_own', content: [{ type: 'input_text', text: 'Bye' }] },
      { type: 'function_call_output', call_id: 'call_1', output: '3' },
    ];
    expect(listedItems(items, 'call')).toEqual([
      { type: 'message', id: 'msg_call0', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
      {
        type: 'message',
        id: 'msg_call1',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Hello', annotations: [] }],
      },
      items[2],
      { type: 'function_call_output', id: 'item_call3', call_id: 'call_1', output: '3' },
    ]);
  });
});

describe('a conversation', () => {
  it('is what was said and answered, turn by turn', () => {
    const turns = [
      stored({ input: [{ id: 'q1' }], response: { output: [{ id: 'a1' }, { id: 'a2' }] } }),
      stored({ input: [{ id: 'q2' }], response: { output: [{ id: 'a3' }] } }),
    ];
    expect(historyOf(turns).map(({ id }) => id)).toEqual(['q1', 'a1', 'a2', 'q2', 'a3']);
  });

  it('goes to another provider without ids it has not given, and without reasoning that is only an id', () => {
    const items = [
      { type: 'message', id: 'msg_1', role: 'assistant', content: [] },
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }] },
      { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'sealed' },
      { type: 'reasoning', id: 'rs_3', summary: [], content: [{ type: 'reasoning_text', text: 'Hm' }] },
      { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'f', arguments: '{}' },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
    ];
    expect(withoutForeignIds(items)).toEqual([
      { type: 'message', role: 'assistant', content: [] },
      { type: 'reasoning', summary: [], encrypted_content: 'sealed' },
      { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm' }] },
      { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
    ]);
  });
});
