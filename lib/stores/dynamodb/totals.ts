/**
 * Totals per key in the meters table (`total#<hash>`), projected from the ledger's stream. A marker per entry (`applied#<id>`), written
 * in the same transaction, makes a repeated delivery count once; it may go when the stream can no longer deliver.
 */
import { GetItemCommand, type DynamoDBClient, type TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { addTotals, totalOf } from '../../domain/total.ts';
import type { TotalStore } from '../totals.ts';
import { bigintOf, countOf, number, text } from './attributes.ts';
import { answered, transact, wasRefused } from './client.ts';

/** A stream keeps records for one day; a week leaves room for replays by hand. Seconds. */
const KEEP_MARKER_SECONDS = 7 * 86_400;

/** Refused when the entry was applied before. */
const marker = (table: string, { id, endedAt }: LedgerEntry): TransactWriteItem => ({
  Put: {
    TableName: table,
    Item: { pk: text(`applied#${id}`), ttl: number(Math.ceil(endedAt / 1000) + KEEP_MARKER_SECONDS) },
    ConditionExpression: 'attribute_not_exists(pk)',
  },
});

/** One update for all entries of a key. */
function addition(table: string, entries: readonly LedgerEntry[]): TransactWriteItem {
  const { spend, requests, unpriced, inputTokens, outputTokens } = entries.map(totalOf).reduce(addTotals);
  return {
    Update: {
      TableName: table,
      Key: { pk: text(`total#${entries[0]?.keyHash}`) },
      UpdateExpression: 'ADD spend :spend, requests :requests, unpriced :unpriced, inputTokens :input, outputTokens :output',
      ExpressionAttributeValues: {
        ':spend': number(spend),
        ':requests': number(requests),
        ':unpriced': number(unpriced),
        ':input': number(inputTokens),
        ':output': number(outputTokens),
      },
    },
  };
}

/** Totals on DynamoDB. */
export function createTotalStore(client: DynamoDBClient, table: string): TotalStore {
  return {
    async apply(entries) {
      let fresh = [...new Map(entries.map((entry) => [entry.id, entry])).values()];
      while (fresh.length > 0) {
        const refused = await transact(client, [...fresh.map((entry) => marker(table, entry)), addition(table, fresh)]);
        if (refused === undefined) break;
        fresh = fresh.filter((_, index) => !wasRefused(refused, index));
      }
      return fresh.length;
    },

    async read(keyHash) {
      const { Item } = await answered(
        client.send(new GetItemCommand({ TableName: table, Key: { pk: text(`total#${keyHash}`) }, ConsistentRead: true })),
      );
      return {
        spend: bigintOf(Item, 'spend') ?? 0n,
        requests: countOf(Item, 'requests'),
        unpriced: countOf(Item, 'unpriced'),
        inputTokens: countOf(Item, 'inputTokens'),
        outputTokens: countOf(Item, 'outputTokens'),
      };
    },
  };
}
