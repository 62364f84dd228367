/**
 * Meters on DynamoDB. One item per meter, so that every step is one conditional `UpdateItem`, which the service serialises per item. The
 * presence of a hold's attribute makes each step happen once, however often it is sent.
 */
import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { createHash } from 'node:crypto';
import { termsOf, type Change } from '../../domain/change.ts';
import { COUNTERS, firstWithoutRoom, type HoldRequest, type Meter } from '../../domain/meter.ts';
import { roomChanges } from '../../domain/shard.ts';
import type { HoldOrder, HoldOutcome, MeterStore, Settlement } from '../meters.ts';
import { countOf, number, text, textOf, type Item } from './attributes.ts';
import { readItems } from './batches.ts';
import { answered } from './client.ts';
import { GetItemCommand, UpdateItemCommand, isFailedCondition, type Dynamo } from './commands.ts';
import { BURIED, HOLD, holdAttribute, toMeter } from './meter-item.ts';
import { createUpdate, type Update } from './meter-update.ts';
import { queryAll } from './registry.ts';

/** Partitions of the sparse index; more of them carry more meters that come and go. */
const DUE_SHARDS = 4;
/** How long a meter outlives its window: long enough to reconcile money, short for rates. Seconds. */
const KEEP_MONEY_SECONDS = 35 * 86_400;
const KEEP_RATES_SECONDS = 600;
/** Tries to bury a hold that keeps coming and going. */
const BURIALS = 3;
/** Most attributes one update removes. */
const MOST_REMOVED = 100;

/** What an update came to: the item after it, or as it was when the condition failed. */
interface Answer {
  readonly done: boolean;
  readonly item: Item | undefined;
  /** It was sent more than once. */
  readonly late: boolean;
}

/** The SDK's own count of tries, on answers and errors alike. */
const wasRepeated = (metadata: { readonly attempts?: number | undefined } | undefined): boolean =>
  (metadata?.attempts ?? 1) > 1;

/** Meters on DynamoDB. */
export function createMeterStore(client: Dynamo, table: string): MeterStore {
  async function update(input: Omit<UpdateItemCommandInput, 'TableName'>): Promise<Answer> {
    try {
      const { Attributes, $metadata } = await answered(client.send(new UpdateItemCommand({ TableName: table, ...input })));
      return { done: true, item: Attributes, late: wasRepeated($metadata) };
    } catch (error) {
      if (!isFailedCondition(error)) throw error;
      return { done: false, item: error.Item, late: wasRepeated(error.$metadata) };
    }
  }

  async function read(id: string): Promise<Meter | undefined> {
    const { Item } = await answered(
      client.send(new GetItemCommand({ TableName: table, Key: { pk: text(id) }, ConsistentRead: true })),
    );
    return Item === undefined ? undefined : toMeter(id, Item);
  }

  async function readAll(ids: readonly string[]): Promise<readonly (Meter | undefined)[]> {
    const keys = ids.map((id) => ({ pk: text(id) }));
    const items = await readItems(client, table, keys);
    const found = new Map(items.map((item) => [textOf(item, 'pk') as string, item]));
    return ids.map((id) => {
      const item = found.get(id);
      return item === undefined ? undefined : toMeter(id, item);
    });
  }

  /** Forbids a hold that is not there; settles it like any other when it came in between. */
  async function bury(meter: string, holdId: string, until: number, settle: () => Promise<Answer>): Promise<boolean> {
    for (let burial = 1; burial <= BURIALS; burial++) {
      const { done } = await update(
        createUpdate(meter)
          .absent(HOLD + holdId)
          .set(BURIED + holdId, number(until))
          .build(),
      );
      if (done) return false;
      if ((await settle()).done) return true;
    }
    throw new Error(`meter ${meter}: hold ${holdId} came and went while it was buried`);
  }

  return {
    read,
    readAll,

    async hold(request, holdId, expiresAt, change) {
      const { meter: id } = request;
      const order = { request, holdId, expiresAt };
      const { done, item, late } = await update(holdUpdate(id, [order], change ?? termsOf(request)));
      const meter = toMeter(id, item);
      if (done || meter.holds.some((hold) => hold.id === holdId)) return { type: 'held', meter, ...(late ? { late } : {}) };
      if (late && request.swept)
        await bury(id, holdId, expiresAt, () =>
          update(settleUpdate(id, [{ holdId, held: request.amounts, actual: {}, buryUntil: expiresAt }])),
        );
      const outcome = { meter, ...(late ? { late } : {}) } as const;
      if (change !== undefined) return { type: 'missed', ...outcome } satisfies HoldOutcome;
      const counter = firstWithoutRoom(meter, request);
      if (counter === undefined) throw new Error(`meter ${id}: a hold was refused although every limit has room`);
      return { type: 'refused', counter, ...outcome } satisfies HoldOutcome;
    },

    async holdAll(orders, change) {
      const id = orders[0]?.request.meter as string;
      const { done, item, late } = await update(holdUpdate(id, orders, change));
      return { done, meter: toMeter(id, item), ...(late ? { late } : {}) };
    },

    settleAll: async (meter, settlements) => (await update(settleUpdate(meter, settlements))).done,

    async settle(meter, holdId, held, actual, buryUntil) {
      const settlement = { holdId, held, actual, ...(buryUntil === undefined ? {} : { buryUntil }) };
      const settle = (): Promise<Answer> => update(settleUpdate(meter, [settlement]));
      if ((await settle()).done) return 'settled';
      if (buryUntil === undefined) return 'absent';
      return (await bury(meter, holdId, buryUntil, settle)) ? 'settled' : 'absent';
    },

    async change(id, change, life) {
      const changing = createUpdate(id).change(change);
      const ttl = life && lastSecond(life);
      if (ttl !== undefined) changing.set('ttl', number(ttl));
      const { done, item } = await update(changing.build('ALL_NEW'));
      return { done, meter: toMeter(id, item) };
    },

    async due(now, limit) {
      const shards = Array.from({ length: DUE_SHARDS }, (_, shard) =>
        queryAll(
          client,
          {
            TableName: table,
            IndexName: 'due',
            KeyConditionExpression: '#q = :q AND #due <= :now',
            ExpressionAttributeNames: { '#q': 'q', '#due': 'due' },
            ExpressionAttributeValues: { ':q': text(String(shard)), ':now': number(now) },
          },
          limit,
        ),
      );
      const entries = (await Promise.all(shards)).flat();
      entries.sort((one, other) => countOf(one, 'due') - countOf(other, 'due'));
      const meters = await readAll(entries.slice(0, limit).map((entry) => textOf(entry, 'pk') as string));
      return meters.filter((meter) => meter !== undefined);
    },

    async checked(meter, rev, nextDue, risen = []) {
      const checking = createUpdate(meter).present('due');
      if (nextDue === undefined) checking.equal('rev', number(rev)).remove('due').remove('q');
      else checking.set('due', number(nextDue));
      for (const id of risen.slice(0, MOST_REMOVED)) checking.remove(BURIED + id);
      return (await update(checking.build())).done ? 'done' : 'changed';
    },
  };
}

