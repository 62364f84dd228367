/** Records of the registry by kind: `<kind>#<id>` holds the record, the listing index orders those of a kind by age. */
import type { ConditionalCheckFailedException, PutItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { AuditEntry } from '../../domain/audit.ts';
import type { Entity } from '../../domain/entity.ts';
import type { AuditStore } from '../audit.ts';
import type { EntityStore } from '../entities.ts';
import type { Entities } from '../stores.ts';
import { number, text, type Item } from './attributes.ts';
import { answered } from './client.ts';
import { DeleteItemCommand, PutItemCommand, isFailedCondition } from './commands.ts';
import { documentText } from './document.ts';
import { listPage } from './listing.ts';
import { documentOf, getRecord, keyItem, type Registry } from './registry.ts';

const ABSENT = { ConditionExpression: 'attribute_not_exists(pk)' };

/** Records of one kind on DynamoDB. */
export function createEntityStore<Kind extends keyof Entities>(registry: Registry, kind: Kind): EntityStore<Entities[Kind]> {
  type Record = Entities[Kind] & Entity;
  const { client, table } = registry;
  const recordKey = (id: string) => ({ pk: `${kind}#${id}`, sk: kind });
  const read = async (id: string, consistent: boolean) =>
    documentOf(await getRecord(registry, recordKey(id), consistent)) as Record | undefined;
  const itemOf = (record: Record): Item => ({
    ...keyItem(recordKey(record.id)),
    doc: text(documentText(record)),
    rev: number(record.rev),
    list: text(kind),
    at: number(record.createdAt),
  });

  return {
    get: (id, options) => read(id, options?.fresh === true),

    async create(record) {
      const refused = await put(registry, { Item: itemOf(record), ...ABSENT });
      return refused === undefined ? 'created' : 'exists';
    },

    async replace(record) {
      const refused = await put(registry, {
        Item: itemOf(record),
        ConditionExpression: 'rev = :rev',
        ExpressionAttributeValues: { ':rev': number(record.rev - 1) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      if (refused === undefined) return 'replaced';
      return refused.Item === undefined ? 'absent' : 'stale';
    },

    async delete(id) {
      const { Attributes } = await answered(
        client.send(new DeleteItemCommand({ TableName: table, Key: keyItem(recordKey(id)), ReturnValues: 'ALL_OLD' })),
      );
      return documentOf(Attributes) as Record | undefined;
    },

    list: (page) => listPage<Record>(registry, kind, page),
  };
}

/** The audit log on DynamoDB, in the registry. */
export function createAuditStore(registry: Registry): AuditStore {
  const kind = 'audit';
  const recordKey = (id: string) => ({ pk: `${kind}#${id}`, sk: kind });
  return {
    async append(entry) {
      const item = {
        ...keyItem(recordKey(entry.id)),
        doc: text(documentText(entry)),
        list: text(kind),
        at: number(entry.at),
      };
      await put(registry, { Item: item, ...ABSENT });
    },
    get: async (id) => documentOf(await getRecord(registry, recordKey(id), true)) as AuditEntry | undefined,
    list: (page) => listPage<AuditEntry>(registry, kind, page),
  };
}

/** One conditional write; the refusal when the condition did not hold. */
export async function put(
  { client, table }: Registry,
  input: Omit<PutItemCommandInput, 'TableName'>,
): Promise<ConditionalCheckFailedException | undefined> {
  try {
    await answered(client.send(new PutItemCommand({ TableName: table, ...input })));
    return undefined;
  } catch (error) {
    if (isFailedCondition(error)) return error;
    throw error;
  }
}
