/** Deployments in the registry: one partition, read whole, and a version that counts every change. */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { Deployment } from '../../domain/model.ts';
import type { ModelStore } from '../models.ts';
import { countOf, number, text } from './attributes.ts';
import { transact } from './client.ts';
import { documentOf, getRecord, keyItem, listDocuments, putWrite, type Registry } from './registry.ts';

const PARTITION = 'model';
const VERSION = { pk: 'version', sk: PARTITION };
const modelRecord = (id: string) => ({ pk: PARTITION, sk: id });

/** Deployments on DynamoDB. */
export function createModelStore(registry: Registry): ModelStore {
  const { client, table } = registry;
  const read = async (id: string) => documentOf(await getRecord(registry, modelRecord(id), true)) as Deployment | undefined;
  const newVersion: TransactWriteItem = {
    Update: {
      TableName: table,
      Key: keyItem(VERSION),
      UpdateExpression: 'ADD #version :one',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: { ':one': number(1) },
    },
  };

  return {
    version: async () => countOf(await getRecord(registry, VERSION, true), 'version'),
    list: async () => (await listDocuments(registry, PARTITION)) as readonly Deployment[],
    get: read,

    async put(deployment, condition) {
      const item = { ...keyItem(modelRecord(deployment.id)), doc: text(JSON.stringify(deployment)) };
      const refused = await transact(client, [
        putWrite(registry, item, {
          ConditionExpression: condition === 'new' ? 'attribute_not_exists(pk)' : 'attribute_exists(pk)',
        }),
        newVersion,
      ]);
      return refused === undefined ? 'stored' : 'conflict';
    },

    async delete(id) {
      const stored = await read(id);
      if (stored === undefined) return undefined;
      const refused = await transact(client, [
        {
          Delete: { TableName: table, Key: keyItem(modelRecord(id)), ConditionExpression: 'attribute_exists(pk)' },
        },
        newVersion,
      ]);
      return refused === undefined ? stored : undefined;
    },
  };
}
