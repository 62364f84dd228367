/** Calls for proofs about money: priced targets, keys with caps, and what stands in the books afterwards. */
import { budgetMeter } from '../../lib/domain/budget.ts';
import { newCallId } from '../../lib/domain/call-id.ts';
import { scopeOf, type VirtualKey } from '../../lib/domain/key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { heldOf, meterId, type Meter } from '../../lib/domain/meter.ts';
import type { Money } from '../../lib/domain/money.ts';
import { costOf } from '../../lib/domain/price.ts';
import type { PriceSheet } from '../../lib/domain/price-types.ts';
import type { Exchange, Outcome, Reply, Target } from '../../lib/exchange.ts';
import { sweep, type Sweep } from '../../lib/money/keeper.ts';
import { joinLedger } from '../../lib/money/joint-ledger.ts';
import { joinMeters } from '../../lib/money/joint-meters.ts';
import { admit, type AdmitDeps } from '../../lib/policies/admit.ts';
import type { Policy } from '../../lib/policies/policy.ts';
import { createShardHints, readMeter } from '../../lib/money/shards.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { aDeployment, aKey, anExchange, NOW } from '../support/exchange.ts';

/** Output tokens cost 1e-6 USD, input nothing: a call's worst case is its output cap alone. */
const SHEET: PriceSheet = {
  source: 'operator',
  version: 'operator',
  prices: { input_cost_per_token: 0, output_cost_per_token: 1e-6 },
};

/** 1e-12 USD for one output token. */
export const TOKEN: Money = 1_000_000n;

/** After every lease of a call that arrived at `NOW`. */
export const MUCH_LATER = NOW + 3_600_000;

/** A deployment whose price is known. */
export const aTarget = (): Target => ({
  deployment: aDeployment(),
  model: 'gpt-4o-mini',
  maxOutputTokens: 1_000,
  sheet: SHEET,
  price: (usage) => costOf(SHEET, usage),
});

/** A key nobody else has. */
export const aCappedKey = (over: Partial<VirtualKey>): VirtualKey =>
  aKey({ hash: newCallId(NOW), budgetAnchor: NOW - 1000, ...over });

/** A call of a key that may write at most `maxOutputTokens`. */
export function aCall(key: VirtualKey, maxOutputTokens: number, over: Partial<Exchange> = {}): Exchange {
  const generate = { ...anExchange().generate, maxOutputTokens };
  return anExchange({ id: newCallId(NOW), caller: { type: 'key', key }, plan: [aTarget()], generate, ...over });
}

/** The provider's side of a call: answers with an outcome that used this many output tokens. */
export function answering(exchange: Exchange, outcome: Outcome | Promise<Outcome>): () => Promise<Reply> {
  return async () => {
    exchange.target = aTarget();
    return { status: 200, headers: {}, body: stream(), done: Promise.resolve(outcome) };
  };
}

async function* stream(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array();
}

/** An outcome that used this many output tokens. */
export const used = (outputTokens: number, status: Outcome['status'] = 'success'): Outcome => ({
  status,
  usage: { inputTokens: 5, outputTokens, source: 'provider' },
});

/** The money policy on these stores; no pauses, the clock stands still. */
export function admitOn(stores: Pick<Stores, 'meters' | 'ledger'>, over: Partial<AdmitDeps> = {}): Policy {
  const { meters, ledger } = stores;
  return admit({
    meters,
    ledger,
    now: () => NOW,
    log: () => {},
    sleep: async () => {},
    expired: 'hold',
    hints: createShardHints(),
    spendOf: async () => 0n,
    disableLedger: false,
    ...over,
  });
}

/** The stores as the calls of one process have them: what comes while a request is under way goes together. */
export const joined = (
  { meters, ledger }: Pick<Stores, 'meters' | 'ledger'>,
  lanes = 1,
): Pick<Stores, 'meters' | 'ledger'> => ({
  meters: joinMeters(meters, { lanes }),
  ledger: joinLedger(ledger, { lanes }),
});

/** Runs the keeper after every lease has ended. */
export const keep = ({ meters, ledger }: Pick<Stores, 'meters' | 'ledger'>, now = MUCH_LATER): Promise<Sweep> =>
  sweep({ meters, ledger, now: () => now, policy: 'hold', limit: 1_000, log: () => {} });

/** What the stores say of a key: its meters, and the sum and entries of its ledger. */
export interface Books {
  readonly committed: Money;
  readonly held: Money;
  readonly openHolds: number;
  readonly slots: bigint;
  readonly ledger: Money;
  readonly entries: readonly LedgerEntry[];
}

/** Reads the books of a key. */
export async function booksOf(stores: Stores, key: VirtualKey): Promise<Books> {
  const scope = scopeOf(key);
  const [budget, slots, entries] = await Promise.all([
    readMeter(stores.meters, budgetMeter(key, NOW).meter),
    readMeter(stores.meters, meterId(scope, 'parallel', { name: 'total', start: 0 })),
    entriesOf(stores, scope.id),
  ]);
  const meters = [budget, slots].filter((meter): meter is Meter => meter !== undefined);
  return {
    committed: budget?.committed.usd ?? 0n,
    held: budget === undefined ? 0n : heldOf(budget, 'usd'),
    openHolds: meters.reduce((sum, { holds }) => sum + holds.length, 0),
    slots: slots?.committed.parallel ?? 0n,
    ledger: entries.reduce((sum, { cost = 0n }) => sum + cost, 0n),
    entries,
  };
}

async function entriesOf({ ledger }: Stores, keyHash: string): Promise<readonly LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await ledger.list({ keyHash, limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    entries.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return entries;
}
