/**
 * A split meter: every step of taking a hold, granting, calling back and settling fails in every way, one after the other. Whatever
 * happened, the cap holds, nothing of it is lost for good, and the meter says what the ledger says.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCallId } from '../../lib/domain/call-id.ts';
import { heldOf, meterMark, type HoldRequest } from '../../lib/domain/meter.ts';
import { countOf, shardId, shardsOf } from '../../lib/domain/shard.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { GatewayError } from '../../lib/errors.ts';
import { openHolds, openLease, takeHolds, type AdmissionDeps } from '../../lib/policies/admission.ts';
import { settleCall } from '../../lib/money/settlement.ts';
import { createShardHints, readMeter } from '../../lib/money/shards.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { keep } from './calls.ts';
import { Killed, TROUBLES, troubledStores, type Trouble } from './troubled-stores.ts';

const SHARDS = 4;
const LEASE = NOW + 120_000;

const METER = 'team#t#usd#total#0';
const aRequest = (limit: bigint, amount: bigint, meter = METER): HoldRequest => ({
  meter,
  scope: { kind: 'team', id: 't' },
  window: { name: 'total', start: 0 },
  amounts: { usd: amount },
  limits: { usd: limit },
  swept: true,
  call: {
    owner: { keyHash: 'k', tags: [] },
    at: NOW,
    kind: 'generate',
    route: '/v1/messages',
    clientDialect: 'anthropic-messages',
    modelGroup: 'm',
    stream: false,
  },
});

let serial = 0;
/** Ids whose calls go to each of the shards in turn. */
const callId = (): string => `01call${String(++serial).padStart(8, '0')}000${serial % SHARDS}`;

const anEntry = (id: string, meter: string, cost: bigint): LedgerEntry => ({
  id,
  at: NOW,
  endedAt: NOW,
  status: 'success',
  keyHash: 'k',
  tags: [],
  kind: 'generate',
  route: '',
  clientDialect: '',
  modelGroup: '',
  stream: false,
  httpStatus: 200,
  cost,
  heldIn: [meterMark(meter)],
  price: { source: 'operator' },
  attempts: 1,
  durationMs: 0,
});

const depsOn = ({ meters, ledger }: Pick<Stores, 'meters' | 'ledger'>, meter: string): AdmissionDeps => {
  const hints = createShardHints();
  hints.learn(meter, SHARDS);
  return { meters, ledger, hints, now: () => NOW, log: () => {}, sleep: async () => {}, expired: 'zero' };
};

/** One call: holds, costs what it costs, settles. What it cost, or why it was not let in. */
async function call(deps: AdmissionDeps, request: HoldRequest, cost: bigint): Promise<bigint | 'refused' | 'failed'> {
  const id = callId();
  const lease = openLease(id, 1, LEASE);
  try {
    const taken = await takeHolds(deps, [request], lease);
    if (taken.type === 'refused') return 'refused';
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    await settleCall(deps, anEntry(id, request.meter, 0n), openHolds(lease), 0);
    return 'failed';
  }
  await settleCall(deps, anEntry(id, request.meter, cost), openHolds(lease), 0);
  return cost;
}

/** How many calls of 1 there is room for. */
async function fill(deps: AdmissionDeps, limit: bigint): Promise<bigint> {
  let count = 0n;
  // Beyond the limit something is wrong, and a call more says nothing more.
  while (count <= limit && (await call(deps, aRequest(limit, 1n), 1n)) === 1n) count++;
  return count;
}

const LIMIT = 100n;
const AMOUNT = 10n;

/** Calls that touch every path: grants, room given back, calling back for a large one, the last pieces, refusals. */
async function script(deps: AdmissionDeps, meter: string): Promise<void> {
  for (const [amount, cost] of [
    [10n, 3n],
    [10n, 10n],
    [7n, 1n],
    [10n, 4n],
    [30n, 30n],
    [45n, 5n],
    [33n, 33n],
    [20n, 2n],
    [40n, 1n],
  ] as const) {
    await call(deps, aRequest(LIMIT, amount, meter), cost);
  }
}

const ledgerSum = async ({ ledger }: Stores): Promise<bigint> => {
  const { items } = await ledger.list({ limit: 1_000 });
  return items.reduce((sum, { cost = 0n }) => sum + cost, 0n);
};

/** Runs the script under trouble, lets the copies arrive and the keeper settle; then the books, and how much more fits. */
async function aftermath(at: number, trouble: Trouble) {
  const stores = open();
  const meter = METER;
  serial = 0;
  const troubled = troubledStores(stores, at, trouble);
  const failure = await script(depsOn(troubled, meter), meter).catch((error: unknown) => error);
  if (failure !== undefined && !(failure instanceof Killed)) throw failure;
  await troubled.deliver();
  await Promise.all([keep(stores), keep(stores)]);
  await keep(stores);
  const whole = await readMeter(stores.meters, meter);
  const spent = await ledgerSum(stores);
  const committed = whole?.committed.usd ?? 0n;
  const rooms = await Promise.all([1, 2, 3].map(async (n) => countOf(await stores.meters.read(shardId(meter, n)), 'room.usd')));
  const held = whole === undefined ? 0n : heldOf(whole, 'usd');
  const more = await fill(depsOn(stores, meter), LIMIT);
  return { calls: troubled.calls(), spent, committed, held, more, isCovered: rooms.every((room) => room >= 0n) };
}

