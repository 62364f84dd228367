import type { Reader, StoredResponse } from '../domain/conversation.ts';

/**
 * Port: responses that are kept for later turns. Each owner has ids of its own: what another one has is out of reach, and what expired
 * is absent, whether it was deleted yet or not.
 */
export interface ConversationStore {
  /** Stores a response; one of the same id is replaced. Whoever reads afterwards sees all of it. */
  put(stored: StoredResponse): Promise<void>;
  /** The responses there are of these ids, in the order of the ids. */
  get(ids: readonly string[], reader: Reader): Promise<readonly StoredResponse[]>;
  /** Ids of the responses that hold these output items, by item id. */
  findItems(itemIds: readonly string[], reader: Reader): Promise<ReadonlyMap<string, string>>;
  /** True when there was one to delete. */
  delete(id: string, reader: Reader): Promise<boolean>;
}
