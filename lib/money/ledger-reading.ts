/** Reading the books page by page. */
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Scope } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { allOf } from '../domain/pages.ts';
import { dayOf, netSpend, TOTAL_KINDS, type TotalScope } from '../domain/total.ts';
import { nameOf } from './ledger-sums.ts';
import type { Stores } from '../stores/stores.ts';

/** Entries read at once. */
const PAGE = 1_000;
/** Questions to a store at once. */
const AT_ONCE = 16;

/** A stretch of time in milliseconds since the epoch, `from` inclusive and `to` exclusive; open where absent. */
export interface OpenSpan {
  readonly from?: number;
  readonly to?: number;
}

/** Every entry of the span, newest first; without a span, every entry there is, in no order. */
export function entriesOf({ ledger }: Pick<Stores, 'ledger'>, { from, to }: OpenSpan): AsyncGenerator<LedgerEntry> {
  if (from === undefined && to === undefined) return allOf(({ cursor }) => ledger.scan(cursor));
  const span = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  return allOf((page) => ledger.list({ ...span, ...page }));
}

/**
 * The entries of one scope: of a key by the ledger's own index, else by the lists that the consumer of its stream keeps. Of a session, those
 * of other keys that gave theirs the same name as well. Not for models and not for the gateway as a whole, which nothing lists.
 */
export async function* entriesOfScope(
  { ledger, totals }: Pick<Stores, 'ledger' | 'totals'>,
  scope: Scope,
  span: { readonly from: number; readonly to: number },
): AsyncGenerator<LedgerEntry> {
  if (span.from >= span.to) return;
  if (scope.kind === 'key') return yield* allOf((page) => ledger.list({ keyHash: scope.id, ...span, ...page }));
  const ids: string[] = [];
  for await (const { id } of allOf((page) => totals.calls(listed(scope), span, page))) {
    ids.push(id);
    if (ids.length === PAGE) yield* await ledger.getAll(ids.splice(0));
  }
  yield* await ledger.getAll(ids);
}

/** True for scopes whose entries can be found without reading all of the ledger. */
export const isListed = ({ kind }: Scope): boolean => kind !== 'global' && kind !== 'model';

/** Whose list the calls of a scope are in. */
const listed = ({ kind, id }: Scope): Scope => {
  if (kind === 'organization-member') return { kind: 'user', id: innerId(id) };
  return { kind, id: kind === 'session' ? innerId(id) : id };
};

/** The second half of what `pairId` made. */
const innerId = (pair: string): string => decodeURIComponent(pair.slice(pair.indexOf('/') + 1));

/** Spend of the life of every scope, by name. */
export async function readLives({ totals }: Pick<Stores, 'totals'>): Promise<Map<string, Money>> {
  const lives = new Map<string, Money>();
  for (const kind of TOTAL_KINDS) {
    for await (const { id, total } of allOf((page) => totals.list(kind, page))) {
      const name = nameOf({ kind, id });
      lives.set(name, (lives.get(name) ?? 0n) + netSpend(total));
    }
  }
  return lives;
}

/** Spend of these scopes on every day that lies in the span as a whole, by name and day. */
export async function readDays(
  { totals }: Pick<Stores, 'totals'>,
  scopes: Iterable<string>,
  { from, to }: OpenSpan,
): Promise<Map<string, Money>> {
  const days = new Map<string, Money>();
  const span = {
    from: from === undefined ? '0000-01-01' : dayOf(from),
    to: to === undefined ? '9999-12-31' : dayOf(to - 1),
  };
  await inTurn([...scopes], async (name) => {
    const split = name.indexOf('#');
    const scope = { kind: name.slice(0, split), id: name.slice(split + 1) } as TotalScope;
    for await (const { day, total } of allOf((page) => totals.days(scope, span, page))) {
      days.set(`${name} ${day}`, (days.get(`${name} ${day}`) ?? 0n) + netSpend(total));
    }
  });
  return days;
}

/** Does something for each, some at once. */
export async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(run))));
  }
  return results;
}