/** If none of the holds is there or buried, and the change may be made: make it, put the holds. Creates the meter too. */
function holdUpdate(id: string, orders: readonly HoldOrder[], change: Change): Omit<UpdateItemCommandInput, 'TableName'> {
  const update: Update = createUpdate(id);
  for (const { holdId } of orders) update.absent(HOLD + holdId).absent(BURIED + holdId);
  update.change(change);
  for (const { request, holdId, expiresAt } of orders)
    update.set(HOLD + holdId, holdAttribute(request.amounts, expiresAt, request));
  update.add('rev', BigInt(orders.length));
  const leases = orders.filter(({ request }) => request.swept).map(({ expiresAt }) => expiresAt);
  // Only the first hold after a sweep moves the meter in the index.
  if (leases.length > 0) update.setOnce('due', number(Math.min(...leases))).setOnce('q', text(dueShard(id)));
  const ttls = orders.map(({ request }) => lastSecond(request)).filter((ttl) => ttl !== undefined);
  if (ttls.length > 0) update.set('ttl', number(Math.max(...ttls)));
  return update.build('ALL_NEW');
}

/** The second since the epoch after which the meter may go; undefined when it may not. */
function lastSecond({ window, keepUntil, amounts }: Pick<HoldRequest, 'window' | 'keepUntil' | 'amounts'>): number | undefined {
  if (window.end === undefined) return keepUntil === undefined ? undefined : Math.ceil(keepUntil / 1000);
  return Math.ceil(window.end / 1000) + (amounts.usd === undefined ? KEEP_RATES_SECONDS : KEEP_MONEY_SECONDS);
}

/** If the holds are there: add what was used less what was held, remove the holds. */
function settleUpdate(meter: string, settlements: readonly Settlement[]): Omit<UpdateItemCommandInput, 'TableName'> {
  const update = createUpdate(meter);
  const added: Partial<Record<(typeof COUNTERS)[number], bigint>> = {};
  for (const { holdId, held, actual, buryUntil } of settlements) {
    update.present(HOLD + holdId).remove(HOLD + holdId);
    if (buryUntil !== undefined) update.set(BURIED + holdId, number(buryUntil));
    for (const counter of COUNTERS) {
      const delta = (actual[counter] ?? 0n) - (held[counter] ?? 0n);
      if (delta !== 0n) added[counter] = (added[counter] ?? 0n) + delta;
    }
  }
  for (const counter of COUNTERS) if (added[counter] === 0n) delete added[counter];
  return update.change({ add: { ...added, ...roomChanges(meter, added) } }).build();
}

/** Which partition of the sparse index a meter belongs to. */
const dueShard = (meter: string): string => String((createHash('sha256').update(meter).digest()[0] as number) % DUE_SHARDS);
