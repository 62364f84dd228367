/** What the ledger says of everything that is counted: sums over its entries, per meter, life and day. */
import { countsOn, meteredScopes } from './budgeted-scopes.ts';
import type { Budget } from '../domain/budget.ts';
import type { Checkpoint, MeterSum } from '../domain/checkpoint.ts';
import { wasHeldIn, type LedgerEntry } from '../domain/ledger-entry.ts';
import { meterMark } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { dayOf, scopesOf, type TotalScope } from '../domain/total.ts';
import type { ScopeSettings } from '../policies/scopes.ts';

/** One sum. Amounts in 1e-12 USD. */
export class Sum {
  spend: Money;
  /** What was spent of it that may not have been counted yet. */
  underWay = 0n;
  /** What was taken back in it that may not have been counted yet; 0 or less. */
  backUnderWay = 0n;
  /** Part of it whose calls did not hold in the meter: it never hears of them by itself. */
  unheld: Money;

  constructor(spend = 0n, unheld = 0n) {
    this.spend = spend;
    this.unheld = unheld;
  }

  /** @param settled what ended at or after this moment is under way; milliseconds since the epoch */
  add(entry: LedgerEntry, settled: number, isHeld = true): void {
    const { cost = 0n, endedAt } = entry;
    this.spend += cost;
    if (!isHeld) this.unheld += cost;
    else if (endedAt >= settled) this.addUnderWay(entry);
  }

  /** Says of an entry that was added that it may not have been counted yet. */
  addUnderWay({ cost = 0n }: LedgerEntry): void {
    if (cost < 0n) this.backUnderWay += cost;
    else this.underWay += cost;
  }
}

/** `team#t1`. */
export const nameOf = ({ kind, id }: Pick<TotalScope, 'kind' | 'id'> | Budget['scope']): string => `${kind}#${id}`;

/** A sum in a map; made when it is new. */
export function sumIn(sums: Map<string, Sum>, name: string): Sum {
  const known = sums.get(name);
  if (known !== undefined) return known;
  const sum = new Sum();
  sums.set(name, sum);
  return sum;
}

/** What is summed up. */
export interface Summed {
  readonly budgets: readonly Budget[];
  readonly settings: ScopeSettings;
  /** Patterns of models that have budgets. */
  readonly models: readonly string[];
  /** What ended at or after this moment is under way; milliseconds since the epoch. */
  readonly settled: number;
}

/** Sums of the entries that were added, on top of a checkpoint where there is one. */
export class LedgerSums {
  /** By id of the meter. */
  readonly meters = new Map<string, Sum>();
  readonly lives = new Map<string, Sum>();
  /** By scope and day, as `team#t1 2026-11-22`. */
  readonly days = new Map<string, Sum>();
  entries: number;
  spend: Money;
  unpriced: number;
  readonly #summed: Summed;
  readonly #budgets: Map<string, readonly { readonly budget: Budget; readonly mark: string }[]>;

  constructor(summed: Summed, since?: Checkpoint) {
    this.#summed = summed;
    const marked = summed.budgets.map((budget) => ({ budget, mark: meterMark(budget.meter) }));
    this.#budgets = Map.groupBy(marked, ({ budget }) => nameOf(budget.scope));
    this.entries = since?.entries ?? 0;
    this.spend = since?.spend ?? 0n;
    this.unpriced = since?.unpriced ?? 0;
    for (const [name, spend] of since?.lives ?? []) this.lives.set(name, new Sum(spend));
    for (const { meter } of summed.budgets) {
      const known = since?.meters.get(meter);
      if (known !== undefined) this.meters.set(meter, new Sum(known.ledger, known.unheld));
    }
  }

  add(entry: LedgerEntry): void {
    const { settled } = this.#summed;
    this.entries++;
    this.spend += entry.cost ?? 0n;
    if (entry.cost === undefined) this.unpriced++;
    this.addToMeters(entry);
    for (const scope of scopesOf(entry)) {
      sumIn(this.lives, nameOf(scope)).add(entry, settled);
      sumIn(this.days, `${nameOf(scope)} ${dayOf(entry.at)}`).add(entry, settled);
    }
  }

  /** To the meters of its scopes alone, or of one of them. */
  addToMeters(entry: LedgerEntry, only?: string): void {
    const { settings, models, settled } = this.#summed;
    for (const name of meteredScopes(entry, settings, models)) {
      for (const { budget, mark } of this.#budgets.get(name) ?? []) {
        if ((only !== undefined && budget.meter !== only) || !countsOn(budget, entry)) continue;
        sumIn(this.meters, budget.meter).add(entry, settled, wasHeldIn(entry, mark));
      }
    }
  }

  /** The sums as a checkpoint at a moment that every entry added arrived before. Meters are those whose windows reach beyond it. */
  closedAt(at: number): Checkpoint {
    const { budgets, settings } = this.#summed;
    const reaching = budgets.filter(({ window }) => window.start < at && (window.end ?? Infinity) > at);
    const meters = reaching.map(({ meter }): [string, MeterSum] => {
      const { spend: ledger, unheld } = this.meters.get(meter) ?? new Sum();
      return [meter, { ledger, unheld }];
    });
    return {
      at,
      userBudgetsForTeamKeys: settings.userBudgetsForTeamKeys === true,
      entries: this.entries,
      spend: this.spend,
      unpriced: this.unpriced,
      lives: new Map([...this.lives].map(([name, { spend }]) => [name, spend])),
      meters: new Map(meters),
    };
  }
}
