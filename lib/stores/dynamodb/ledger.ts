/**
 * The ledger on DynamoDB: one item per request, written once (`entry-document`). Indexes carry keys only, which keeps the write of a
 * request at its cheapest.
 */
import type { BatchStatementRequest } from '@aws-sdk/client-dynamodb';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { isKeyText, strangeCursor } from '../../domain/pages.ts';
import type { LedgerStore } from '../ledger.ts';
import { text, textOf, type Item } from './attributes.ts';
import { readItems } from './batches.ts';
import { answered } from './client.ts';
import {
  BatchExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  isFailedCondition,
  isRefusal,
  type Dynamo,
} from './commands.ts';
import { entryFromImage, itemOf, timeKey, TIME_SHARDS } from './entry-document.ts';
import { queryAll } from './registry.ts';

/** The ledger on DynamoDB. */
export function createLedgerStore(client: Dynamo, table: string): LedgerStore {
  /** Index entries of one partition below `upper`, newest first. */
  const page = (partition: { index: string; attribute: string; value: string }, lower: string, upper: string, limit: number) =>
    queryAll(
      client,
      {
        TableName: table,
        IndexName: partition.index,
        KeyConditionExpression: '#partition = :partition AND #arrival BETWEEN :lower AND :upper',
        ExpressionAttributeNames: { '#partition': partition.attribute, '#arrival': 'arrival' },
        ExpressionAttributeValues: { ':partition': text(partition.value), ':lower': text(lower), ':upper': text(upper) },
        ScanIndexForward: false,
      },
      limit,
    );

  async function entriesOf(ids: readonly string[]): Promise<readonly LedgerEntry[]> {
    const keys = ids.map((id) => ({ id: text(id) }));
    const entries = (await readItems(client, table, keys, false)).map((item) => entryFromImage(item));
    const found = new Map(entries.map((entry) => [entry?.id, entry]));
    return ids.map((id) => found.get(id)).filter((entry) => entry !== undefined);
  }

  return {
    // PartiQL's INSERT is the one write that has a condition of its own in a batch: no item with this key. Each stands for itself.
    async recordAll(entries) {
      try {
        const { Responses = [] } = await client.send(
          new BatchExecuteStatementCommand({ Statements: entries.map((entry) => insertOf(table, itemOf(entry))) }),
        );
        return entries.map((_, index) => {
          const answer = Responses[index];
          if (answer === undefined) return undefined;
          if (answer.Error === undefined) return 'recorded';
          return answer.Error.Code === 'DuplicateItem' ? 'exists' : undefined;
        });
      } catch (error) {
        // The service will not have it in this way: a right that is missing, an entry it does not take.
        if (isRefusal(error)) return entries.map(() => undefined);
        return answered(Promise.reject(error as Error));
      }
    },

    async record(entry) {
      try {
        await answered(
          client.send(
            new PutItemCommand({ TableName: table, Item: itemOf(entry), ConditionExpression: 'attribute_not_exists(id)' }),
          ),
        );
        return 'recorded';
      } catch (error) {
        if (isFailedCondition(error)) return 'exists';
        throw error;
      }
    },

    async get(id) {
      const { Item } = await answered(
        client.send(new GetItemCommand({ TableName: table, Key: { id: text(id) }, ConsistentRead: true })),
      );
      return entryFromImage(Item);
    },

    getAll: entriesOf,

    async scan(cursor) {
      const { Items = [], LastEvaluatedKey } = await answered(
        client.send(
          new ScanCommand({
            TableName: table,
            ConsistentRead: true,
            ...(cursor === undefined ? {} : { ExclusiveStartKey: { id: text(cursor) } }),
          }),
        ),
      );
      const last = textOf(LastEvaluatedKey, 'id');
      return {
        items: Items.map((item) => entryFromImage(item)).filter((entry) => entry !== undefined),
        ...(last === undefined ? {} : { cursor: last }),
      };
    },

    async list({ keyHash, from = 0, to, limit, cursor }) {
      if (cursor !== undefined && !(/^\d{15}#/.test(cursor) && isKeyText(cursor))) throw strangeCursor();
      const lower = timeKey(from);
      // No sort key equals a bare time, so the inclusive upper bound leaves `to` itself out.
      const end = to === undefined ? ':' : timeKey(to);
      const upper = cursor !== undefined && cursor < end ? cursor : end;
      if (upper < lower) return { items: [] };
      const partitions =
        keyHash === undefined
          ? Array.from({ length: TIME_SHARDS }, (_, shard) => ({ index: 'by-time', attribute: 'shard', value: String(shard) }))
          : [{ index: 'by-key', attribute: 'keyHash', value: keyHash }];
      // One more than asked tells whether there is another page; one more for the cursor itself.
      const pages = await Promise.all(partitions.map((partition) => page(partition, lower, upper, limit + 2)));
      const found = pages
        .flat()
        .map((item) => ({ id: textOf(item, 'id') as string, arrival: textOf(item, 'arrival') as string }))
        .filter((item) => item.arrival !== cursor)
        .toSorted((one, other) => (one.arrival < other.arrival ? 1 : -1));
      const shown = found.slice(0, limit);
      const last = shown.at(-1);
      return {
        items: await entriesOf(shown.map(({ id }) => id)),
        ...(found.length > limit && last !== undefined ? { cursor: last.arrival } : {}),
      };
    },
  };
}

/** A put of an item that is not there yet. */
function insertOf(table: string, item: Item): BatchStatementRequest {
  const fields = Object.keys(item).map((name) => `'${name}': ?`);
  return { Statement: `INSERT INTO "${table}" VALUE {${fields.join(', ')}}`, Parameters: Object.values(item) };
}
