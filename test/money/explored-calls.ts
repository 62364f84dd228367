/** Worlds for the explorer: a few calls that count against caps just too small for all of them, and keepers that come too early. */
import { budgetsOf } from '../../lib/domain/budget.ts';
import type { VirtualKey } from '../../lib/domain/key.ts';
import { scopeOf } from '../../lib/domain/key.ts';
import { heldOf, meterId, spentOf, type HoldRequest, type Scope } from '../../lib/domain/meter.ts';
import type { Money } from '../../lib/domain/money.ts';
import { countOf, isShard, shardId, shardsOf } from '../../lib/domain/shard.ts';
import type { Team } from '../../lib/domain/team.ts';
import { GatewayError } from '../../lib/errors.ts';
import { openLease, takeHolds } from '../../lib/policies/admission.ts';
import { createShardHints, readMeter, type ShardHints } from '../../lib/money/shards.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, joined, keep, MUCH_LATER, TOKEN, used } from './calls.ts';
import type { Actor, Books, World } from './explorer.ts';
import { PLAIN_TEAM } from '../support/records.ts';

/** After the leases of calls that came later, too. */
const LAST = MUCH_LATER + 3_600_000;

/** A call: what it may write at most, what it writes, in tokens. */
export interface PlannedCall {
  readonly most: number;
  readonly writes: number;
  /** Which of the keys, counted from 0. */
  readonly key?: number;
  /** It comes when the leases of the others are over. */
  readonly isLater?: boolean;
  /** Of a process of its own, where the others share one. */
  readonly isApart?: boolean;
}

/** What shall happen at once. Limits in tokens. */
export interface Plan {
  readonly calls: readonly PlannedCall[];
  readonly keyLimits: readonly number[];
  readonly teamLimit?: number;
  readonly parallelLimit?: number;
  /** Keepers that run after every lease, whether the calls are over or not. */
  readonly keepers?: number;
  /** Shards that every process believes the meters to have; call number n uses shard n modulo this. */
  readonly shards?: number;
  /** The calls, but for later ones and those apart, are of one process: what they ask of the stores travels together. */
  readonly together?: boolean;
}

/** A cap of a plan. */
interface Cap {
  readonly meter: string;
  readonly scope: Scope;
  readonly limit: Money;
  readonly counts: (key: number) => boolean;
}

type Ending = 'open' | 'admitted' | 'refused' | 'failed' | 'settled';

