/**
 * What the limits of a call cost: round trips and write units on an emulator that counts them, CPU over a database that costs nothing.
 * The gateway runs in this process, without its HTTP shell, so all of the CPU is admission, the call, the entry and the settlement.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { join } from 'node:path';
import { hashSecret } from '../../lib/domain/key.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { clientFor, NAMES, startDynoxide } from '../support/dynoxide.ts';
import { aKey } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { chatAnswer, sendJson, startUpstream } from '../support/upstream.ts';
import { CALLER_CORE, startScript } from './process.ts';

/** The cost of a call of a key that has these limited scopes. */
export interface AdmissionCost {
  readonly scopes: readonly string[];
  /** Turns to the database that the call waits for before the provider is asked. */
  readonly tripsBefore: number;
  /** Turns after the last byte, which nobody waits for. */
  readonly tripsAfter: number;
  readonly calls: number;
  /** Write units of DynamoDB, indexes included. */
  readonly writeUnits: number;
  readonly cpuMs: number;
}

/** Scopes with a budget, the commonest first. */
const SCOPES = ['key', 'team', 'organization', 'team member', 'project', 'organization member'] as const;
const COUNTS = [0, 1, 3, 6];
const LIMITS = { maxBudget: 10n ** 18n, budgetAnchor: 0 };
const RECORD = { createdAt: 0, updatedAt: 0, metadata: {}, rev: 1 };

/** Calls to warm up, and those that count. */
const WARM = 3;
const CALLS = 20;
const AT_ONCE = 16;

const secretOf = (count: number): string => `sk-bench-${count}`;

/** A key, and its owners, of whom the first `count` scopes have a budget. */
async function addKey(stores: Stores, count: number): Promise<void> {
  const limits = (scope: (typeof SCOPES)[number]) => (SCOPES.indexOf(scope) < count ? LIMITS : { budgetAnchor: 0 });
  const id = `of-${count}`;
  const lists = { models: [], aliases: {}, tags: [], blocked: false, accessGroups: [], memberPermissions: [] };
  await stores.teams.create({ ...RECORD, ...lists, id, ...limits('team') });
  await stores.organizations.create({ ...RECORD, ...lists, id, alias: id, ...limits('organization') });
  await stores.projects.create({ ...RECORD, ...lists, id, teamId: id, ...limits('project') });
  for (const kind of ['team', 'organization'] as const) {
    await stores.members.put({
      ...RECORD,
      group: { kind, id },
      userId: id,
      role: 'user',
      models: [],
      ...limits(`${kind} member`),
    });
  }
  const owners = { teamId: id, organizationId: id, projectId: id, userId: id };
  await stores.keys.create(aKey({ hash: hashSecret(secretOf(count)), ...owners, ...limits('key') }));
}

