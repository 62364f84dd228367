/** How spend gets into a meter that did not hold it: by a count that only follows the ledger, so that each amount gets in once. */
import type { Budget } from '../domain/budget.ts';
import { BROUGHT_IN, type Meter } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { countOf } from '../domain/shard.ts';
import type { MeterStore } from '../stores/meters.ts';

/** What was brought into a meter so far, 1e-12 USD. */
export const broughtInto = (meter: Meter | undefined): Money => countOf(meter, BROUGHT_IN);

/**
 * Adds spend to a meter, there or not, if nothing was brought in since it was read. Calls that hold and settle meanwhile are not in the
 * way. Repeated after a time-out, it finds itself done, and says that it was not this time.
 *
 * @param seen the meter as it was when `missing` was found; undefined when there was none
 * @returns false when somebody else brought something in
 */
export async function bringIn(
  meters: Pick<MeterStore, 'change'>,
  { meter, window }: Pick<Budget, 'meter' | 'window'>,
  seen: Meter | undefined,
  missing: Money,
): Promise<boolean> {
  const change = { add: { usd: missing, [BROUGHT_IN]: missing }, equal: { [BROUGHT_IN]: broughtInto(seen) } };
  return (await meters.change(meter, change, { window, amounts: { usd: missing } })).done;
}
