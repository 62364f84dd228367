/** Spend that is taken back from an owner, and said so in the history. */
import type { LimitedScope } from '../domain/budget.ts';
import { toUsdNumber, type Money } from '../domain/money.ts';
import type { Owner } from '../domain/owner.ts';
import type { Caller } from '../exchange.ts';
import { countedSpend, takeBack } from '../money/adjustment.ts';
import { actorOf } from './access.ts';
import { audit } from './audit.ts';
import type { ManagementDeps } from './deps.ts';

/** From whom, down to what, and why. */
interface Taking {
  readonly kind: 'key' | 'team';
  readonly id: string;
  readonly limited: LimitedScope;
  /** Whom the entry of the ledger names. */
  readonly owner: Owner;
  /** What is left as spent, 1e-12 USD. */
  readonly target: Money;
  /** The route that asked for it. */
  readonly route: string;
}

/**
 * Takes back what an owner spent above `target`. Gives what was taken, 1e-12 USD.
 *
 * @throws GatewayError `conflict` where others take back from it at the same time
 */
export async function takeBackFrom(deps: ManagementDeps, caller: Caller, taking: Taking): Promise<Money> {
  const { kind, id, limited, owner, target, route } = taking;
  const taken = await takeBack(deps, limited, target, { route, by: actorOf(caller), owner });
  if (taken > 0n) {
    const after = await countedSpend(deps, limited);
    await audit(deps, caller, {
      action: 'updated',
      kind,
      id,
      before: { spend: toUsdNumber(after + taken) },
      after: { spend: toUsdNumber(after) },
    });
  }
  return taken;
}
