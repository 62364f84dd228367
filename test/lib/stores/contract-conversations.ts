/** What every implementation of the conversation store must do. */
import { describe, expect, it } from 'vitest';
import type { StoredResponse } from '../../../lib/domain/conversation.ts';
import type { Stores } from '../../../lib/stores/stores.ts';

let serial = 0;
const unique = (prefix: string): string => `${prefix}_${serial++}`;

const NOW = 1_764_000_000_000;
const READER = { owner: 'a'.repeat(64), now: NOW };

/** A response of `READER` that ends a millisecond after `NOW`. */
function aResponse(fields: Partial<StoredResponse> = {}): StoredResponse {
  const id = fields.id ?? unique('resp');
  return {
    id,
    owner: READER.owner,
    createdAt: NOW,
    expiresAt: NOW + 1,
    earlier: ['resp_a', 'resp_b'],
    bytes: 100,
    input: [{ type: 'message', id: unique('msg'), role: 'user', content: [{ type: 'input_text', text: 'Hi 👋 ü' }] }],
    response: { id, output: [{ type: 'message', id: unique('msg'), role: 'assistant', content: [] }], usage: { n: 1e-200 } },
    model: 'gpt',
    deploymentId: 'deployment-1',
    ...fields,
  };
}

const itemIdOf = (stored: StoredResponse): string =>
  (stored.response['output'] as readonly { readonly id: string }[])[0]?.id ?? '';

