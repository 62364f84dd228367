/** The tables as plain data. `infra/` declares the same tables for AWS; a test compares the two. */
import { CreateTableCommand, UpdateTimeToLiveCommand, type Dynamo } from './commands.ts';

/** A key attribute: text (`S`) or number (`N`). */
export interface KeyAttribute {
  readonly name: string;
  readonly type: 'S' | 'N';
}

/** A global secondary index. */
export interface IndexSchema {
  readonly name: string;
  readonly partitionKey: KeyAttribute;
  readonly sortKey: KeyAttribute;
  readonly projection: 'ALL' | 'KEYS_ONLY';
}

/** One table. */
export interface TableSchema {
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
  readonly indexes: readonly IndexSchema[];
  /** Attribute with the second since the epoch after which an item may go. */
  readonly ttl?: string;
  /** What the table's stream shows of a change. */
  readonly stream?: 'NEW_IMAGE';
}

/** Physical names of the tables. */
export interface TableNames {
  readonly registry: string;
  readonly meters: string;
  readonly ledger: string;
  readonly totals: string;
}

/**
 * `registry`: keys, their aliases, the links from their owners, models, credentials; `listing` orders keys by age. `meters`: meters, and
 * responses kept for later turns; `due` is sparse and holds only meters with a lease to look at. `ledger`: one item per request, never
 * changed; `by-key` and `by-time` order them by arrival. `totals`: what the consumer of the ledger's stream projects; all of it can be
 * written anew.
 */
export const TABLES = {
  registry: {
    partitionKey: { name: 'pk', type: 'S' },
    sortKey: { name: 'sk', type: 'S' },
    indexes: [
      { name: 'listing', partitionKey: { name: 'list', type: 'S' }, sortKey: { name: 'at', type: 'N' }, projection: 'ALL' },
    ],
  },
  meters: {
    partitionKey: { name: 'pk', type: 'S' },
    indexes: [
      { name: 'due', partitionKey: { name: 'q', type: 'S' }, sortKey: { name: 'due', type: 'N' }, projection: 'KEYS_ONLY' },
    ],
    ttl: 'ttl',
  },
  ledger: {
    partitionKey: { name: 'id', type: 'S' },
    indexes: [
      {
        name: 'by-key',
        partitionKey: { name: 'keyHash', type: 'S' },
        sortKey: { name: 'arrival', type: 'S' },
        projection: 'KEYS_ONLY',
      },
      {
        name: 'by-time',
        partitionKey: { name: 'shard', type: 'S' },
        sortKey: { name: 'arrival', type: 'S' },
        projection: 'KEYS_ONLY',
      },
    ],
    stream: 'NEW_IMAGE',
  },
  totals: {
    partitionKey: { name: 'pk', type: 'S' },
    sortKey: { name: 'sk', type: 'S' },
    indexes: [],
    ttl: 'ttl',
  },
} as const satisfies Record<keyof TableNames, TableSchema>;

/** Creates the tables that are not there yet: for emulators; on AWS the data stack does it. */
export async function createTables(client: Dynamo, names: TableNames): Promise<void> {
  await Promise.all(
    (Object.keys(TABLES) as (keyof TableNames)[]).map((table) => createTable(client, names[table], TABLES[table])),
  );
}

async function createTable(client: Dynamo, name: string, schema: TableSchema): Promise<void> {
  const keys = [schema, ...schema.indexes].flatMap(({ partitionKey, sortKey }) => [
    partitionKey,
    ...(sortKey ? [sortKey] : []),
  ]);
  const types = new Map(keys.map((key) => [key.name, key.type]));
  try {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
        KeySchema: keySchema(schema),
        ...(schema.indexes.length === 0 ? {} : { GlobalSecondaryIndexes: schema.indexes.map(indexOf) }),
        ...(schema.stream ? { StreamSpecification: { StreamEnabled: true, StreamViewType: schema.stream } } : {}),
      }),
    );
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceInUseException') return;
    throw error;
  }
  if (schema.ttl === undefined) return;
  await client.send(
    new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification: { AttributeName: schema.ttl, Enabled: true } }),
  );
}

const indexOf = (index: IndexSchema) => ({
  IndexName: index.name,
  KeySchema: keySchema(index),
  Projection: { ProjectionType: index.projection },
});

const keySchema = ({ partitionKey, sortKey }: Pick<TableSchema, 'partitionKey' | 'sortKey'>) => [
  { AttributeName: partitionKey.name, KeyType: 'HASH' as const },
  ...(sortKey ? [{ AttributeName: sortKey.name, KeyType: 'RANGE' as const }] : []),
];