describe('a split meter under faults', () => {
  it('takes every path in the script', async () => {
    const stores = open();
    const meter = METER;
    serial = 0;
    await script(depsOn(stores, meter), meter);

    const root = await stores.meters.read(meter);
    expect(root === undefined ? [] : shardsOf(root).length).toBeGreaterThan(1);
    expect(Object.keys(root?.counts ?? {}).some((name) => name.startsWith('b'))).toBe(true);
  });

  for (const trouble of TROUBLES) {
    it(`keeps its cap and all of it usable, whichever step fails (${trouble})`, async () => {
      const { calls } = await aftermath(Infinity, trouble);
      expect(calls).toBeGreaterThan(35);

      for (let at = 0; at < calls; at++) {
        const { spent, committed, held, more, isCovered } = await aftermath(at, trouble);

        const step = `step ${at}`;
        expect(committed, step).toBe(spent);
        expect(held, step).toBe(0n);
        expect(isCovered, step).toBe(true);
        expect(spent + more, step).toBe(LIMIT);
      }
    });
  }

  it('charges the meter for what a shard overspent', async () => {
    const stores = open();
    const meter = METER;
    serial = 0;
    const deps = depsOn(stores, meter);

    for (let n = 0; n < 4; n++) await call(deps, aRequest(LIMIT, AMOUNT, meter), 22n);

    const root = await stores.meters.read(meter);
    const rooms = await Promise.all([1, 2, 3].map((shard) => stores.meters.read(shardId(meter, shard))));
    expect(rooms.every((shard) => (shard?.counts?.['room.usd'] ?? 0n) >= 0n)).toBe(true);
    expect(root?.committed.usd).toBeGreaterThanOrEqual(88n);
    expect(await call(deps, aRequest(LIMIT, 13n, meter), 13n)).toBe('refused');
    expect(await call(deps, aRequest(LIMIT, 12n, meter), 12n)).toBe(12n);
  });

  it('counts requests and tokens side by side, each up to its limit', async () => {
    const stores = open();
    const meter = 'team#t#rate#minute#0';
    serial = 0;
    const deps = depsOn(stores, meter);
    const request: HoldRequest = {
      ...aRequest(0n, 0n, meter),
      amounts: { requests: 1n, tokens: 10n },
      limits: { requests: 20n, tokens: 150n },
      swept: false,
    };
    const leases: ReturnType<typeof openLease>[] = [];
    const admit = async () => {
      const lease = openLease(callId(), 1, LEASE);
      const { type } = await takeHolds(deps, [request], lease);
      if (type === 'held') leases.push(lease);
      return type;
    };

    for (let n = 0; n < 30; n++) await admit();
    expect(leases).toHaveLength(15);
    const usage = { inputTokens: 3, outputTokens: 2, source: 'provider' } as const;
    for (const lease of leases.splice(0))
      await settleCall(deps, { ...anEntry(lease.callId, meter, 0n), usage }, openHolds(lease));
    for (let n = 0; n < 30; n++) await admit();

    expect(leases).toHaveLength(5);
    expect(await readMeter(stores.meters, meter)).toMatchObject({ committed: { requests: 20n, tokens: 125n } });
  });

  it('obeys a limit that is lowered, and one that is raised', async () => {
    const stores = open();
    const meter = METER;
    serial = 0;
    const deps = depsOn(stores, meter);
    for (let n = 0; n < 4; n++) await call(deps, aRequest(LIMIT, AMOUNT, meter), 5n);

    const lowered = await fill(deps, 30n);
    const raised = await fill(deps, 45n);

    expect([lowered, raised]).toEqual([10n, 15n]);
  });
});

describe('a split meter under a thousand callers', () => {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await startDynoxide();
  });
  afterAll(() => emulator.stop());

  it('splits itself, admits exactly what the cap pays for, and refuses the rest', async () => {
    const { stores } = emulator;
    const request = { ...aRequest(3_000n, 10n), meter: 'team#hot#usd#total#0' };
    const processes = Array.from({ length: 20 }, (): AdmissionDeps => ({
      meters: stores.meters,
      ledger: stores.ledger,
      hints: createShardHints(),
      now: () => NOW,
      log: () => {},
      expired: 'hold',
    }));

    const admit = async (caller: number) => {
      const deps = processes[caller % processes.length] as AdmissionDeps;
      const lease = openLease(newCallId(NOW), 1, LEASE);
      return { lease, ...(await takeHolds(deps, [request], lease)) };
    };
    const taken = [];
    for (let wave = 0; wave < 20; wave++) {
      taken.push(...(await Promise.all(Array.from({ length: 50 }, (_, caller) => admit(caller)))));
    }

    const held = taken.filter(({ type }) => type === 'held');
    expect(held).toHaveLength(300);
    const full = await readMeter(stores.meters, request.meter);
    expect(full).toMatchObject({ committed: { usd: 3_000n } });
    expect(full?.holds).toHaveLength(300);
    const root = await stores.meters.read(request.meter);
    expect(root?.holds.length).toBeLessThan(200);
    expect(root && shardsOf(root).length).toBeGreaterThanOrEqual(7);

    await Promise.all(
      held.map(({ lease }) =>
        settleCall(processes[0] as AdmissionDeps, anEntry(lease.callId, request.meter, 4n), openHolds(lease)),
      ),
    );

    const settled = await readMeter(stores.meters, request.meter);
    expect(settled).toMatchObject({ committed: { usd: 1_200n }, holds: [] });
    const large = openLease(newCallId(NOW), 1, LEASE);
    const rest = { ...request, amounts: { usd: 1_800n } };
    expect((await takeHolds(processes[1] as AdmissionDeps, [rest], large)).type).toBe('held');
    expect((await takeHolds(processes[2] as AdmissionDeps, [request], openLease(newCallId(NOW), 1, LEASE))).type).toBe(
      'refused',
    );
  }, 90_000);
});
