/** The gateway and management over the services of AWS. Opens no connection before a request needs one. */
import { createSecretStore } from '../lib/stores/secrets-manager/index.ts';
import { openOnAws, type Ground } from './aws-stores.ts';
import { compose, type Composed } from './compose.ts';

/**
 * Everything the data plane and management need.
 *
 * @throws Error when a variable is wrong, or none says where the master key is
 */
export function composeOnAws(): Composed & Ground {
  const ground = openOnAws();
  const { env } = ground;
  const secrets = createSecretStore({ prefix: env.TOLLGATE_SECRET_PREFIX });
  const { TOLLGATE_MASTER_KEY: given, TOLLGATE_MASTER_KEY_SECRET: secret } = env;
  if (given === undefined && secret === undefined) throw new Error('Environment: TOLLGATE_MASTER_KEY_SECRET: missing');
  const masterKey = async (): Promise<string | undefined> => given ?? (secret === undefined ? undefined : secrets.get(secret));
  return { ...ground, ...compose({ ...ground, secrets, masterKey }) };
}
