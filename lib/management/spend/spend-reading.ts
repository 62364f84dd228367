/** `GET /management/v1/spend_logs`: the calls of `/spend/logs/v2`, newest first, read on by cursors. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { partOfIds, readPage, type PageRequest } from '../records/reading.ts';
import { ownEntry } from './spend.ts';
import { pageOfCalls } from './spend-calls.ts';
import { callsAsked, type PagedSpendQuery } from './spend-pages.ts';
import { spendRow } from './spend-row.ts';

/**
 * A page of calls.
 *
 * @param filters names of the query that `asked` was read from
 * @throws GatewayError `permission`, `invalid_request`
 */
export async function readSpendLogs(
  deps: ManagementDeps,
  request: PageRequest,
  filters: readonly string[],
  asked: PagedSpendQuery,
): Promise<JsonObject> {
  const { caller } = request;
  if (asked.requestId !== undefined) {
    const get = (id: string): Promise<LedgerEntry | undefined> => ownEntry(deps, caller, id);
    const parts = [partOfIds('one', [asked.requestId], get)];
    return readPage<LedgerEntry>(request, filters, { parts, matches: () => true, row: spendRow });
  }
  const { filter, keyHash } = await callsAsked(deps, caller, asked);
  // Of what belongs to many, only what is the key's own is looked at: a place behind a call of somebody else would tell of it.
  const read = keyHash === undefined ? filter : { ...filter, scope: { kind: 'key', id: keyHash } as const };
  return readPage<LedgerEntry>(request, filters, {
    parts: [{ name: `${read.scope.kind}#${read.scope.id}`, page: (page) => pageOfCalls(deps, read, page) }],
    matches: filter.matches,
    row: spendRow,
  });
}