/** The world of a plan. */
export function aWorldOf(plan: Plan): World {
  const keys = plan.keyLimits.map((limit, index) => aKeyOf(plan, index, limit));
  const team = plan.teamLimit === undefined ? undefined : aTeam(plan.teamLimit);
  const caps: readonly Cap[] = [
    ...keys.map((key, index) => capOf(scopeOf(key), key, (of) => of === index)),
    ...(team === undefined ? [] : [capOf({ kind: 'team', id: team.id }, team, () => true)]),
  ];
  const hints = (): ShardHints => {
    const known = createShardHints();
    for (const { meter } of caps) known.learn(meter, plan.shards ?? 1);
    return known;
  };
  const endings: Ending[] = plan.calls.map(() => 'open');
  /** The most that was committed in a cap while a call ran. */
  const peaks: bigint[][] = plan.calls.map(() => caps.map(() => 0n));

  const actorOf = (call: PlannedCall, index: number): Actor => ({
    name: `call ${index}`,
    isLater: call.isLater === true,
    isAtTheDoor: () => call.isLater !== true && endings[index] === 'open',
    async run(stores) {
      const { key = 0, most, writes, isLater } = call;
      const caller = { type: 'key' as const, key: keys[key] as VirtualKey, ...(team === undefined ? {} : { team }) };
      const now = isLater === true ? MUCH_LATER : NOW;
      const exchange = aCall(caller.key, most, { id: idOf(plan, index), caller, deadline: now + 60_000 });
      const policy = admitOn(stores, { hints: hints(), now: () => now });
      try {
        const reply = await policy(exchange, () => {
          endings[index] = 'admitted';
          return answering(exchange, used(writes))();
        });
        await reply.done;
        endings[index] = 'settled';
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        endings[index] = error.kind === 'overloaded' ? 'failed' : 'refused';
        if (endings[index] === 'refused') justify(index);
      }
    },
  });

  /** A refusal needs a cap that had no room for the call at some time while it ran. */
  function justify(index: number): void {
    const { key = 0, most } = plan.calls[index] as PlannedCall;
    const isRight = caps.some(
      ({ limit, counts }, at) => counts(key) && (peaks[index]?.[at] ?? 0n) + BigInt(most) * TOKEN > limit,
    );
    if (!isRight && plan.parallelLimit === undefined) throw new Error(`call ${index} was refused although there was room`);
  }

  const callers = plan.calls.map(actorOf);
  const isShared = ({ isLater, isApart }: PlannedCall): boolean =>
    plan.together === true && isLater !== true && isApart !== true;
  const [shared, apart] = [true, false].map((wanted) =>
    callers.filter((_, index) => isShared(plan.calls[index] as PlannedCall) === wanted),
  ) as [Actor[], Actor[]];
  const ofOneProcess: Actor = {
    name: 'process',
    isAtTheDoor: () => shared.some(({ isAtTheDoor }) => isAtTheDoor?.() === true),
    async run(stores) {
      const together = joined(stores);
      await Promise.all(shared.map((caller) => caller.run(together)));
    },
  };

  return {
    actors: [
      ...(shared.length === 0 ? [] : [ofOneProcess]),
      ...apart,
      ...Array.from({ length: plan.keepers ?? 0 }, (_, index) => ({
        name: `keeper ${index}`,
        isLater: true,
        // One that cannot go on leaves the rest to the next.
        run: (stores: Books) => keep(stores).catch(refused),
      })),
    ],

    async check(stores) {
      const overrun = plan.calls.reduce((sum, { most, writes }) => sum + BigInt(Math.max(0, writes - most)) * TOKEN, 0n);
      for (const [at, { meter, limit }] of caps.entries()) {
        const [root, whole] = [await stores.meters.read(meter), await readMeter(stores.meters, meter)];
        const [counted = 0n, committed = 0n] = [root?.committed.usd, whole?.committed.usd];
        if (counted > limit + overrun) throw new Error(`${meter} has granted ${counted} of ${limit}`);
        if (committed > limit + overrun) throw new Error(`${meter} has committed ${committed} of ${limit}`);
        for (const [index, ending] of endings.entries()) {
          const peak = peaks[index] as bigint[];
          if (ending === 'open' && committed > (peak[at] ?? 0n)) peak[at] = committed;
        }
      }
    },

    async conclude(stores) {
      await keep(stores, LAST);
      await keep(stores, LAST);
      const { items } = await stores.ledger.scan();
      for (const [index, ending] of endings.entries()) {
        const call = plan.calls[index] as PlannedCall;
        const entry = items.find(({ id }) => id === idOf(plan, index));
        const cost = entry?.cost ?? 0n;
        const mayHaveExpired = (plan.keepers ?? 0) > 0 || plan.calls.some(({ isLater }) => isLater === true);
        const [most, writes] = [BigInt(call.most) * TOKEN, BigInt(call.writes) * TOKEN];
        const wanted = { open: [0n, most], admitted: [most, writes], failed: [0n], refused: [0n], settled: [writes] }[ending];
        if (mayHaveExpired && ending !== 'refused') wanted.push(most);
        if (!wanted.includes(cost)) throw new Error(`call ${index} (${ending}) is booked at ${cost}`);
        if (ending === 'settled' && entry === undefined) throw new Error(`call ${index} is not in the ledger`);
      }
      for (const cap of caps) await concludeCap(stores, cap, plan, keys);
      for (const key of keys) {
        const slots = await stores.meters.read(meterId(scopeOf(key), 'parallel', { name: 'total', start: 0 }));
        if ((slots?.committed.parallel ?? 0n) !== 0n || (slots?.holds.length ?? 0) > 0) throw new Error('a slot is left');
      }
    },
  };
}

