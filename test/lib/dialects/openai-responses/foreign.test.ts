import { describe, expect, it } from 'vitest';
import { openaiResponses } from '../../../../lib/dialects/openai-responses/index.ts';

/** A request with this item, as other dialects are to read it. */
const read = (item: object) => {
  const request = openaiResponses.decodeRequest({ model: 'm', input: [{ role: 'user', content: 'Hi' }, item] });
  return { request, told: () => openaiResponses.forOthers?.(request, () => {}) };
};

describe('a request that goes to a provider of another dialect', () => {
  it.each(['compaction', 'compaction_summary', 'compaction_trigger'])('is refused with an item of type %s', (type) => {
    const { told } = read({ type, id: 'cmp_1', encrypted_content: 'gAAAA' });
    expect(told).toThrow(
      expect.objectContaining({
        status: 400,
        message: expect.stringContaining('(cmp_1)'),
        detail: expect.objectContaining({ param: 'input' }),
      }),
    );
  });

  it('stays as it is with any other', () => {
    const { request, told } = read({ type: 'web_search_call', id: 'ws_1', status: 'completed' });
    expect(told()).toBe(request);
  });
});
