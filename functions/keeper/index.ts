import { createSecretStore } from '../../lib/stores/secrets-manager/index.ts';
import { createSdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { openOnAws } from '../aws-stores.ts';
import { createKeeper } from './handler.ts';

const ground = openOnAws(createSdkClient());
const { env, stores } = ground;

/** Entry of the keeper's bundle. */
export const handler = createKeeper({
  ...ground,
  keys: {
    stores,
    secrets: createSecretStore({ prefix: env.TOLLGATE_SECRET_PREFIX }),
    grace: env.TOLLGATE_ROTATION_GRACE,
  },
});
