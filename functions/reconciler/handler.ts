/** The nightly reconciliation: one line in the log that a metric is made of. */
import type { Env } from '../../lib/env.ts';
import { formatUsd, toUsdNumber } from '../../lib/domain/money.ts';
import { dayOf } from '../../lib/domain/total.ts';
import { gatewayLimits } from '../../lib/money/gateway-limits.ts';
import type { Log } from '../../lib/log.ts';
import { closingDay, reconcile, type ReconcileDeps, type Reconciliation } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import type { Stores } from '../../lib/stores/stores.ts';

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

/**
 * The handler: everything is compared, but the ledger is read from the last checkpoint on alone. Where that does not come out even (an operator
 * changed books of long ago, or a budget reaches back beyond it), all of the ledger decides. Rejects when something differs, so that the
 * alarm on errors sees it.
 */
export function createReconciler({ env, stores, log, now = Date.now }: ReconcilerShell) {
  const deps: ReconcileDeps = {
    stores,
    readMeter: (id) => readMeter(stores.meters, id),
    settings: { global: gatewayLimits(env), userBudgetsForTeamKeys: env.TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS },
    now,
    bringsIn: true,
  };

  async function compared(closeAt: number): Promise<Reconciliation> {
    const since = await stores.checkpoints.read();
    if (since === undefined || since.at > closeAt) return reconcile(deps, { closeAt });
    const quick = await reconcile(deps, { since, closeAt });
    if (quick.difference === 0n) return quick;
    log('warn', 'the books differ from the last checkpoint on; all of the ledger is read', { since: dayOf(since.at) });
    return reconcile(deps, { closeAt });
  }

  return async function reconcileNightly(): Promise<Pick<Reconciliation, 'entries'> & { readonly checks: number }> {
    const done = await compared(closingDay(now()));
    if (done.closed !== undefined) await stores.checkpoints.write(done.closed);
    const differing = done.checks.filter(({ difference }) => difference !== 0n);
    log(differing.length === 0 ? 'info' : 'error', 'reconciliation', {
      differenceUsd: toUsdNumber(done.difference),
      differing: differing.length,
      checks: done.checks.length,
      entries: done.entries,
      spend: formatUsd(done.spend),
      unpriced: done.unpriced,
      ...(done.broughtIn === 0n ? {} : { broughtIn: formatUsd(done.broughtIn) }),
      ...(done.sessionParts === 1 ? {} : { sessionParts: done.sessionParts }),
    });
    for (const { what, scope, of, ledger, counted } of differing.slice(0, MOST_NAMED)) {
      log('error', 'the books differ', { what, scope, of, ledger: formatUsd(ledger), counted: formatUsd(counted) });
    }
    if (differing.length > 0) throw new Error(`${differing.length} of ${done.checks.length} sums differ from the ledger`);
    return { checks: done.checks.length, entries: done.entries };
  };
}