/** Runs the suite on the stores that `stores()` returns. */
export function conversationsContract(name: string, stores: () => Stores): void {
  const conversations = () => stores().conversations;

  describe(`${name} conversations`, () => {
    it('returns a response as it was stored', async () => {
      const stored = aResponse();
      await conversations().put(stored);
      expect(await conversations().get([stored.id], READER)).toEqual([stored]);
    });

    it('returns several in the order asked for, and leaves out what it does not have', async () => {
      const [one, two] = [aResponse(), aResponse()];
      await Promise.all([one, two].map((stored) => conversations().put(stored)));
      const found = await conversations().get([two.id, 'resp_nowhere', one.id, two.id], READER);
      expect(found.map(({ id }) => id)).toEqual([two.id, one.id, two.id]);
      expect(await conversations().get([], READER)).toEqual([]);
    });

    it('reads more responses than fit one batch', async () => {
      const many = Array.from({ length: 130 }, () => aResponse());
      await Promise.all(many.map((stored) => conversations().put(stored)));
      expect(
        await conversations().get(
          many.map(({ id }) => id),
          READER,
        ),
      ).toEqual(many);
    });

    it('keeps a response of megabytes, beside small ones', async () => {
      const text = 'ü👋x'.repeat(150_000);
      const large = aResponse({ input: [{ type: 'message', id: 'msg_large', role: 'user', content: text }] });
      const small = aResponse();
      await conversations().put(large);
      await conversations().put(small);
      expect(await conversations().get([small.id, large.id], READER)).toEqual([small, large]);
      expect(await conversations().delete(large.id, READER)).toBe(true);
      expect(await conversations().get([small.id, large.id], READER)).toEqual([small]);
    });

    it('replaces a response of the same id', async () => {
      const first = aResponse();
      const second = { ...first, model: 'other' };
      await conversations().put(first);
      await conversations().put(second);
      expect(await conversations().get([first.id], READER)).toEqual([second]);
    });

    it('shows and deletes nothing of another owner, even under the same id', async () => {
      const stored = aResponse();
      const stranger = { ...READER, owner: 'master' };
      await conversations().put(stored);
      expect(await conversations().get([stored.id], stranger)).toEqual([]);
      expect(await conversations().findItems([itemIdOf(stored)], stranger)).toEqual(new Map());
      expect(await conversations().delete(stored.id, stranger)).toBe(false);

      await conversations().put({ ...stored, owner: 'master', model: 'theirs' });
      expect(await conversations().get([stored.id], READER)).toEqual([stored]);
    });

    it('shows nothing that expired, before anything deletes it', async () => {
      const stored = aResponse();
      const later = { ...READER, now: stored.expiresAt };
      await conversations().put(stored);
      expect(await conversations().get([stored.id], later)).toEqual([]);
      expect(await conversations().findItems([itemIdOf(stored)], later)).toEqual(new Map());
      expect(await conversations().delete(stored.id, later)).toBe(false);
    });

    it('finds the response of an output item until it is deleted', async () => {
      const stored = aResponse();
      const itemId = itemIdOf(stored);
      await conversations().put(stored);
      expect(await conversations().findItems([itemId, 'msg_nowhere'], READER)).toEqual(new Map([[itemId, stored.id]]));

      expect(await conversations().delete(stored.id, READER)).toBe(true);

      expect(await conversations().findItems([itemId], READER)).toEqual(new Map());
      expect(await conversations().delete(stored.id, READER)).toBe(false);
    });

    it('numbers the parts of a conversation, each number once, until it is deleted or expires', async () => {
      const head = aResponse({ id: unique('conv') });
      await conversations().put(head);
      expect(await conversations().taken(head.id, READER)).toBe(0);

      const numbers = await Promise.all(Array.from({ length: 8 }, () => conversations().next(head)));

      expect(numbers.toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(await conversations().taken(head.id, READER)).toBe(8);
      expect(await conversations().taken(head.id, { ...READER, owner: 'master' })).toBe(0);
      await conversations().delete(head.id, READER);
      expect(await conversations().taken(head.id, READER)).toBe(0);
    });

    it('lets the first word on how a response ends hold, however many speak at once', async () => {
      const stored = aResponse();
      await conversations().begin(stored);
      expect(await conversations().fate(stored.id, READER)).toBe('open');

      const words = await Promise.all(
        (['cancelled', 'finished', 'cancelled', 'finished'] as const).map((word) =>
          conversations().decide(stored.id, word, READER),
        ),
      );

      expect(new Set(words).size).toBe(1);
      expect(await conversations().fate(stored.id, READER)).toBe(words[0]);
      expect(await conversations().decide(stored.id, 'finished', READER)).toBe(words[0]);
    });

    it('decides nothing about a response that was never begun, belongs to another owner, or was deleted', async () => {
      const stored = aResponse({ response: { background: true } });
      expect(await conversations().decide('resp_nowhere', 'cancelled', READER)).toBeUndefined();
      expect(await conversations().fate('resp_nowhere', READER)).toBeUndefined();
      await conversations().begin(stored);
      await conversations().put(stored);
      expect(await conversations().decide(stored.id, 'cancelled', { ...READER, owner: 'master' })).toBeUndefined();

      await conversations().delete(stored.id, READER);

      expect(await conversations().fate(stored.id, READER)).toBeUndefined();
      expect(await conversations().decide(stored.id, 'finished', READER)).toBeUndefined();
    });

    it('keeps events part by part, until the response is deleted', async () => {
      const stored = aResponse({ streamed: true, response: { background: true } });
      const parts = [Buffer.from('event: ü👋\n'), Buffer.alloc(300_000, 'x'), Buffer.from('end')];
      await conversations().put(stored);
      for (const [part, bytes] of parts.entries()) await conversations().append(stored, part, bytes);
      await conversations().append(stored, 1, parts[1] ?? Buffer.alloc(0)); // a repeat

      for (const [part, bytes] of parts.entries()) {
        expect(Buffer.from((await conversations().eventsAt(stored.id, part, READER)) ?? []).equals(bytes)).toBe(true);
      }
      expect(await conversations().eventsAt(stored.id, 3, READER)).toBeUndefined();
      expect(await conversations().eventsAt(stored.id, 0, { ...READER, owner: 'master' })).toBeUndefined();

      await conversations().delete(stored.id, READER);
      expect(await conversations().eventsAt(stored.id, 0, READER)).toBeUndefined();
      expect(await conversations().eventsAt(stored.id, 2, READER)).toBeUndefined();
    });

    it('replaces a draft of several parts by a final response of several parts', async () => {
      const item = (letter: string) => ({ type: 'message', id: unique('msg'), role: 'user', content: letter.repeat(500_000) });
      const draft = aResponse({ runsUntil: NOW + 1, input: [item('d')] });
      await conversations().put(draft);
      expect(await conversations().get([draft.id], READER)).toEqual([draft]);
      const final = aResponse({ id: draft.id, input: [item('f'), item('f')] });
      await conversations().put(final);
      expect(await conversations().get([draft.id], READER)).toEqual([final]);
    });
  });
}
