/** `/management/v1/spend_logs/users`, `/management/v1/spend_logs/end_users`: whom there are calls of, for those who choose from a list. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { defined, type JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { contains, pageOf } from '../records/records.ts';
import { callsOf } from './spend-calls.ts';
import { DAY_MS, everythingOf, timeOf } from './spend-query.ts';

/** Names of the parameters that the span comes in. */
export const SPAN = ['filter[startTime][gte]', 'filter[startTime][lte]'] as const;

/** Query of a facet, as it came. */
export interface FacetQuery {
  /** Both ends are meant; UTC where no zone is named. */
  readonly from?: string;
  readonly to?: string;
  /** Part of the name, whatever its case. */
  readonly q?: string;
  readonly page?: string;
  readonly pageSize?: string;
}

/** Where in a call the names are, by the last word of the path. */
const NAMES = {
  users: ({ userId }: LedgerEntry) => userId,
  end_users: ({ endUser }: LedgerEntry) => endUser,
};

/** What names can be asked for. */
export type Facet = keyof typeof NAMES;

/**
 * A page of the names in the calls of a span that the caller may see, each once, in order, with links to the pages around it.
 *
 * @throws GatewayError `invalid_request` for wrong or missing times, and where more than 20,000 calls lie in the span
 */
export async function spendFacet(deps: ManagementDeps, caller: Caller, facet: Facet, query: FacetQuery): Promise<JsonObject> {
  const [from, to] = [timeOf(query.from, SPAN[0]), timeOf(query.to, SPAN[1], DAY_MS - 1)];
  if (from === undefined || to === undefined || from > to) {
    const fault = `${SPAN[0]}, ${SPAN[1]}: expected two times, such as 2026-11-22T08:00:00Z, the first one first`;
    throw new GatewayError('invalid_request', fault, { param: SPAN[0] });
  }
  const names = new Set<string>();
  const calls = callsOf(deps, {
    scope: everythingOf(caller),
    from,
    to: to + 1,
    range: SPAN,
    matches: ({ kind }) => kind !== 'adjustment',
  });
  for await (const entry of calls) {
    const name = NAMES[facet](entry);
    if (name !== undefined && name !== '' && contains(name, query.q)) names.add(name);
  }
  const asked = { page: query.page, size: query.pageSize };
  const { items, page, size, pages } = pageOf([...names].toSorted(), asked, { most: 100 });
  const link = (number: number): string => `/management/v1/spend_logs/${facet}?${linkQuery(query, number)}`;
  return {
    data: items,
    meta: { page, page_size: size, has_more: page < pages },
    links: { self: link(page), prev: page > 1 ? link(page - 1) : null, next: page < pages ? link(page + 1) : null },
  };
}

/** The same query, of another page. */
function linkQuery({ from, to, q, pageSize }: FacetQuery, page: number): string {
  const said = defined({ [SPAN[0]]: from, [SPAN[1]]: to, q, page_size: pageSize, page: String(page) });
  return new URLSearchParams(said as Record<string, string>).toString();
}