function refused(error: unknown): void {
  if (!(error instanceof GatewayError)) throw error;
}

/** The meter says what the ledger says, nothing is held, and what is left can be spent, all of it and no more. */
async function concludeCap(stores: Books, cap: Cap, plan: Plan, keys: readonly VirtualKey[]): Promise<void> {
  const { meter: id, scope, limit, counts } = cap;
  const { items } = await stores.ledger.scan();
  const ledger = items
    .filter(({ keyHash }) => counts(keys.findIndex(({ hash }) => hash === keyHash)))
    .reduce((sum, { cost = 0n }) => sum + cost, 0n);
  const meter = await readMeter(stores.meters, id);
  const [spent, held] = meter === undefined ? [0n, 0n] : [spentOf(meter, 'usd'), heldOf(meter, 'usd')];
  if (held !== 0n || (meter?.holds.length ?? 0) > 0) throw new Error(`${id} still holds ${held}`);
  if (spent !== ledger) throw new Error(`${id} says ${spent}, the ledger ${ledger}`);
  const root = await stores.meters.read(id);
  for (const shard of root === undefined ? [] : shardsOf(root)) {
    const image = await stores.meters.read(shardId(id, shard));
    if (countOf(image, 'room.usd') < 0n) throw new Error(`shard ${shard} of ${id} gave out more than it has`);
  }
  const hints = createShardHints();
  hints.learn(id, plan.shards ?? 1);
  const deps = { ...stores, hints, now: () => MUCH_LATER, log: () => {}, expired: 'hold' as const };
  const take = (amount: Money, callId: string) => {
    const request: HoldRequest = {
      meter: id,
      scope,
      window: { name: 'total', start: NOW - 1000 },
      amounts: { usd: amount },
      limits: { usd: limit },
      swept: true,
    };
    return takeHolds(deps, [request], openLease(callId, 1, MUCH_LATER + 60_000));
  };
  const rest = limit - spent;
  if (rest > 0n && (await take(rest, 'rest0001')).type !== 'held') throw new Error(`${id} has ${rest} left, and refuses it`);
  if ((await take(1n, 'more0002')).type !== 'refused') throw new Error(`${id} gives more than it has`);
}

function capOf(scope: Scope, limits: VirtualKey | Team, counts: Cap['counts']): Cap {
  const budget = budgetsOf({ scope, limits }, NOW)[0];
  if (budget?.max === undefined || isShard(budget.meter)) throw new Error('a plan needs caps');
  return { meter: budget.meter, scope, limit: budget.max, counts };
}

const aKeyOf = ({ parallelLimit, teamLimit }: Plan, index: number, limit: number): VirtualKey =>
  aCappedKey({
    hash: `key-${index}`,
    maxBudget: BigInt(limit) * TOKEN,
    ...(parallelLimit === undefined ? {} : { maxParallelRequests: parallelLimit }),
    ...(teamLimit === undefined ? {} : { teamId: 'team' }),
  });

const aTeam = (limit: number): Team => ({
  ...PLAIN_TEAM,
  id: 'team',
  createdAt: NOW - 1000,
  updatedAt: NOW - 1000,
  metadata: {},
  rev: 1,
  budgetAnchor: NOW - 1000,
  maxBudget: BigInt(limit) * TOKEN,
});

const SLOTS = Array.from({ length: 64 }, (_, serial) => String(serial).padStart(4, '0'));

/** An id whose call goes to the shard of its number. */
function idOf({ shards = 1 }: Plan, index: number): string {
  const tail = SLOTS.filter((text) => openLease(text, 1, 0).slot % shards === index % shards)[Math.floor(index / shards)];
  return `01explored000000${index}${tail ?? ''}`;
}
