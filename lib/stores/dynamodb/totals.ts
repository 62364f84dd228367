/**
 * Totals per key in the meters table (`total#<hash>`), projected from the ledger's stream. A marker per entry (`applied#<id>`), written
 * in the same transaction, makes a repeated delivery count once; it may go when the stream can no longer deliver.
 */
import { GetItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { totalOf } from '../../domain/total.ts';
import type { TotalStore } from '../totals.ts';
import { bigintOf, countOf, number, text } from './attributes.ts';
import { answered, transact } from './client.ts';

/** A stream keeps records for one day; a week leaves room for replays by hand. Seconds. */
const KEEP_MARKER_SECONDS = 7 * 86_400;

/** Totals on DynamoDB. */
export function createTotalStore(client: DynamoDBClient, table: string): TotalStore {
  return {
    async apply(entry) {
      const { spend, requests, unpriced, inputTokens, outputTokens } = totalOf(entry);
      const refused = await transact(client, [
        {
          Put: {
            TableName: table,
            Item: { pk: text(`applied#${entry.id}`), ttl: number(Math.ceil(entry.endedAt / 1000) + KEEP_MARKER_SECONDS) },
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        },
        {
          Update: {
            TableName: table,
            Key: { pk: text(`total#${entry.keyHash}`) },
            UpdateExpression:
              'ADD spend :spend, requests :requests, unpriced :unpriced, inputTokens :input, outputTokens :output',
            ExpressionAttributeValues: {
              ':spend': number(spend),
              ':requests': number(requests),
              ':unpriced': number(unpriced),
              ':input': number(inputTokens),
              ':output': number(outputTokens),
            },
          },
        },
      ]);
      return refused === undefined ? 'applied' : 'known';
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
