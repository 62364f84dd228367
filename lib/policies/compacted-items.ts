/** Compactions that come back in a conversation: summaries of ours are read, what a provider sealed is led back to it. */
import { isSealed, summaryIdOf, summaryMessage } from '../domain/compaction.ts';
import { isId, type Reader } from '../domain/conversation.ts';
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { ConversationStore } from '../stores/conversations.ts';

/** What is known of the compactions in a conversation. */
export interface Compactions {
  /** The items with our summaries in place of the items that stand for them; the same array when there are none. */
  readonly expand: (items: readonly JsonObject[]) => readonly JsonObject[];
  /** The deployment that made the sealed ones, where it is known and one only. */
  readonly sealedBy: string | undefined;
}

const NO_COMPACTIONS: Compactions = { expand: (items) => items, sealedBy: undefined };

/**
 * Looks up the compactions, if there are any. Summaries of earlier turns may have expired: the conversation goes on, and says so.
 *
 * @throws GatewayError `not_found` where this turn names a summary that is not there, or is somebody else's
 */
export async function compactionsIn(
  store: ConversationStore,
  { history, added }: { readonly history: readonly JsonObject[]; readonly added: readonly JsonObject[] },
  reader: Reader,
  { warnings }: Exchange,
): Promise<Compactions> {
  const all = [...history, ...added];
  const wanted = new Set(all.map(summaryIdOf).filter((id) => id !== undefined));
  const sealed = all.filter(isSealed).flatMap(({ id }) => (isId(id) ? [id] : []));
  if (wanted.size === 0 && sealed.length === 0) return NO_COMPACTIONS;
  const makers = await store.findItems(sealed, reader);
  const found = await store.get([...new Set([...[...wanted].filter(isId), ...makers.values()])], reader);
  const summaries = new Map(found.flatMap(({ id, summary }) => (summary === undefined ? [] : [[id, summary] as const])));
  const gone = (item: JsonObject): boolean => {
    const id = summaryIdOf(item);
    return id !== undefined && !summaries.has(id);
  };
  const lost = added.find(gone);
  if (lost !== undefined) throw lostCompaction(lost);
  if (history.some(gone)) {
    const reason = 'The summary of an earlier part of the conversation was deleted or has expired.';
    warnings.push({ kind: 'dropped', field: 'input', reason });
  }
  const said = (item: JsonObject): readonly JsonObject[] => {
    const id = summaryIdOf(item);
    if (id === undefined) return [item];
    const summary = summaries.get(id);
    return summary === undefined ? [] : [summaryMessage(summary)];
  };
  const makerIds = new Set(makers.values());
  const sealers = new Set(
    found.filter(({ id }) => makerIds.has(id)).map(({ sealedBy, deploymentId }) => sealedBy ?? deploymentId),
  );
  return {
    expand: (items) => (items.some((item) => summaryIdOf(item) !== undefined) ? items.flatMap(said) : items),
    sealedBy: sealers.size === 1 ? [...sealers][0] : undefined,
  };
}

const lostCompaction = ({ id }: JsonObject): GatewayError =>
  new GatewayError('not_found', `Compaction${typeof id === 'string' ? ` with id '${id}'` : ''} not found.`, {
    param: 'input',
    type: 'invalid_request_error',
    code: 'compaction_not_found',
  });
