import { describe, expect, it } from 'vitest';
import {
  compactionItem,
  isSealed,
  keptMessages,
  readableHistoryOf,
  summaryIdOf,
  summaryMessage,
  SUMMARIZE,
  transcriptOf,
} from '../../../lib/domain/compaction.ts';
import type { StoredResponse } from '../../../lib/domain/conversation.ts';

const sealed = { type: 'compaction', id: 'cmp_1', encrypted_content: 'gAAAA' };

describe('a compaction', () => {
  it.each([
    ['ours', compactionItem('cmp_1', 'resp_1'), 'resp_1', false],
    ['of a provider', sealed, undefined, true],
    ['of a provider, under its older name', { ...sealed, type: 'compaction_summary' }, undefined, true],
    ['without content', { type: 'compaction' }, undefined, true],
    ['nothing of the kind', { type: 'reasoning', encrypted_content: 'tollgate:resp_1' }, undefined, false],
  ])('%s is known by its content', (_name, item, id, isForeign) => {
    expect(summaryIdOf(item)).toBe(id);
    expect(isSealed(item)).toBe(isForeign);
  });

  it('in a history is left out where other turns tell the same', () => {
    const turn = (response: object): StoredResponse => ({ input: [], response }) as unknown as StoredResponse;
    const [told, only] = [{ output: [sealed] }, { object: 'response.compaction', output: [sealed] }].map(turn);
    expect(readableHistoryOf([told as StoredResponse])).toEqual([]);
    expect(readableHistoryOf([only as StoredResponse])).toEqual([sealed]);
  });
});

describe('the messages that stay', () => {
  it("are the user's, with ids, but for summaries of before", () => {
    const items = [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi' },
      summaryMessage('earlier'),
      { type: 'message', id: 'msg_own', role: 'user', content: [{ type: 'input_image', image_url: 'data:' }] },
    ];
    expect(keptMessages(items, 'x')).toEqual([
      { type: 'message', id: 'msg_x0', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'Hello' }] },
      {
        type: 'message',
        id: 'msg_own',
        role: 'user',
        status: 'completed',
        content: [{ type: 'input_image', image_url: 'data:' }],
      },
    ]);
  });
});

describe('a transcript', () => {
  it('has plain messages only, and says what was called and what came of it', () => {
    const items = [
      { type: 'message', id: 'msg_1', status: 'completed', role: 'user', content: 'Hello' },
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' },
      { type: 'function_call', call_id: 'a', name: 'look', arguments: '{"at":1}' },
      { type: 'custom_tool_call', call_id: 'b', name: 'write', input: 'free text' },
      { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_image', image_url: 'https://a/b' }] },
      { type: 'custom_tool_call_output', call_id: 'z', output: { odd: true } },
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
      { type: 'image_generation_call', id: 'ig_1', result: 'A'.repeat(20_000) },
      { type: 'computer_call_output', call_id: 'c', output: { image_url: 'data:image/png;base64,AAAA' } },
      { type: 'compaction_trigger' },
      sealed,
    ];
    expect(transcriptOf(items)).toEqual([
      { type: 'message', role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Tool call: look({"at":1})' },
      { role: 'assistant', content: 'Tool call: write(free text)' },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Result of look:' },
          { type: 'input_image', image_url: 'https://a/b' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Result of a tool:' },
          { type: 'input_text', text: '{"odd":true}' },
        ],
      },
      { role: 'assistant', content: 'web_search_call: {"action":{"type":"search","query":"q"}}' },
      { role: 'assistant', content: 'image_generation_call: {"result":"(left out)"}' },
      { role: 'assistant', content: 'computer_call_output: {"call_id":"c","output":{"image_url":"(left out)"}}' },
      sealed,
    ]);
    expect(SUMMARIZE['role']).toBe('user');
  });
});
