/** Who may do what with the data. Rights are data, so that a reviewer (and a test) sees all of them on one page. */
import { ArnFormat, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';

type TableAction =
  | 'GetItem'
  | 'BatchGetItem'
  | 'Query'
  | 'Scan'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'BatchWriteItem'
  | 'PartiQLInsert';
type BodyAction = 'PutObject' | 'GetObject';
type SecretAction = 'GetSecretValue' | 'CreateSecret' | 'PutSecretValue' | 'DeleteSecret';

/** Rights of one function; what is absent is forbidden. */
export interface Access {
  readonly registry?: readonly TableAction[];
  readonly meters?: readonly TableAction[];
  readonly ledger?: readonly TableAction[];
  readonly totals?: readonly TableAction[];
  /** On requests and answers that are kept. */
  readonly bodies?: readonly BodyAction[];
  /** On all secrets below the prefix: credentials of providers, newest secrets of keys, and what receipts are signed with. */
  readonly secrets?: readonly SecretAction[];
  /** On those of them that are credentials of providers: `credential/` and `model/`. */
  readonly credentials?: readonly SecretAction[];
  /** Kinds of records (the first part of their keys) that may be written to the registry, where not all may. */
  readonly records?: readonly string[];
  /** On those of them that hold the newest secrets of keys: `key/` below the prefix. */
  readonly keySecrets?: readonly SecretAction[];
  /** May read the master key. */
  readonly masterKey?: boolean;
}

/** The rights of our functions. Transactions need the rights of the writes they are made of. */
export const ACCESS = {
  gateway: {
    registry: ['GetItem', 'Query'],
    // Customers nobody has seen before, and users of tokens where the operator lets those be made (`user_id_upsert`),
    // with the links they are found by.
    records: ['customer', 'user', 'link#user'],
    meters: ['GetItem', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem'],
    // Entries of calls that end together are inserted together.
    ledger: ['GetItem', 'PutItem', 'PartiQLInsert'],
    totals: ['GetItem', 'Query'],
    bodies: ['PutObject'],
    credentials: ['GetSecretValue'],
    masterKey: true,
  },
  admin: {
    registry: ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'],
    meters: ['GetItem', 'BatchGetItem', 'UpdateItem'],
    ledger: ['GetItem', 'BatchGetItem', 'Query', 'PutItem'],
    totals: ['GetItem', 'Query'],
    bodies: ['GetObject'],
    secrets: ['GetSecretValue', 'CreateSecret', 'PutSecretValue', 'DeleteSecret'],
    masterKey: true,
  },
  keeper: {
    registry: ['GetItem', 'BatchGetItem', 'Query', 'PutItem', 'DeleteItem'],
    keySecrets: ['GetSecretValue', 'CreateSecret', 'PutSecretValue'],
    meters: ['GetItem', 'BatchGetItem', 'Query', 'UpdateItem'],
    ledger: ['GetItem', 'PutItem'],
  },
  reconciler: {
    registry: ['GetItem', 'Query'],
    // What meters did not hold is brought into them; the last checkpoint lies beside the totals.
    meters: ['GetItem', 'BatchGetItem', 'UpdateItem'],
    ledger: ['Query', 'BatchGetItem', 'Scan'],
    totals: ['GetItem', 'Query', 'PutItem'],
  },
  ledger: {
    totals: ['GetItem', 'BatchGetItem', 'UpdateItem', 'BatchWriteItem'],
  },
} as const satisfies Record<string, Access>;

/** The stores that rights are about. */
export interface Stores {
  readonly registry: Store;
  readonly meters: Store;
  readonly ledger: Store;
  readonly totals: Store;
  /** Bucket of requests and answers: its name and its ARN, as other stacks may use them. */
  readonly bodies: { readonly bucketName: string; readonly bucketArn: string };
  readonly masterKey: Secret;
  readonly masterKeyArn: string;
  /** `tollgate/`: where the names of credentials begin. */
  readonly secretPrefix: string;
}

/** A table, its name as other stacks may use it, and the names of its indexes. */
export interface Store {
  readonly table: TableV2;
  readonly tableName: string;
  readonly indexes: readonly string[];
}

/** Gives a role its rights: one statement a store, each on exact tables and indexes. */
export function grantAccess(role: Role, access: Access, stores: Stores): void {
  for (const name of ['registry', 'meters', 'ledger', 'totals'] as const) {
    const actions = access[name];
    if (actions !== undefined) role.addToPolicy(tableStatement(stores[name], actions));
  }
  if (access.records !== undefined) role.addToPolicy(recordStatement(stores.registry, access.records));
  if (access.bodies !== undefined) {
    const resource = `${stores.bodies.bucketArn}/*`;
    role.addToPolicy(new PolicyStatement({ actions: access.bodies.map((action) => `s3:${action}`), resources: [resource] }));
    acknowledgeObjects(role, stores.bodies.bucketArn);
  }
  if (access.masterKey === true) role.addToPolicy(secretStatement(['GetSecretValue'], stores.masterKey.secretArn));
  if (access.secrets !== undefined) grantSecrets(role, access.secrets, `${stores.secretPrefix}*`);
  for (const kind of access.credentials === undefined ? [] : ['credential', 'model']) {
    grantSecrets(role, access.credentials ?? [], `${stores.secretPrefix}${kind}/*`);
  }
  if (access.keySecrets !== undefined) grantSecrets(role, access.keySecrets, `${stores.secretPrefix}key/*`);
}

/** Rights on the secrets whose names begin so. */
function grantSecrets(role: Role, actions: readonly SecretAction[], resourceName: string): void {
  const arn = Stack.of(role).formatArn({
    service: 'secretsmanager',
    resource: 'secret',
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  role.addToPolicy(secretStatement(actions, arn));
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${resourceName}]`,
    reason: 'Credentials are created at run time; their names share this prefix and nothing else has it.',
  });
}

/** Objects have no names before they are written: the right is on all of this one bucket. */
function acknowledgeObjects(role: Role, bucketArn: string): void {
  const { 'Fn::ImportValue': name } = Stack.of(role).resolve(bucketArn) as { readonly 'Fn::ImportValue': string };
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${name}/*]`,
    reason: 'Requests and answers of calls: the bucket holds nothing else.',
  });
}

/**
 * Lets a role call models on Bedrock. Which models an account may use is decided in Bedrock itself, and inference profiles reach into
 * other regions, so the right names kinds of resources and not single ones.
 */
export function grantBedrock(role: Role): void {
  const stack = Stack.of(role);
  const own = (resource: string): string => stack.formatArn({ service: 'bedrock', region: '*', resource, resourceName: '*' });
  const foundation = `arn:${stack.partition}:bedrock:*::foundation-model/*`;
  const resources = [foundation, own('inference-profile'), own('application-inference-profile'), own('provisioned-model')];
  role.addToPolicy(
    new PolicyStatement({
      actions: ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream', 'bedrock:CountTokens'],
      resources,
    }),
  );
  for (const resource of resources) {
    const shown = resource.replaceAll(stack.partition, '<AWS::Partition>').replaceAll(stack.account, '<AWS::AccountId>');
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${shown}]`,
      reason: 'The operator asked for Bedrock; models are chosen at run time, by deployments.',
    });
  }
}

function tableStatement({ table, indexes }: Store, actions: readonly TableAction[]): PolicyStatement {
  const queried = actions.includes('Query') ? indexes.map((index) => `${table.tableArn}/index/${index}`) : [];
  return new PolicyStatement({
    actions: actions.map((action) => `dynamodb:${action}`),
    resources: [table.tableArn, ...queried],
  });
}

/** Puts of some kinds of records: the key of an item begins with its kind. */
const recordStatement = ({ table }: Store, kinds: readonly string[]): PolicyStatement =>
  new PolicyStatement({
    actions: ['dynamodb:PutItem'],
    resources: [table.tableArn],
    conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': kinds.map((kind) => `${kind}#*`) } },
  });

const secretStatement = (actions: readonly SecretAction[], arn: string): PolicyStatement =>
  new PolicyStatement({ actions: actions.map((action) => `secretsmanager:${action}`), resources: [arn] });
