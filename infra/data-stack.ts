/** What must outlive every deployment: four tables and the master key. Nothing here goes away with its stack. */
import { Duration, RemovalPolicy, Stack, Validations, type StackProps } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  ProjectionType,
  StreamViewType,
  TableEncryptionV2,
  TableV2,
  type Attribute,
  type GlobalSecondaryIndexPropsV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Store, Stores } from './constructs/access.ts';

const string = (name: string): Attribute => ({ name, type: AttributeType.STRING });
const number = (name: string): Attribute => ({ name, type: AttributeType.NUMBER });

/** Keys of a table. The same facts as `lib/stores/dynamodb/schema.ts`; a test compares the two. */
interface TableKeys {
  readonly partitionKey: Attribute;
  readonly sortKey?: Attribute;
  readonly indexes?: readonly GlobalSecondaryIndexPropsV2[];
  readonly ttl?: string;
  readonly stream?: StreamViewType;
}

const index = (indexName: string, partitionKey: Attribute, sortKey: Attribute, projectionType: ProjectionType) => ({
  indexName,
  partitionKey,
  sortKey,
  projectionType,
});

const REGISTRY: TableKeys = {
  partitionKey: string('pk'),
  sortKey: string('sk'),
  indexes: [index('listing', string('list'), number('at'), ProjectionType.ALL)],
};

const METERS: TableKeys = {
  partitionKey: string('pk'),
  indexes: [index('due', string('q'), number('due'), ProjectionType.KEYS_ONLY)],
  ttl: 'ttl',
};

const LEDGER: TableKeys = {
  partitionKey: string('id'),
  indexes: [
    index('by-key', string('keyHash'), string('arrival'), ProjectionType.KEYS_ONLY),
    index('by-time', string('shard'), string('arrival'), ProjectionType.KEYS_ONLY),
  ],
  stream: StreamViewType.NEW_IMAGE,
};

const TOTALS: TableKeys = {
  partitionKey: string('pk'),
  sortKey: string('sk'),
  ttl: 'ttl',
};

/** What the stack is told. */
export interface DataStackProps extends StackProps {
  /** Begins the names of provider credentials: `tollgate/`. */
  readonly secretPrefix: string;
  /** Days that requests and answers are kept, where they are kept at all. */
  readonly bodyDays: number;
}

/** The stateful stack. */
export class DataStack extends Stack {
  readonly stores: Stores;

  constructor(scope: Construct, id: string, { secretPrefix, bodyDays, ...props }: DataStackProps) {
    super(scope, id, props);
    const secret = masterKey(this);
    const bucket = bodies(this, bodyDays);
    this.stores = {
      registry: this.#store('Registry', REGISTRY),
      meters: this.#store('Meters', METERS),
      ledger: this.#store('Ledger', LEDGER),
      totals: this.#store('Totals', TOTALS),
      bodies: { bucketName: this.exportValue(bucket.bucketName), bucketArn: this.exportValue(bucket.bucketArn) },
      masterKey: secret,
      masterKeyArn: this.exportValue(secret.secretArn),
      secretPrefix,
    };
  }

  #store(id: string, keys: TableKeys): Store {
    const stored = table(this, id, keys);
    return {
      table: stored,
      // Exported by hand: the Web Function construct (2.276.0) copies its settings before references between stacks are resolved.
      tableName: this.exportValue(stored.tableName),
      indexes: (keys.indexes ?? []).map(({ indexName }) => indexName),
    };
  }
}

const table = (scope: Construct, id: string, { partitionKey, sortKey, indexes = [], ttl, stream }: TableKeys): TableV2 =>
  new TableV2(scope, id, {
    partitionKey,
    ...(sortKey === undefined ? {} : { sortKey }),
    globalSecondaryIndexes: [...indexes],
    ...(ttl === undefined ? {} : { timeToLiveAttribute: ttl }),
    ...(stream === undefined ? {} : { dynamoStream: stream }),
    billing: Billing.onDemand(),
    // KMS with the key AWS manages for DynamoDB: audited in CloudTrail, no monthly fee of a key of our own.
    encryption: TableEncryptionV2.awsManagedKey(),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });

/** Requests and answers of those who asked for them to be kept; empty otherwise. They go by themselves. */
function bodies(scope: Construct, days: number): Bucket {
  const bucket = new Bucket(scope, 'Bodies', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    lifecycleRules: [{ expiration: Duration.days(days), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    removalPolicy: RemovalPolicy.RETAIN,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'Written and read by two functions of ours alone; who read what is in the audit log of management.',
  });
  return bucket;
}

/** Made by Secrets Manager: nobody has seen it, and no template holds it. Its name lies outside the prefix of credentials. */
function masterKey(scope: Construct): Secret {
  const secret = new Secret(scope, 'MasterKey', {
    description: 'Tollgate master key: may do everything, has no limits',
    generateSecretString: { passwordLength: 48, excludePunctuation: true },
    removalPolicy: RemovalPolicy.RETAIN,
  });
  Validations.of(secret).acknowledge({
    id: 'AwsSolutions-SMG4',
    reason: 'Rotated by its owner: people and scripts hold this key, so a new value on a timer would lock them out.',
  });
  return secret;
}
