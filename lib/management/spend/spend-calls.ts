/** Calls of a scope, read from the ledger: by its own indexes, or by the lists that its consumer keeps. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { Scope } from '../../domain/meter.ts';
import { allOf } from '../../domain/pages.ts';
import { GatewayError } from '../../errors.ts';
import type { Page, PageAsked } from '../../stores/keys.ts';
import type { ManagementDeps } from '../deps.ts';

/** Which calls. Times in milliseconds since the epoch, `from` inclusive and `to` exclusive. */
export interface CallFilter {
  readonly scope: Scope;
  readonly from?: number;
  readonly to?: number;
  /** Parameters that the times came in, for the refusal of a range that is too long; `start_date` and `end_date` by default. */
  readonly range?: readonly [from: string, to: string];
  /** What else a call must be. */
  readonly matches?: (entry: LedgerEntry) => boolean;
}

/** Most entries looked at for one answer. */
const MOST_READ = 20_000;

/**
 * Calls that match, newest first.
 *
 * @throws GatewayError `invalid_request` when more of them would have to be looked at than one answer may take.
 */
export async function* callsOf(deps: ManagementDeps, filter: CallFilter): AsyncGenerator<LedgerEntry> {
  const { matches = () => true, range = ['start_date', 'end_date'] } = filter;
  let read = 0;
  for await (const entry of allOf((page) => pageOfCalls(deps, filter, page))) {
    if (++read > MOST_READ) {
      const fault = `More than ${MOST_READ} calls lie in this range. Narrow ${range.join(' and ')} (times count too).`;
      throw new GatewayError('invalid_request', fault, { param: range[0] });
    }
    if (matches(entry)) yield entry;
  }
}

/** A page of the calls of a scope and a time, newest first, whatever else they must be. */
export async function pageOfCalls(
  deps: ManagementDeps,
  { scope, from = 0, to = Number.MAX_SAFE_INTEGER }: CallFilter,
  page: PageAsked,
): Promise<Page<LedgerEntry>> {
  if (scope.kind === 'global') return deps.ledger.list({ from, to: latest(to), ...page });
  if (scope.kind === 'key') return deps.ledger.list({ keyHash: scope.id, from, to: latest(to), ...page });
  const calls = await deps.totals.calls(scope, { from, to: latest(to) }, page);
  const items = await deps.ledger.getAll(calls.items.map(({ id }) => id));
  return { items, ...(calls.cursor === undefined ? {} : { cursor: calls.cursor }) };
}

/** No later than sort keys can tell. */
const latest = (to: number): number => Math.min(to, 999_999_999_999_999);
