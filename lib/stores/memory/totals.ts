/** Totals in memory. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { Scope } from '../../domain/meter.ts';
import {
  addTotals,
  dimensionsOf,
  listedUnder,
  NO_TOTAL,
  scopesOf,
  totalOf,
  type DayTotal,
  type Total,
  type TotalKind,
} from '../../domain/total.ts';
import type { Page } from '../keys.ts';
import type { CallRef, PageOf, TotalStore } from '../totals.ts';
import { pageOf as newestFirst } from './pages.ts';

/** One generation. Scopes by `kind#id`. */
interface Generation {
  readonly applied: Set<string>;
  readonly lives: Map<string, Total>;
  readonly days: Map<string, Map<string, DayTotal>>;
  readonly calls: Map<string, CallRef[]>;
}

const empty = (): Generation => ({ applied: new Set(), lives: new Map(), days: new Map(), calls: new Map() });

const nameOf = ({ kind, id }: Scope): string => `${kind}#${id}`;

/** Totals in memory. */
export function createTotalStore(): TotalStore {
  let live = { number: 0, generation: empty() };
  let open: { readonly number: number; readonly generation: Generation } | undefined;

  return {
    async apply(entries) {
      if (open !== undefined) fill(open.generation, entries);
      return fill(live.generation, entries);
    },

    read: async (scope) => live.generation.lives.get(nameOf(scope)) ?? NO_TOTAL,

    async list(kind: TotalKind, page) {
      const all = [...live.generation.lives]
        .filter(([name]) => name.startsWith(`${kind}#`))
        .map(([name, total]) => ({ id: name.slice(kind.length + 1), total }));
      return pageOf(all, page);
    },

    async days(scope, { from, to }, page) {
      const rows = [...(live.generation.days.get(nameOf(scope))?.values() ?? [])]
        .filter(({ day }) => day >= from && day <= to)
        .toSorted((one, other) => (one.day < other.day ? 1 : -1));
      return pageOf(rows, page);
    },

    async calls(scope, { from, to }, page) {
      const calls = (live.generation.calls.get(nameOf(scope)) ?? []).filter(({ at }) => at >= from && at < to);
      return newestFirst(calls, (call) => call, page);
    },

    rebuild: {
      async begin() {
        open ??= { number: live.number + 1, generation: empty() };
        return open.number;
      },
      async fill(number, entries) {
        if (open?.number !== number) throw new Error(`generation ${number} is not open`);
        return fill(open.generation, entries);
      },
      async finish(number) {
        if (live.number === number) return;
        if (open?.number !== number) throw new Error(`generation ${number} is not open`);
        live = open;
        open = undefined;
      },
      sweep: async () => 0,
    },
  };
}

function fill({ applied, lives, days, calls }: Generation, entries: readonly LedgerEntry[]): number {
  let added = 0;
  for (const entry of entries) {
    if (applied.has(entry.id)) continue;
    applied.add(entry.id);
    added++;
    const dimensions = dimensionsOf(entry);
    for (const scope of scopesOf(entry)) {
      const name = nameOf(scope);
      lives.set(name, addTotals(lives.get(name) ?? NO_TOTAL, totalOf(entry)));
      const rows = days.get(name) ?? new Map<string, DayTotal>();
      days.set(name, rows);
      const row = JSON.stringify(dimensions);
      rows.set(row, { ...dimensions, total: addTotals(rows.get(row)?.total ?? NO_TOTAL, totalOf(entry)) });
    }
    for (const scope of listedUnder(entry)) {
      const known = calls.get(nameOf(scope)) ?? [];
      calls.set(nameOf(scope), known);
      known.push({ id: entry.id, at: entry.at });
    }
  }
  return added;
}

function pageOf<T>(all: readonly T[], { limit, cursor }: PageOf): Page<T> {
  const start = cursor === undefined ? 0 : Number(cursor);
  const end = start + limit;
  return { items: all.slice(start, end), ...(end < all.length ? { cursor: String(end) } : {}) };
}
