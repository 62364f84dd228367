/** Calls between their entry and their settlement in a meter. */
import { callIdOf } from '../domain/call-id.ts';
import { wasHeldIn, type LedgerEntry } from '../domain/ledger-entry.ts';
import { meterMark, type Meter } from '../domain/meter.ts';
import type { LedgerStore } from '../stores/ledger.ts';

/** The entries that are written of calls that still hold in a meter: they will tell it themselves what they cost. Each one once. */
export async function settlingIn(ledger: Pick<LedgerStore, 'getAll'>, { id, holds }: Meter): Promise<readonly LedgerEntry[]> {
  // A call that tried again may have several holds here: its entry is one.
  const calls = new Set(holds.map((hold) => callIdOf(hold.id)));
  const entries = await ledger.getAll([...calls]);
  return entries.filter((entry) => wasHeldIn(entry, meterMark(id)));
}
