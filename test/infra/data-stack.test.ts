import { describe, expect, test } from 'vitest';
import { TABLES, type IndexSchema, type TableSchema } from '../../lib/stores/dynamodb/schema.ts';
import { resourcesOf, synth, type Resource } from './synth.ts';

interface GlobalTable {
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: string }[];
  readonly KeySchema: KeySchema;
  readonly BillingMode: string;
  readonly GlobalSecondaryIndexes?: readonly {
    IndexName: string;
    KeySchema: KeySchema;
    Projection: { ProjectionType: string };
  }[];
  readonly TimeToLiveSpecification?: { readonly AttributeName: string; readonly Enabled: boolean };
  readonly StreamSpecification?: { readonly StreamViewType: string };
  readonly SSESpecification: unknown;
  readonly Replicas: readonly Readonly<Record<string, unknown>>[];
}
type KeySchema = readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];

const { data } = synth();
const tables = resourcesOf(data, 'AWS::DynamoDB::GlobalTable');

function tableOf(name: string): Resource & { readonly Properties: GlobalTable } {
  const found = Object.entries(tables).find(([id]) => id.toLowerCase().startsWith(name));
  return found?.[1] as unknown as Resource & { readonly Properties: GlobalTable };
}

/** A synthesized table in the words of the stores' schema. */
function schemaOf({ AttributeDefinitions, KeySchema, ...table }: GlobalTable): TableSchema {
  const types = new Map(
    AttributeDefinitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType as 'S' | 'N']),
  );
  const key = (keys: KeySchema, kind: 'HASH' | 'RANGE') => {
    const name = keys.find(({ KeyType }) => KeyType === kind)?.AttributeName;
    return name === undefined ? undefined : { name, type: types.get(name) as 'S' | 'N' };
  };
  const sortKey = key(KeySchema, 'RANGE');
  return {
    partitionKey: key(KeySchema, 'HASH') as TableSchema['partitionKey'],
    ...(sortKey === undefined ? {} : { sortKey }),
    indexes: (table.GlobalSecondaryIndexes ?? []).map((index) => ({
      name: index.IndexName,
      partitionKey: key(index.KeySchema, 'HASH') as IndexSchema['partitionKey'],
      sortKey: key(index.KeySchema, 'RANGE') as IndexSchema['sortKey'],
      projection: index.Projection.ProjectionType as IndexSchema['projection'],
    })),
    ...(table.TimeToLiveSpecification?.Enabled ? { ttl: table.TimeToLiveSpecification.AttributeName } : {}),
    ...(table.StreamSpecification === undefined ? {} : { stream: table.StreamSpecification.StreamViewType as 'NEW_IMAGE' }),
  };
}

describe('data stack', () => {
  test('has the tables of the stores and no other', () => {
    expect(Object.keys(tables)).toHaveLength(Object.keys(TABLES).length);
  });

  describe.each(Object.entries(TABLES))('%s table', (name, schema) => {
    const { Properties: table, ...resource } = tableOf(name);

    test('has the keys, indexes, expiry and stream that the stores expect', () => {
      expect(schemaOf(table)).toEqual(schema);
    });

    test('is billed by use, encrypted with KMS, and recoverable to any second', () => {
      expect(table.BillingMode).toBe('PAY_PER_REQUEST');
      expect(table.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' });
      expect(table.Replicas).toHaveLength(1);
      expect(table.Replicas[0]).toMatchObject({ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } });
    });

    test('outlives its stack and resists deletion', () => {
      expect(resource).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
      expect(table.Replicas[0]).toMatchObject({ DeletionProtectionEnabled: true });
    });
  });

  test('lets Secrets Manager make the master key, and keeps it', () => {
    const [secret] = Object.values(resourcesOf(data, 'AWS::SecretsManager::Secret'));
    expect(secret).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { GenerateSecretString: { PasswordLength: 48, ExcludePunctuation: true } },
    });
  });

  test('gives the master key a name outside the prefix of credentials', () => {
    const [secret] = Object.values(resourcesOf(data, 'AWS::SecretsManager::Secret'));
    expect(secret?.Properties).not.toHaveProperty('Name');
  });
});

describe('the bucket of bodies', () => {
  const [bucket] = Object.values(resourcesOf(data, 'AWS::S3::Bucket'));

  test('is private, encrypted, kept, and empties itself after thirty days', () => {
    expect(bucket).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        LifecycleConfiguration: { Rules: [expect.objectContaining({ ExpirationInDays: 30, Status: 'Enabled' })] },
      },
    });
  });
});
