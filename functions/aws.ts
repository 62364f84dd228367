/** The gateway and management over the services of AWS. Opens no connection before a request needs one. */
import { DYNAMO_HTTP, type Dynamo, type DynamoOptions } from '../lib/stores/dynamodb/index.ts';
import { createSecretStore } from '../lib/stores/secrets-manager/index.ts';
import { createBodyStore } from '../lib/stores/s3/index.ts';
import { createHttpClient } from '../lib/transport/http.ts';
import { openOnAws, type Ground } from './aws-stores.ts';
import { compose, type Composed } from './compose.ts';

/** Variables of the function's role, which signs calls to models of AWS. */
const ROLE = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION'];

/**
 * Everything the data plane and management need.
 *
 * @param connect makes the client of the tables: one that loads the SDK when there is need of it, or one that has it at hand
 * @throws Error when a variable is wrong, or none says where the master key is
 */
export function composeOnAws(connect: (options: DynamoOptions) => Dynamo): Composed & Ground {
  const http = createHttpClient(DYNAMO_HTTP);
  const ground = openOnAws(connect({ http, environment: process.env }));
  const { env } = ground;
  const secrets = createSecretStore({ prefix: env.TOLLGATE_SECRET_PREFIX, http, environment: process.env });
  const { TOLLGATE_MASTER_KEY: given, TOLLGATE_MASTER_KEY_SECRET: secret } = env;
  if (given === undefined && secret === undefined) throw new Error('Environment: TOLLGATE_MASTER_KEY_SECRET: missing');
  const masterKey = async (): Promise<string | undefined> => given ?? (secret === undefined ? undefined : secrets.get(secret));
  const environment = Object.fromEntries(ROLE.map((name) => [name, process.env[name]]));
  const bucket = env.TOLLGATE_BODY_BUCKET;
  const bodies = bucket === undefined ? {} : { bodies: createBodyStore({ bucket }) };
  return { ...ground, ...compose({ ...ground, secrets, masterKey, environment, ...bodies }) };
}
