/** Many items at once, read or written, each for itself. What the service leaves undone is asked for again. */
import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import { setTimeout as wait } from 'node:timers/promises';
import type { Item } from './attributes.ts';
import { answered, unavailable } from './client.ts';
import { BatchGetItemCommand, BatchWriteItemCommand, type Dynamo } from './commands.ts';

/** Most items of one read and of one write (API reference, BatchGetItem and BatchWriteItem). */
const MOST_READ = 100;
const MOST_WRITTEN = 25;
/** Pauses before what was left undone is asked for again, milliseconds. */
const PAUSES = [20, 80, 320, 1_280];

/**
 * The items with these keys, those that are there, in no order; each key once. `consistent` sees every write that was answered.
 *
 * @throws GatewayError `overloaded` when the service keeps leaving them
 */
export async function readItems(
  client: Dynamo,
  table: string,
  keys: readonly Item[],
  consistent = true,
): Promise<readonly Item[]> {
  // The service refuses a key that is asked for twice.
  const distinct = [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
  const batches = Array.from({ length: Math.ceil(distinct.length / MOST_READ) }, (_, batch) =>
    readBatch(client, table, distinct.slice(batch * MOST_READ, (batch + 1) * MOST_READ), consistent),
  );
  return (await Promise.all(batches)).flat();
}

/** One answer holds 16 MB: that something is left is no sign of trouble, only that nothing was done is. */
async function readBatch(client: Dynamo, table: string, keys: readonly Item[], consistent: boolean): Promise<readonly Item[]> {
  const items: Item[] = [];
  const pauses = PAUSES.values();
  for (let left = [...keys]; left.length > 0;) {
    const { Responses, UnprocessedKeys } = await answered(
      client.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: left, ConsistentRead: consistent } } })),
    );
    items.push(...(Responses?.[table] ?? []));
    const still = UnprocessedKeys?.[table]?.Keys ?? [];
    if (still.length === left.length) await pause(pauses, still.length);
    left = still;
  }
  return items;
}

/** @throws GatewayError `overloaded` when the service keeps leaving them */
export async function writeItems(client: Dynamo, table: string, requests: readonly WriteRequest[]): Promise<void> {
  for (let from = 0; from < requests.length; from += MOST_WRITTEN) {
    const pauses = PAUSES.values();
    for (let left = requests.slice(from, from + MOST_WRITTEN); left.length > 0;) {
      const { UnprocessedItems } = await answered(client.send(new BatchWriteItemCommand({ RequestItems: { [table]: left } })));
      left = UnprocessedItems?.[table] ?? [];
      if (left.length > 0) await pause(pauses, left.length);
    }
  }
}

async function pause(pauses: Iterator<number>, left: number): Promise<void> {
  const { value, done } = pauses.next();
  if (done === true) throw unavailable(new Error(`the service left ${left} items undone each time`));
  await wait(value);
}
