import { ProvisionedThroughputExceededException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../../lib/domain/meter.ts';
import { GatewayError } from '../../../lib/errors.ts';
import { openHolds, openLease, takeHolds, type AdmissionDeps } from '../../../lib/policies/admission.ts';
import { faultOf, type OnStoreFailure } from '../../../lib/policies/degraded.ts';
import { createShardHints } from '../../../lib/money/shards.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { MeterStore } from '../../../lib/stores/meters.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { NOW } from '../../support/exchange.ts';

const LEASE = NOW + 120_000;
const scope = { kind: 'team', id: 't' } as const;
const window = { name: 'total', start: 0 };
const budget: HoldRequest = {
  meter: 'team#t#usd#total#0',
  scope,
  window,
  amounts: { usd: 5n },
  limits: { usd: 9n },
  swept: true,
};
const slot: HoldRequest = { ...budget, meter: 'team#t#parallel#total#0', amounts: { parallel: 1n }, limits: { parallel: 1n } };
const rate: HoldRequest = {
  ...budget,
  meter: 'team#t#rate#minute#0',
  amounts: { requests: 1n },
  limits: { requests: 3n },
  swept: false,
};

let stores: Stores;
let lines: { message: string; fields: unknown }[];
beforeEach(() => {
  stores = open();
  lines = [];
});

/** Meters of which these fail: before the hold, or after it was made. */
const failing = (broken: readonly HoldRequest[], late: boolean): MeterStore => ({
  ...stores.meters,
  hold: async (...given) => {
    const fails = broken.some(({ meter }) => meter === given[0].meter);
    if (fails && late) await stores.meters.hold(...given);
    if (fails)
      throw new GatewayError('overloaded', 'no answer', { cause: Object.assign(new Error('slow'), { name: 'TimeoutError' }) });
    return stores.meters.hold(...given);
  },
});

const depsOn = (meters: MeterStore, onStoreFailure?: OnStoreFailure): AdmissionDeps => ({
  meters,
  ledger: stores.ledger,
  hints: createShardHints(),
  now: () => NOW,
  log: (_, message, fields) => void lines.push({ message, fields }),
  expired: 'hold',
  ...(onStoreFailure === undefined ? {} : { onStoreFailure }),
});

describe('a store that does not answer', () => {
  it.each([budget, slot, rate])('refuses the call unless the operator says otherwise ($meter)', async (broken) => {
    const deps = depsOn(failing([broken], false));

    await expect(takeHolds(deps, [budget, slot, rate], openLease('one', 1, LEASE))).rejects.toMatchObject({
      kind: 'overloaded',
    });
  });

  it.each([
    ['budget', budget],
    ['parallel', slot],
    ['rate', rate],
  ] as const)('lets the call through without the %s limit where the operator says so, and tells', async (limit, broken) => {
    const deps = depsOn(failing([broken], false), { [limit]: 'open' });

    const taken = await takeHolds(deps, [budget, slot, rate], openLease('one', 1, LEASE));

    expect(taken.type === 'held' && taken.holds).toHaveLength(2);
    expect(lines).toMatchObject([
      { fields: { LimitSkipped: 1, limit, fault: 'timeout', id: 'one', meter: broken.meter, scope: 'team' } },
    ]);
  });

  it('refuses when another limit that fails is closed', async () => {
    const deps = depsOn(failing([rate, budget], false), { rate: 'open' });

    await expect(takeHolds(deps, [budget, rate], openLease('one', 1, LEASE))).rejects.toMatchObject({ kind: 'overloaded' });
  });

  it('still obeys the limits that answer', async () => {
    await stores.meters.hold(slot, 'other', LEASE);
    const deps = depsOn(failing([rate], false), { rate: 'open' });

    expect(await takeHolds(deps, [slot, rate], openLease('one', 1, LEASE))).toMatchObject({ type: 'refused' });
    expect(lines).toEqual([]);
  });

  it('has what was skipped settled later, should it have been held after all', async () => {
    const deps = depsOn(failing([budget], true), { budget: 'open' });
    const lease = openLease('one', 1, LEASE);

    await takeHolds(deps, [budget, slot], lease);

    expect((await stores.meters.read(budget.meter))?.holds).toHaveLength(1);
    const skipped = openHolds(lease).find(({ meter }) => meter === budget.meter);
    expect(skipped).toMatchObject({ id: 'one', amounts: budget.amounts, buryUntil: LEASE });
  });
});

describe('the fault of a store', () => {
  const thrown = (cause: unknown): GatewayError => new GatewayError('overloaded', 'no answer', { cause });
  const detail = { message: 'm', $metadata: {} };

  it.each([
    ['throttled', new ProvisionedThroughputExceededException(detail)],
    ['throttled', Object.assign(new Error('slow down'), { name: 'ThrottlingException' })],
    ['conflict', new TransactionConflictException(detail)],
    ['timeout', Object.assign(new Error('late'), { name: 'TimeoutError' })],
    ['unavailable', new Error('what?')],
    ['unavailable', undefined],
  ])('is called %s', (word, cause) => {
    expect(faultOf(thrown(cause))).toBe(word);
  });
});
