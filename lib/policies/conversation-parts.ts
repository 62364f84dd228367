/**
 * Conversations with an id of their own: a head, and parts in the order of their numbers, each what one turn or the owner added. A part is
 * kept like a response, for the same time; the head for as long as parts are added.
 */
import { isConversationId, MOST_BYTES, MOST_TURNS, partId, type Reader, type StoredResponse } from '../domain/conversation.ts';
import { GatewayError } from '../errors.ts';
import type { ConversationStore } from '../stores/conversations.ts';

/** A conversation as it stands. */
export interface Conversation {
  readonly head: StoredResponse;
  readonly parts: readonly StoredResponse[];
  /** Bytes of JSON of the parts. */
  readonly bytes: number;
  /** Parts that have expired. */
  readonly gone: number;
}

/** The error for a conversation that does not exist here, or belongs to somebody else. */
export const noConversation = (id: string): GatewayError =>
  new GatewayError('not_found', `Conversation with id '${id}' not found.`, {
    param: 'conversation',
    type: 'invalid_request_error',
    code: 'conversation_not_found',
  });

/**
 * The head of a conversation.
 *
 * @throws GatewayError `not_found`
 */
export async function headOf(store: ConversationStore, id: string, reader: Reader): Promise<StoredResponse> {
  const [head] = isConversationId(id) ? await store.get([id], reader) : [];
  if (head === undefined) throw noConversation(id);
  return head;
}

/**
 * All of a conversation.
 *
 * @throws GatewayError `not_found`; `invalid_request` for one that is too long to be put together
 */
export async function readConversation(store: ConversationStore, id: string, reader: Reader): Promise<Conversation> {
  const [head, taken] = await Promise.all([headOf(store, id, reader), store.taken(id, reader)]);
  if (taken > MOST_TURNS) throw tooLong(`${taken} parts`);
  const parts = await store.get(
    Array.from({ length: taken }, (_, part) => partId(id, part)),
    reader,
  );
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  if (bytes > MOST_BYTES) throw tooLong(`${bytes} bytes`);
  return { head, parts, bytes, gone: taken - parts.length };
}

const tooLong = (size: string): GatewayError =>
  new GatewayError(
    'invalid_request',
    `conversation: it has ${size}; this gateway goes on up to ${MOST_TURNS} parts and ${MOST_BYTES} bytes. Start anew with what matters of it.`,
    { param: 'conversation', code: 'conversation_too_long' },
  );

/** How long things are kept, and since when. Milliseconds. */
export interface Span {
  readonly ttlMs: number;
  readonly now: number;
}

/** Share of its life after which a head gets a new one. */
const RENEWED_AFTER = 0.1;

/** Adds a part. The head lives on with it; it is written anew only once in a while. */
export async function addPart(
  store: ConversationStore,
  head: StoredResponse,
  { input, response, sealedBy }: Pick<StoredResponse, 'input' | 'response' | 'sealedBy'>,
  { ttlMs, now }: Span,
): Promise<void> {
  const { id, owner, model } = head;
  const expiresAt = now + ttlMs;
  const part = await store.next({ id, owner, expiresAt });
  const bytes = JSON.stringify([input, response]).length;
  const kept: StoredResponse = {
    id: partId(id, part),
    owner,
    createdAt: now,
    expiresAt,
    earlier: [],
    bytes,
    input,
    response,
    model,
    ...(sealedBy === undefined ? {} : { sealedBy }),
  };
  const [latest] = expiresAt - head.expiresAt > ttlMs * RENEWED_AFTER ? await store.get([id], { owner, now }) : [];
  await Promise.all([store.put(kept), ...(latest === undefined ? [] : [store.put({ ...latest, expiresAt })])]);
}
