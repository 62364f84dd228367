/** What a call costs in write units, as the database itself counts them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Exchange } from '../../lib/exchange.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { aCall, aCappedKey, admitOn, answering, joined, TOKEN, used } from './calls.ts';
import { aWorld } from './owned-calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

/** Runs calls one after the other; the write units of each. */
async function unitsOf(exchanges: readonly Exchange[]): Promise<readonly number[]> {
  const client = clientFor(emulator.endpoint);
  let units = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
      const result = await next(args);
      const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
      units += ConsumedCapacity?.CapacityUnits ?? 0;
      return result;
    },
    { step: 'initialize', name: 'units' },
  );
  const policy = admitOn(joined(open(client, NAMES), 2));
  const costs: number[] = [];
  for (const exchange of exchanges) {
    units = 0;
    const reply = await policy(exchange, answering(exchange, used(6)));
    await reply.done;
    costs.push(units);
  }
  client.destroy();
  return costs;
}

describe('a call', () => {
  it('of a key with one budget costs five write units, the first one a sixth for the index of leases', async () => {
    const key = aCappedKey({ maxBudget: TOKEN * 1_000n, alias: 'a key with a name', userId: 'somebody@example.com' });

    const costs = await unitsOf(Array.from({ length: 3 }, () => aCall(key, 10)));

    expect(costs).toEqual([6, 5, 5]);
  });

  it('costs two more for each further owner with a budget', async () => {
    const budgets = { key: true, team: true, organization: true };
    const world = aWorld('units', (kind) => (kind in budgets ? { maxBudget: TOKEN * 1_000n } : {}));

    const costs = await unitsOf(Array.from({ length: 3 }, () => world.call(1, 10)));

    expect(costs.slice(1)).toEqual([9, 9]);
  });

  it('costs two more for requests and tokens a minute, and two for a parallel slot', async () => {
    const key = aCappedKey({ maxBudget: TOKEN * 1_000n, rpmLimit: 100, tpmLimit: 100_000, maxParallelRequests: 5 });

    const costs = await unitsOf(Array.from({ length: 3 }, () => aCall(key, 10)));

    expect(costs.slice(1)).toEqual([9, 9]);
  });
});

describe('calls of one process that come together', () => {
  const CROWD = 16;

  /** Write units and requests of a crowd by table, with or without company. */
  async function spentBy(together: boolean) {
    const client = clientFor(emulator.endpoint);
    const spent: Record<string, { units: number; requests: number }> = {};
    client.middlewareStack.add(
      (next) => async (args) => {
        Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
        const result = await next(args);
        const { ConsumedCapacity } = result.output as { ConsumedCapacity?: Used | readonly Used[] };
        for (const { TableName, CapacityUnits } of [ConsumedCapacity ?? []].flat()) {
          const known = spent[TableName] ?? { units: 0, requests: 0 };
          spent[TableName] = { units: known.units + CapacityUnits, requests: known.requests + 1 };
        }
        return result;
      },
      { step: 'initialize', name: 'units' },
    );
    const stores = open(client, NAMES);
    const policy = admitOn(together ? joined(stores, 2) : stores);
    const key = aCappedKey({ maxBudget: TOKEN * 1_000n });
    await Promise.all(
      Array.from({ length: CROWD }, async () => {
        const exchange = aCall(key, 10);
        const reply = await policy(exchange, answering(exchange, used(6)));
        await reply.done;
      }),
    );
    client.destroy();
    return { meters: spent[NAMES.meters], ledger: spent[NAMES.ledger] };
  }

  it('pay three write units each for the ledger as ever, and share those of the meter', async () => {
    const [alone, together] = [await spentBy(false), await spentBy(true)];

    expect([alone.ledger?.units, together.ledger?.units]).toEqual([3 * CROWD, 3 * CROWD]);
    expect(alone.meters?.requests).toBe(2 * CROWD);
    expect(together.meters?.requests).toBeLessThan(CROWD);
    expect(together.meters?.units).toBeLessThan((alone.meters?.units ?? 0) / 2);
    const told = ({ meters, ledger }: typeof alone) =>
      `${meters?.units} units of the meter in ${meters?.requests} requests, ${ledger?.requests} to the ledger`;
    process.stdout.write(`${CROWD} calls at once: ${told(alone)}; together ${told(together)}\n`);
  });
});

interface Used {
  readonly TableName: string;
  readonly CapacityUnits: number;
}
