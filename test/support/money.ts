/** Reads the budget meter of a key. Amounts in 1e-12 USD. */
import { budgetMeter } from '../../lib/domain/budget.ts';
import { hashSecret } from '../../lib/domain/key.ts';
import { heldOf, spentOf, type Meter } from '../../lib/domain/meter.ts';
import type { Money } from '../../lib/domain/money.ts';
import { readMeter } from '../../lib/money/shards.ts';
import type { Stores } from '../../lib/stores/stores.ts';

async function meterOf(stores: Stores, secret: string): Promise<Meter | undefined> {
  const key = await stores.keys.get(hashSecret(secret));
  if (key === undefined) throw new Error('no such key');
  return readMeter(stores.meters, budgetMeter(key, Date.now()).meter);
}

/** What open requests hold, once settlements under way are through: waits for the last one up to two seconds. */
export async function heldNow(stores: Stores, secret: string): Promise<Money> {
  for (let attempt = 0; ; attempt++) {
    const meter = await meterOf(stores, secret);
    const held = meter === undefined ? 0n : heldOf(meter, 'usd');
    if (held === 0n || attempt === 200) return held;
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** What was spent for good in the current window. */
export async function spentNow(stores: Stores, secret: string): Promise<Money> {
  const meter = await meterOf(stores, secret);
  return meter === undefined ? 0n : spentOf(meter, 'usd');
}
