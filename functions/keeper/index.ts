import { createSecretStore } from '../../lib/stores/secrets-manager/index.ts';
import { createSdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { openOnAws } from '../aws-stores.ts';
import { createKeeper } from './handler.ts';

const ground = openOnAws(createSdkClient());
const { env, stores, log } = ground;
const url = env.TOLLGATE_PRICE_MAP_URL;

/** Entry of the keeper's bundle. */
export const handler = createKeeper({
  ...ground,
  keys: {
    stores,
    secrets: createSecretStore({ prefix: env.TOLLGATE_SECRET_PREFIX }),
    grace: env.TOLLGATE_ROTATION_GRACE,
  },
  ...(url === undefined ? {} : { prices: () => fetchDue(url) }),
});

/** Most runs have no use for what it takes: it is loaded where there is a map. */
async function fetchDue(address: string): Promise<void> {
  const [{ keepPrices }, { createCatalog }, { createHttpClient }] = await Promise.all([
    import('./prices.ts'),
    import('../../lib/catalog/index.ts'),
    import('../../lib/transport/http.ts'),
  ]);
  const http = createHttpClient();
  try {
    await keepPrices({ url: address, stores, bundled: createCatalog(), http, log });
  } finally {
    await http.close();
  }
}
