/** Meters where writes are repeated or come late: what the contract of the stores cannot bring about. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../../../lib/domain/meter.ts';
import { GetItemCommand, type Dynamo } from '../../../../lib/stores/dynamodb/commands.ts';
import { createMeterStore } from '../../../../lib/stores/dynamodb/meters.ts';
import { NAMES, startDynoxide, type Emulator } from '../../../support/dynoxide.ts';
import { unique } from '../contract.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const LEASE = 900;
const aHold = (fields: Partial<HoldRequest> = {}): HoldRequest => ({
  meter: unique('key#a#usd#total'),
  scope: { kind: 'key', id: 'a' },
  window: { name: 'total', start: 0 },
  amounts: { usd: 10n },
  limits: { usd: 10n },
  swept: true,
  ...fields,
});

/** The database behind a client that says it sent each refused request twice; and what happens after the first of them. */
function repeating(afterRefusal: () => Promise<unknown> = async () => {}): Dynamo {
  let refusals = 0;
  return {
    async send(command) {
      try {
        return await emulator.client.send(command);
      } catch (error) {
        if (refusals++ === 0) await afterRefusal();
        throw Object.assign(error as Error, { $metadata: { attempts: 2 } });
      }
    },
    destroy: () => {},
  };
}

describe('a hold that was refused and may have been sent twice', () => {
  it.each([
    ['forbidden from then on where somebody sweeps it', true, 'missed'],
    ['left alone where it is moot when its window ends', false, 'held'],
  ] as const)('is %s', async (_, swept, copy) => {
    const { meters } = emulator.stores;
    const request = aHold({ swept });
    await meters.hold(request, 'other', LEASE);

    const outcome = await createMeterStore(repeating(), NAMES.meters).hold(request, 'late', LEASE);

    expect(outcome).toMatchObject({ type: 'refused', late: true });
    await meters.settle(request.meter, 'other', request.amounts, { usd: 0n });
    const arrived = await meters.hold(request, 'late', LEASE, { add: request.amounts });
    expect(arrived.type).toBe(copy);
  });
});

describe('a hold that comes in while it is forbidden', () => {
  it('is settled like any other, and forbidden then', async () => {
    const { meters } = emulator.stores;
    const request = aHold();
    const client = repeating(() => meters.hold(request, 'late', LEASE));

    const outcome = await createMeterStore(client, NAMES.meters).settle(request.meter, 'late', request.amounts, {}, LEASE);

    expect(outcome).toBe('settled');
    expect(await meters.read(request.meter)).toMatchObject({
      committed: { usd: 0n },
      holds: [],
      buried: [{ id: 'late', until: LEASE }],
    });
  });
});

describe('holds of several calls in one write', () => {
  it('keep their meter for as long as the last of them wants it', async () => {
    const meter = unique('session#a#usd#total');
    const orders = [5_000, 1_000].map((keepUntil, index) => ({
      request: aHold({ meter, keepUntil }),
      holdId: `call-${index}`,
      expiresAt: LEASE,
    }));

    await emulator.stores.meters.holdAll(orders, { add: { usd: 20n } });

    const { Item } = await emulator.client.send(new GetItemCommand({ TableName: NAMES.meters, Key: { pk: { S: meter } } }));
    expect(Item?.['ttl']).toEqual({ N: '5' });
  });
});
