import { describe, expect, it } from 'vitest';
import { MOST_BYTES, MOST_TURNS, type StoredResponse } from '../../../lib/domain/conversation.ts';
import { addPart, readConversation } from '../../../lib/policies/conversation-parts.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { NOW } from '../../support/exchange.ts';

const OWNER = 'a'.repeat(64);
const TTL = 1_000;
const head: StoredResponse = {
  id: 'conv_1',
  owner: OWNER,
  createdAt: NOW,
  expiresAt: NOW + TTL,
  earlier: [],
  bytes: 0,
  input: [],
  response: { id: 'conv_1', object: 'conversation', metadata: {} },
  model: '',
};
const said = (text: string) => ({ input: [{ role: 'user', content: text }], response: {} });

/** A store with the conversation. */
async function begun() {
  const { conversations: store } = open();
  await store.put(head);
  const read = (now: number) => readConversation(store, head.id, { owner: OWNER, now });
  return { store, read, add: (text: string, now: number) => addPart(store, head, said(text), { ttlMs: TTL, now }) };
}

describe('a conversation', () => {
  it('has its parts in order, and knows how many are gone', async () => {
    const { add, read } = await begun();
    await add('one', NOW);
    await add('two', NOW + 500);
    expect((await read(NOW + 500)).parts.map(({ input }) => input[0]?.['content'])).toEqual(['one', 'two']);
    const later = await read(NOW + TTL);
    expect(later).toMatchObject({ gone: 1, parts: [{ input: [{ content: 'two' }] }] });
  });

  it('lives on with each part, and keeps what was changed of it meanwhile', async () => {
    const { store, add, read } = await begun();
    await store.put({ ...head, response: { ...head.response, metadata: { a: 'b' } } });
    await add('soon', NOW + 1);
    await expect(read(NOW + TTL)).rejects.toMatchObject({ status: 404 });
    await add('later', NOW + 500);
    expect((await read(NOW + TTL)).head.response['metadata']).toEqual({ a: 'b' });
  });

  it('does not come back when it was deleted meanwhile', async () => {
    const { store, add, read } = await begun();
    await store.delete(head.id, { owner: OWNER, now: NOW });
    await add('late', NOW + 500);
    await expect(read(NOW + 500)).rejects.toMatchObject({ status: 404, detail: { code: 'conversation_not_found' } });
  });

  it('ends where it could not be put together any more', async () => {
    const { store, add, read } = await begun();
    await add('one', NOW);
    const [part] = (await read(NOW)).parts;
    await store.put({ ...(part as StoredResponse), bytes: MOST_BYTES + 1 });
    await expect(read(NOW)).rejects.toMatchObject({ status: 400, detail: { code: 'conversation_too_long' } });

    const many = await begun();
    for (let number = 0; number <= MOST_TURNS; number++) await many.store.next(head);
    await expect(many.read(NOW)).rejects.toMatchObject({ status: 400, detail: { code: 'conversation_too_long' } });
  });
});
