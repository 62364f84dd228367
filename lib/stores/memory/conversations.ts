/** Kept responses in memory. */
import { itemIdsOf, type Ending, type Reader, type StoredResponse } from '../../domain/conversation.ts';
import type { ConversationStore } from '../conversations.ts';

/** Most responses kept: the oldest go first, since nothing else takes them out. */
const MOST_KEPT = 10_000;

const keyOf = (owner: string, id: string): string => `${owner}#${id}`;

/** Conversations in memory. */
export function createConversationStore(): ConversationStore {
  const responses = new Map<string, StoredResponse>();
  /** Id of the response that holds an output item. */
  const holders = new Map<string, string>();
  /** How responses end that are made in the background. */
  const fates = new Map<string, Ending | 'open'>();
  const find = (id: string, { owner, now }: Reader): StoredResponse | undefined => {
    const found = responses.get(keyOf(owner, id));
    return found !== undefined && found.expiresAt > now ? found : undefined;
  };
  /** Events of responses, part by part. */
  const logs = new Map<string, Uint8Array[]>();
  /** Numbers of parts of conversations that were taken. */
  const taken = new Map<string, number>();
  const remove = (stored: StoredResponse): void => {
    responses.delete(keyOf(stored.owner, stored.id));
    fates.delete(keyOf(stored.owner, stored.id));
    logs.delete(keyOf(stored.owner, stored.id));
    taken.delete(keyOf(stored.owner, stored.id));
    for (const itemId of itemIdsOf(stored)) holders.delete(keyOf(stored.owner, itemId));
  };

  return {
    async put(stored) {
      responses.set(keyOf(stored.owner, stored.id), stored);
      for (const itemId of itemIdsOf(stored)) holders.set(keyOf(stored.owner, itemId), stored.id);
      const [oldest] = responses.values();
      if (responses.size > MOST_KEPT && oldest !== undefined) remove(oldest);
    },

    get: async (ids, reader) => ids.map((id) => find(id, reader)).filter((stored) => stored !== undefined),

    async findItems(itemIds, reader) {
      return new Map(
        itemIds.flatMap((itemId) => {
          const id = holders.get(keyOf(reader.owner, itemId));
          return id !== undefined && find(id, reader) !== undefined ? [[itemId, id]] : [];
        }),
      );
    },

    begin: async ({ id, owner }) => void fates.set(keyOf(owner, id), 'open'),

    async decide(id, ending, { owner }) {
      const key = keyOf(owner, id);
      if (fates.get(key) === 'open') fates.set(key, ending);
      return fates.get(key) as Ending | undefined;
    },

    fate: async (id, { owner }) => fates.get(keyOf(owner, id)),

    async append({ id, owner }, part, bytes) {
      const parts = logs.get(keyOf(owner, id)) ?? [];
      parts[part] = bytes;
      logs.set(keyOf(owner, id), parts);
    },

    eventsAt: async (id, part, { owner }) => logs.get(keyOf(owner, id))?.[part],

    async next({ id, owner }) {
      const number = taken.get(keyOf(owner, id)) ?? 0;
      taken.set(keyOf(owner, id), number + 1);
      return number;
    },

    taken: async (id, { owner }) => taken.get(keyOf(owner, id)) ?? 0,

    async delete(id, reader) {
      const stored = find(id, reader);
      if (stored !== undefined) remove(stored);
      return stored !== undefined;
    },
  };
}
