/**
 * Meters on DynamoDB. One item per meter: a number per counter (spent + held) and one attribute `h#<call id>` per open hold, so that
 * every step is one conditional `UpdateItem`, which the service serialises per item. The presence of the attribute makes each step
 * happen once, however often it is sent.
 */
import {
  ConditionalCheckFailedException,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { createHash } from 'node:crypto';
import {
  COUNTERS,
  firstWithoutRoom,
  type Amounts,
  type CallFacts,
  type Counter,
  type Hold,
  type HoldRequest,
  type Meter,
} from '../../domain/meter.ts';
import type { HoldOutcome, MeterStore } from '../meters.ts';
import { bigintOf, countOf, number, text, textOf, type Item } from './attributes.ts';
import { answered } from './client.ts';
import { queryAll } from './registry.ts';

const HOLD = 'h#';
/** Partitions of the sparse index; more of them carry more meters that come and go. */
const DUE_SHARDS = 4;
/** How long a meter outlives its window: long enough to reconcile money, short for rates. Seconds. */
const KEEP_MONEY_SECONDS = 35 * 86_400;
const KEEP_RATES_SECONDS = 600;

/** Meters on DynamoDB. */
export function createMeterStore(client: DynamoDBClient, table: string): MeterStore {
  /** One conditional update; the exception, with the item as it was, when the condition failed. */
  async function update(input: Omit<UpdateItemCommandInput, 'TableName'>): Promise<Item | ConditionalCheckFailedException> {
    try {
      const { Attributes = {} } = await answered(client.send(new UpdateItemCommand({ TableName: table, ...input })));
      return Attributes;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return error;
      throw error;
    }
  }

  async function read(id: string): Promise<Meter | undefined> {
    const { Item } = await answered(
      client.send(new GetItemCommand({ TableName: table, Key: { pk: text(id) }, ConsistentRead: true })),
    );
    return Item === undefined ? undefined : toMeter(id, Item);
  }

  /** What a hold that was not written came to, by the meter as it stands. */
  function judge(request: HoldRequest, holdId: string, found: Meter | undefined): HoldOutcome | undefined {
    const meter = found ?? { id: request.meter, committed: {}, holds: [], rev: 0 };
    if (meter.holds.some(({ id }) => id === holdId)) return { type: 'held', meter };
    const counter = firstWithoutRoom(meter, request);
    return counter === undefined ? undefined : { type: 'refused', counter, meter };
  }

  return {
    read,

    async hold(request, holdId, expiresAt) {
      const { meter: id, amounts, limits } = request;
      const neverFits = COUNTERS.some((counter) => (limits[counter] ?? amounts[counter] ?? 0n) < (amounts[counter] ?? 0n));
      if (neverFits) {
        const judged = judge(request, holdId, await read(id));
        if (judged !== undefined) return judged;
      }
      const result = await update(holdUpdate(request, holdId, expiresAt));
      if (!(result instanceof ConditionalCheckFailedException)) return { type: 'held', meter: toMeter(id, result) };
      const judged = judge(request, holdId, result.Item === undefined ? undefined : toMeter(id, result.Item));
      if (judged === undefined) throw new Error(`meter ${id}: a hold was refused although every limit has room`);
      return judged;
    },

    async settle(meter, holdId, held, actual) {
      const result = await update(settleUpdate(meter, holdId, held, actual));
      return result instanceof ConditionalCheckFailedException ? 'absent' : 'settled';
    },

    async seed(meter, spent) {
      try {
        await answered(
          client.send(
            new PutItemCommand({
              TableName: table,
              Item: { pk: text(meter), ...amountItem(spent), rev: number(0) },
              ConditionExpression: 'attribute_not_exists(pk)',
            }),
          ),
        );
        return 'seeded';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'exists';
        throw error;
      }
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
      const meters = await Promise.all(entries.slice(0, limit).map((entry) => read(textOf(entry, 'pk') as string)));
      return meters.filter((meter) => meter !== undefined);
    },

    async checked(meter, rev, nextDue) {
      const result = await update({
        Key: { pk: text(meter) },
        ExpressionAttributeNames: { '#due': 'due', ...(nextDue === undefined ? { '#q': 'q', '#rev': 'rev' } : {}) },
        ...(nextDue === undefined
          ? {
              UpdateExpression: 'REMOVE #due, #q',
              ConditionExpression: 'attribute_exists(#due) AND #rev = :rev',
              ExpressionAttributeValues: { ':rev': number(rev) },
            }
          : {
              UpdateExpression: 'SET #due = :due',
              ConditionExpression: 'attribute_exists(#due)',
              ExpressionAttributeValues: { ':due': number(nextDue) },
            }),
      });
      return result instanceof ConditionalCheckFailedException ? 'changed' : 'done';
    },
  };
}

/** If the hold is not there and every limited counter has room: add the amounts, put the hold. Creates the meter too. */
function holdUpdate(request: HoldRequest, holdId: string, expiresAt: number): Omit<UpdateItemCommandInput, 'TableName'> {
  const { meter, amounts, limits, swept, call } = request;
  const names: Record<string, string> = { '#hold': HOLD + holdId, '#rev': 'rev' };
  const values: Item = {
    ':hold': holdAttribute(amounts, expiresAt, call),
    ':one': number(1),
  };
  const conditions = ['attribute_not_exists(#hold)'];
  const sets = ['#hold = :hold'];
  const adds = ['#rev :one'];
  for (const counter of COUNTERS) {
    const amount = amounts[counter];
    if (amount === undefined) continue;
    names[`#${counter}`] = counter;
    values[`:${counter}`] = number(amount);
    adds.push(`#${counter} :${counter}`);
    const limit = limits[counter];
    if (limit === undefined) continue;
    values[`:${counter}Room`] = number(limit - amount);
    conditions.push(`(attribute_not_exists(#${counter}) OR #${counter} <= :${counter}Room)`);
  }
  if (swept) {
    Object.assign(names, { '#due': 'due', '#q': 'q' });
    Object.assign(values, { ':expires': number(expiresAt), ':q': text(dueShard(meter)) });
    sets.push('#due = if_not_exists(#due, :expires)', '#q = if_not_exists(#q, :q)');
  }
  const ttl = lastSecond(request);
  if (ttl !== undefined) {
    names['#ttl'] = 'ttl';
    values[':ttl'] = number(ttl);
    sets.push('#ttl = :ttl');
  }
  return {
    Key: { pk: text(meter) },
    UpdateExpression: `SET ${sets.join(', ')} ADD ${adds.join(', ')}`,
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}

/** The second since the epoch after which the meter may go; undefined when it may not. */
function lastSecond({ window, keepUntil, amounts }: HoldRequest): number | undefined {
  if (window.end === undefined) return keepUntil === undefined ? undefined : Math.ceil(keepUntil / 1000);
  return Math.ceil(window.end / 1000) + (amounts.usd === undefined ? KEEP_RATES_SECONDS : KEEP_MONEY_SECONDS);
}

/** If the hold is there: add what was used less what was held, remove the hold. */
function settleUpdate(
  meter: string,
  holdId: string,
  held: Amounts,
  actual: Amounts,
): Omit<UpdateItemCommandInput, 'TableName'> {
  const names: Record<string, string> = { '#hold': HOLD + holdId };
  const values: Item = {};
  const adds: string[] = [];
  for (const counter of COUNTERS) {
    const delta = (actual[counter] ?? 0n) - (held[counter] ?? 0n);
    if (delta === 0n) continue;
    names[`#${counter}`] = counter;
    values[`:${counter}`] = number(delta);
    adds.push(`#${counter} :${counter}`);
  }
  return {
    Key: { pk: text(meter) },
    UpdateExpression: `REMOVE #hold${adds.length === 0 ? '' : ` ADD ${adds.join(', ')}`}`,
    ConditionExpression: 'attribute_exists(#hold)',
    ExpressionAttributeNames: names,
    ...(adds.length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
}

/** Which partition of the sparse index a meter belongs to. */
const dueShard = (meter: string): string => String((createHash('sha256').update(meter).digest()[0] as number) % DUE_SHARDS);

function amountItem(amounts: Amounts): Item {
  const item: Item = {};
  for (const counter of COUNTERS) {
    const amount = amounts[counter];
    if (amount !== undefined) item[counter] = number(amount);
  }
  return item;
}

function amountsOf(item: Item): Amounts {
  const amounts: Partial<Record<Counter, bigint>> = {};
  for (const counter of COUNTERS) {
    const amount = bigintOf(item, counter);
    if (amount !== undefined) amounts[counter] = amount;
  }
  return amounts;
}

/** A hold as its attribute: one JSON text, which costs a reader of many holds far less than nested attributes. Money is text in it. */
interface HoldDocument {
  readonly amounts: Readonly<Partial<Record<Counter, string>>>;
  readonly expires: number;
  readonly call?: CallFacts;
}

function holdAttribute(amounts: Amounts, expires: number, call: CallFacts | undefined): AttributeValue {
  const texts = Object.fromEntries(Object.entries(amounts).map(([counter, amount]) => [counter, amount.toString()]));
  const document: HoldDocument = { amounts: texts, expires, ...(call === undefined ? {} : { call }) };
  return text(JSON.stringify(document));
}

function toHold(id: string, json: string): Hold {
  const { amounts, expires, call } = JSON.parse(json) as HoldDocument;
  const exact = Object.fromEntries(Object.entries(amounts).map(([counter, amount]) => [counter, BigInt(amount)]));
  return { id, amounts: exact, expiresAt: expires, ...(call === undefined ? {} : { call }) };
}

function toMeter(id: string, item: Item): Meter {
  const holds: Hold[] = [];
  for (const name in item) {
    const json = name.startsWith(HOLD) ? textOf(item, name) : undefined;
    if (json !== undefined) holds.push(toHold(name.slice(HOLD.length), json));
  }
  return { id, committed: amountsOf(item), holds, rev: countOf(item, 'rev') };
}