/** One call to its last byte and its settlement. */
async function callOnce({ gateway }: Served, count: number): Promise<void> {
  const body = {
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: `Say hello. ${'x'.repeat(200)}` }],
  };
  const receivedAt = Date.now();
  const reply = await gateway.handle(
    {
      method: 'POST',
      path: '/v1/chat/completions',
      query: new URLSearchParams(),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${secretOf(count)}` },
      body: Buffer.from(JSON.stringify(body)),
    },
    { receivedAt, deadline: receivedAt + 60_000 },
  );
  if (reply.status !== 200) throw new Error(`the call was answered ${reply.status}`);
  if (!(reply.body instanceof Uint8Array)) for await (const _ of reply.body);
  await reply.done;
}

/** What a client did since it was last asked. */
interface Count {
  calls: number;
  trips: number;
  writeUnits: number;
}

/** Counts the calls of a client: those under way together are one round trip. */
function witness(client: DynamoDBClient): () => Count {
  let count: Count = { calls: 0, trips: 0, writeUnits: 0 };
  let underWay = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
      count.calls++;
      if (underWay++ === 0) count.trips++;
      try {
        const result = await next(args);
        count.writeUnits += unitsOf(args.input, result.output);
        return result;
      } finally {
        underWay--;
      }
    },
    { step: 'initialize', name: 'witness' },
  );
  return () => {
    const told = count;
    count = { calls: 0, trips: 0, writeUnits: 0 };
    return told;
  };
}

/** Write units of a call, as the emulator counts them. */
function unitsOf(input: object, output: object): number {
  const writes = ['Item', 'UpdateExpression', 'TransactItems'].some((field) => field in input);
  if (!writes && !JSON.stringify(input).includes('"PutRequest"')) return 0;
  const { ConsumedCapacity } = output as { ConsumedCapacity: Used | readonly Used[] };
  return [ConsumedCapacity].flat().reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
}

interface Used {
  readonly CapacityUnits: number;
}

/** What a warm call did before the provider was asked, and after its last byte. */
interface Trips {
  readonly before: Count;
  readonly after: Count;
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const middleCount = (counts: readonly Count[]): Count => ({
  calls: middle(counts.map(({ calls }) => calls)),
  trips: middle(counts.map(({ trips }) => trips)),
  writeUnits: middle(counts.map(({ writeUnits }) => writeUnits)),
});

/** Round trips and write units of warm calls, by the number of limited scopes; and what the stream's consumer writes for an entry. */
async function countTrips(): Promise<{ readonly trips: ReadonlyMap<number, Trips>; readonly projection: Projection }> {
  const emulator = await startDynoxide();
  const client = clientFor(emulator.endpoint);
  const take = witness(client);
  const stores = open(client, NAMES);
  let before = take();
  // The provider's turn divides what comes before from what comes after.
  const upstream = await startUpstream((...turn) => {
    before = take();
    return sendJson(chatAnswer())(...turn);
  });
  const served = await serveGateway(upstream.url, { stores });
  try {
    const trips = new Map<number, Trips>();
    for (const count of COUNTS) {
      await addKey(stores, count);
      const seen: Trips[] = [];
      for (let call = 0; call < WARM + CALLS; call++) {
        take();
        await callOnce(served, count);
        seen.push({ before, after: take() });
      }
      const warm = seen.slice(WARM);
      if (warm.some((one) => one.before.calls < count)) throw new Error(`a call held less than its ${count} scopes`);
      trips.set(count, {
        before: middleCount(warm.map((one) => one.before)),
        after: middleCount(warm.map((one) => one.after)),
      });
    }
    return { trips, projection: await countProjection(stores, take) };
  } finally {
    await served.close();
    await upstream.close();
    client.destroy();
    await emulator.stop();
  }
}

/** Write units of the ledger's consumer for each entry, alone and in a batch of `CALLS`. */
export interface Projection {
  readonly alone: number;
  readonly batched: number;
}

async function countProjection(stores: Stores, take: () => Count): Promise<Projection> {
  const { items } = await stores.ledger.list({ keyHash: hashSecret(secretOf(1)), limit: CALLS + 1 });
  const [first, ...rest] = items;
  take();
  await stores.totals.apply(first === undefined ? [] : [first]);
  const alone = take().writeUnits;
  await stores.totals.apply(rest);
  return { alone, batched: take().writeUnits / rest.length };
}

/** CPU of warm calls in milliseconds, by the number of limited scopes; in turns, so that drift of the machine cancels out. */
async function measureCpu(upstreamPort: number, rounds: number, seconds: number): Promise<ReadonlyMap<number, number>> {
  const database = await startScript(join(import.meta.dirname, 'free-database.ts'), ['--port', '0'], CALLER_CORE);
  const client = clientFor(`http://127.0.0.1:${database.port}`);
  const served = await serveGateway(`http://127.0.0.1:${upstreamPort}`, { stores: open(client, NAMES) });
  const spent = new Map(COUNTS.map((count) => [count, { micros: 0, calls: 0 }]));
  try {
    for (const count of COUNTS) await addKey(served.stores, count);
    for (let round = 0; round <= rounds; round++) {
      for (const count of round % 2 === 0 ? COUNTS : COUNTS.toReversed()) {
        const { micros, calls } = await callFor(seconds * 1_000, served, count);
        const sum = spent.get(count);
        // The first round warms up.
        if (sum !== undefined && round > 0) spent.set(count, { micros: sum.micros + micros, calls: sum.calls + calls });
      }
    }
    return new Map([...spent].map(([count, { micros, calls }]) => [count, micros / calls / 1_000]));
  } finally {
    await served.close();
    client.destroy();
    await database.stop();
  }
}

/** Calls side by side for so long. */
async function callFor(ms: number, served: Served, count: number): Promise<{ micros: number; calls: number }> {
  const end = performance.now() + ms;
  const start = process.cpuUsage();
  let calls = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (performance.now() < end) {
        await callOnce(served, count);
        calls++;
      }
    }),
  );
  const { user, system } = process.cpuUsage(start);
  return { micros: user + system, calls };
}

/** Everything about admission and settlement. */
export async function measureAdmission(
  upstreamPort: number,
  rounds: number,
  seconds: number,
): Promise<{ readonly costs: readonly AdmissionCost[]; readonly projection: Projection }> {
  const { trips, projection } = await countTrips();
  const cpu = await measureCpu(upstreamPort, rounds, seconds);
  const costs = [...trips].map(([count, { before, after }]) => ({
    scopes: SCOPES.slice(0, count),
    tripsBefore: before.trips,
    tripsAfter: after.trips,
    calls: before.calls + after.calls,
    writeUnits: before.writeUnits + after.writeUnits,
    cpuMs: cpu.get(count) ?? Number.NaN,
  }));
  return { costs, projection };
}
