/** Soft budgets: nothing is refused, somebody is told, once per window. */
import { spentOf, type HoldRequest } from '../domain/meter.ts';
import { formatUsd } from '../domain/money.ts';
import { countOf, isShard } from '../domain/shard.ts';
import { counted, describeError, type Log } from '../log.ts';
import { readMeter } from '../money/shards.ts';
import type { MeterStore } from '../stores/meters.ts';
import type { Held } from './admission.ts';
import { describeScope } from './refusal.ts';

/** The count that says of which soft budget (1e-12 USD) people were told. */
const TOLD = 'told';

/** What telling needs. */
export interface SoftBudgetDeps {
  readonly meters: MeterStore;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Holds whose soft budget may be crossed when their call is settled: spent and held together reach it. A shard knows only its part; calls
 * that hold in the meter itself see the whole.
 */
export const watchedIn = (held: readonly Held[]): readonly HoldRequest[] =>
  held
    .filter(
      ({ request: { soft }, meter }) =>
        soft !== undefined && !isShard(meter.id) && (meter.committed.usd ?? 0n) >= soft && countOf(meter, TOLD) !== soft,
    )
    .map(({ request }) => request);

/**
 * Tells of the soft budgets that are crossed by now, as a log line and the metric `SoftBudgetCrossed`. A mark on the meter makes it one
 * line, however many calls see it. Never throws: the next call sees it too.
 */
export async function tellCrossings(deps: SoftBudgetDeps, watched: readonly HoldRequest[]): Promise<void> {
  const results = await Promise.allSettled(watched.map((request) => tell(deps, request)));
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    deps.log('warn', 'a soft budget could not be checked', { error: describeError(result.reason) });
  }
}

async function tell({ meters, log, now }: SoftBudgetDeps, request: HoldRequest): Promise<void> {
  const { soft = 0n, scope, name, window } = request;
  const meter = await readMeter(meters, request.meter);
  if (meter === undefined || spentOf(meter, 'usd') < soft) return;
  const told = countOf(meter, TOLD);
  if (told === soft) return;
  const { done } = await meters.change(request.meter, { add: { [TOLD]: soft - told }, equal: { [TOLD]: told } }, request);
  if (!done) return;
  log('warn', `soft budget crossed: ${describeScope({ scope, ...(name === undefined ? {} : { name }) })}`, {
    ...counted('SoftBudgetCrossed', { scope: scope.kind }, now()),
    scopeId: scope.id,
    window: window.name,
    softBudget: formatUsd(soft),
    spent: formatUsd(spentOf(meter, 'usd')),
  });
}
