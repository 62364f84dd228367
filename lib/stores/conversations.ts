import type { Ending, Reader, StoredResponse } from '../domain/conversation.ts';

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
  /** Opens the question how a response ends that is made from now on. It is answered once, whoever asks. */
  begin(stored: Pick<StoredResponse, 'id' | 'owner' | 'expiresAt'>): Promise<void>;
  /** Answers it unless somebody did before, and says what holds; undefined when the response was deleted. Safe to repeat. */
  decide(id: string, ending: Ending, reader: Reader): Promise<Ending | undefined>;
  /** What was decided: `open` while nothing was, undefined when the response was deleted. */
  fate(id: string, reader: Reader): Promise<Ending | 'open' | undefined>;
  /** Keeps a part of the events of a response that is made in the background; parts are numbered from 0. */
  append(stored: Pick<StoredResponse, 'id' | 'owner' | 'expiresAt'>, part: number, bytes: Uint8Array): Promise<void>;
  /** A part of them; undefined while there is none. */
  eventsAt(id: string, part: number, reader: Reader): Promise<Uint8Array | undefined>;
  /** Takes the next number, from 0, for a part of a conversation, whoever else takes one. */
  next(conversation: Pick<StoredResponse, 'id' | 'owner' | 'expiresAt'>): Promise<number>;
  /** How many numbers were taken. */
  taken(id: string, reader: Reader): Promise<number>;
  /** True when there was one to delete. */
  delete(id: string, reader: Reader): Promise<boolean>;
}
