/** The nightly reconciliation: the last days of the books, one line in the log that a metric is made of. */
import type { Env } from '../../lib/env.ts';
import { formatUsd, toUsdNumber } from '../../lib/domain/money.ts';
import { gatewayLimits } from '../../lib/money/gateway-limits.ts';
import type { Log } from '../../lib/log.ts';
import { reconcile, type Reconciliation } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import type { Stores } from '../../lib/stores/stores.ts';

const DAY_MS = 86_400_000;
/** Days looked back at: every window of a month or less is in it as a whole. */
const DAYS = 35;
/** Differences that are named in the log, most. */
const MOST_NAMED = 20;

/** What it needs. */
export interface ReconcilerShell {
  readonly env: Pick<
    Env,
    'TOLLGATE_MAX_BUDGET' | 'TOLLGATE_BUDGET_DURATION' | 'TOLLGATE_MODEL_LIMITS' | 'TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS'
  >;
  readonly stores: Stores;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The handler. Rejects when something differs, so that the alarm on errors sees it. */
export function createReconciler({ env, stores, log, now = Date.now }: ReconcilerShell) {
  return async function reconcileNightly(): Promise<Pick<Reconciliation, 'entries'> & { readonly checks: number }> {
    const from = Math.floor(now() / DAY_MS) * DAY_MS - DAYS * DAY_MS;
    const done = await reconcile(
      {
        stores,
        readMeter: (id) => readMeter(stores.meters, id),
        settings: { global: gatewayLimits(env), userBudgetsForTeamKeys: env.TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS },
        now,
      },
      { from },
    );
    const differing = done.checks.filter(({ difference }) => difference !== 0n);
    log(differing.length === 0 ? 'info' : 'error', 'reconciliation', {
      differenceUsd: toUsdNumber(done.difference),
      differing: differing.length,
      checks: done.checks.length,
      entries: done.entries,
      spend: formatUsd(done.spend),
      unpriced: done.unpriced,
    });
    for (const { what, scope, of, ledger, counted } of differing.slice(0, MOST_NAMED)) {
      log('error', 'the books differ', { what, scope, of, ledger: formatUsd(ledger), counted: formatUsd(counted) });
    }
    if (differing.length > 0) throw new Error(`${differing.length} of ${done.checks.length} sums differ from the ledger`);
    return { checks: done.checks.length, entries: done.entries };
  };
}
