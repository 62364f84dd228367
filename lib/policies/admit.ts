/**
 * The money policy: estimates the most a request may use, takes every hold it needs, lets it through, and settles what it really used
 * once the last byte is out. The one door to a provider.
 */
import { scopeOf } from '../domain/key.ts';
import { formatUsd, type Money } from '../domain/money.ts';
import { GatewayError } from '../errors.ts';
import type { Exchange, Outcome, Reply } from '../exchange.ts';
import { settleCall } from '../money/settlement.ts';
import { costHeaders } from './cost-headers.ts';
import { enter, FREE, type EntranceDeps, type Pass } from './entrance.ts';
import { entryOf } from './entry.ts';
import { outcomeOfFailure } from './outcome.ts';
import type { Policy } from './policy.ts';
import { scopesOf, type ScopeSettings } from './scopes.ts';
import { tellCrossings } from './soft-budget.ts';

/** What the policy needs. */
export interface AdmitDeps extends EntranceDeps {
  /** What a key has spent over its whole life, 1e-12 USD; may be seconds old. */
  readonly spendOf: (keyHash: string) => Promise<Money>;
  /** No ledger entries for calls of the master key that count against no limit. Keys always have theirs. */
  readonly disableLedger: boolean;
  readonly scopes?: ScopeSettings;
}

/** Holds before, settles after. */
export function admit(deps: AdmitDeps): Policy {
  return async function admitPolicy(exchange, next) {
    const { caller } = exchange;
    const scopes = scopesOf(exchange, deps.scopes ?? {});
    const pass = scopes.length === 0 ? FREE : await enter(deps, exchange, scopes);
    const settle = async (outcome: Outcome, status: number): Promise<void> => {
      // Limits count for whoever calls: what they count has to be in the books.
      if (scopes.length > 0 || !isUnbooked(deps, exchange)) await leave(deps, exchange, pass, outcome, status);
    };
    exchange.admission = pass.admission;
    // Asked beside the call and not before it: the figure is for a header.
    const total = pass.spent === undefined ? lifeSpend(deps, caller) : undefined;
    let reply: Reply;
    try {
      reply = await next();
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      await settle(outcomeOfFailure(exchange, error), error.status);
      throw thrown;
    }
    const settled = reply.done.then(async (outcome) => {
      await settle(outcome, reply.status);
      return outcome;
    });
    // A body of bytes is complete, so its outcome is known; the client does not wait for the settlement.
    const outcome = reply.body instanceof Uint8Array ? await reply.done : undefined;
    const headers = {
      ...reply.headers,
      ...exchange.admission.headers,
      ...spendHeaders(exchange, pass.spent ?? (await total), outcome),
    };
    return { ...reply, headers, done: settled };
  };
}

/** A call that leaves no trace unless a limit counts it: neither holds nor an entry. */
const isUnbooked = ({ disableLedger }: AdmitDeps, { caller }: Exchange): boolean => caller?.type === 'master' && disableLedger;

/** A key's spend, for want of a meter; undefined for the master key, and when it cannot be read. */
async function lifeSpend({ spendOf }: AdmitDeps, caller: Exchange['caller']): Promise<Money | undefined> {
  if (caller?.type !== 'key') return undefined;
  return spendOf(scopeOf(caller.key).id).catch(() => undefined);
}

/** Writes the entry and settles the holds. Never throws. */
async function leave(deps: AdmitDeps, exchange: Exchange, pass: Pass, outcome: Outcome, httpStatus: number): Promise<void> {
  const { held, heldIn } = pass.admission;
  const hold = held === undefined || heldIn === undefined ? {} : { held, heldIn };
  const entry = entryOf(exchange, { outcome, httpStatus, now: deps.now(), ...hold });
  if (held !== undefined && entry.cost !== undefined && entry.cost > held) {
    deps.log('warn', 'a call cost more than was held for it', {
      id: exchange.id,
      cost: formatUsd(entry.cost),
      held: formatUsd(held),
    });
  }
  await settleCall(deps, entry, pass.holds);
  if (pass.watched.length > 0) await tellCrossings(deps, pass.watched);
}

/** The cost of the call where it is known before the head goes out, and what its key has spent. */
function spendHeaders(
  { target, lost }: Exchange,
  spent: Money | undefined,
  outcome: Outcome | undefined,
): Record<string, string> {
  const own = outcome?.usage && target?.price?.(outcome.usage);
  const cost = own && { ...own, total: lost.reduce((sum, attempt) => sum + (attempt.cost ?? 0n), own.total) };
  return {
    ...(cost === undefined ? {} : costHeaders(cost, target?.sheet)),
    ...(spent === undefined ? {} : { 'x-litellm-key-spend': formatUsd(spent + (cost?.total ?? 0n)) }),
  };
}
