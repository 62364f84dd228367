/**
 * Records of the registry table. They are read whole and replaced whole, so each is one JSON document (`doc`) beside the attributes
 * that keys, conditions and indexes need.
 */
import type { QueryCommandInput, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { text, textOf, type Item } from './attributes.ts';
import { answered } from './client.ts';
import { GetItemCommand, QueryCommand, type Dynamo } from './commands.ts';
import { parseDocument } from './document.ts';

/** The registry table and a client for it. */
export interface Registry {
  readonly client: Dynamo;
  readonly table: string;
}

/** Address of a record. */
export interface RecordKey {
  readonly pk: string;
  readonly sk: string;
}

/** The key attributes of a record. */
export const keyItem = ({ pk, sk }: RecordKey): Item => ({ pk: text(pk), sk: text(sk) });

/** The document of an item; undefined when there is none. We wrote it, so its reader may say what it is. */
export function documentOf(item: Item | undefined): unknown {
  const json = textOf(item, 'doc');
  return json === undefined ? undefined : parseDocument(json);
}

/** One record. `consistent` costs double and sees every write that was answered. */
export async function getRecord({ client, table }: Registry, key: RecordKey, consistent: boolean): Promise<Item | undefined> {
  const { Item } = await answered(
    client.send(new GetItemCommand({ TableName: table, Key: keyItem(key), ConsistentRead: consistent })),
  );
  return Item;
}

/** Every document of a partition, in the order of its sort keys. */
export async function listDocuments({ client, table }: Registry, pk: string): Promise<readonly unknown[]> {
  const items = await queryAll(client, {
    TableName: table,
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': text(pk) },
  });
  return items.map((item) => documentOf(item));
}

/** Items of a partition in the order of their sort keys, up to `limit`, behind the place `start`; `last`: where to go on. */
export async function pageOfPartition(
  { client, table }: Registry,
  pk: string,
  { limit, start }: { readonly limit: number; readonly start: Item | undefined },
): Promise<{ readonly items: readonly Item[]; readonly last: Item | undefined }> {
  const { Items = [], LastEvaluatedKey } = await answered(
    client.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': text(pk) },
        Limit: limit,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    ),
  );
  return { items: Items, last: LastEvaluatedKey };
}

/** The items of a query over as many pages as it takes, up to `limit` of them. */
export async function queryAll(client: Dynamo, query: QueryCommandInput, limit = Infinity): Promise<readonly Item[]> {
  const items: Item[] = [];
  let start: Item | undefined;
  do {
    const page = await answered(
      client.send(
        new QueryCommand({
          ...query,
          ...(limit === Infinity ? {} : { Limit: limit - items.length }),
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        }),
      ),
    );
    items.push(...(page.Items ?? []));
    start = page.LastEvaluatedKey;
  } while (start !== undefined && items.length < limit);
  return items;
}

/** A write of `item` for a transaction, on a condition. */
export const putWrite = (
  { table }: Registry,
  item: Item,
  condition: Pick<NonNullable<TransactWriteItem['Put']>, 'ConditionExpression' | 'ExpressionAttributeValues'>,
): TransactWriteItem => ({
  Put: { TableName: table, Item: item, ...condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
});
