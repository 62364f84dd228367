/** The keeper's shell: one bounded sweep per start. */
import type { Env } from '../../lib/env.ts';
import { sweep, type Sweep } from '../../lib/keeper.ts';
import type { Log } from '../../lib/log.ts';
import type { LedgerStore } from '../../lib/stores/ledger.ts';
import type { MeterStore } from '../../lib/stores/meters.ts';

/** Most meters of one sweep: what fits into its minute with room to spare. The next sweep goes on. */
const SWEEP_LIMIT = 500;

/** What the keeper needs. */
export interface KeeperShell {
  readonly env: Pick<Env, 'TOLLGATE_EXPIRED_HOLD'>;
  readonly stores: { readonly meters: MeterStore; readonly ledger: LedgerStore };
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The handler. Rejects when a meter could not be settled, so that the alarm on errors sees it. */
export function createKeeper({ env, stores, log, now = Date.now }: KeeperShell) {
  return async function keep(): Promise<Sweep> {
    const done = await sweep({ ...stores, log, now, policy: env.TOLLGATE_EXPIRED_HOLD, limit: SWEEP_LIMIT });
    if (done.failed > 0)
      throw new Error(`${done.failed} of ${done.meters} meters could not be settled; the next sweep tries again`);
    return done;
  };
}
