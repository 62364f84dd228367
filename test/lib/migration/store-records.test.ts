import { expect, it } from 'vitest';
import { storeDeployments, type ImportDeps } from '../../../lib/migration/store-records.ts';
import { createSecretStore, open } from '../../../lib/stores/memory/index.ts';
import { aDeployment } from '../../support/exchange.ts';

it('leaves no model without its credential: a repeated import writes both', async () => {
  const secrets = createSecretStore();
  let failing = true;
  const deps: ImportDeps = {
    stores: open(),
    secrets: { ...secrets, put: (name, value) => (failing ? Promise.reject(new Error('down')) : secrets.put(name, value)) },
    now: () => 1,
    onProgress: () => {},
  };
  const models = [{ deployment: aDeployment({ id: 'm' }), secret: 'key' }];

  const first = await storeDeployments(deps, models);
  failing = false;
  const second = await storeDeployments(deps, models);

  expect(first).toMatchObject({ created: 0, failed: [expect.stringContaining('down') as string] });
  expect(second).toMatchObject({ created: 1, failed: [] });
  expect(await secrets.get('model/m')).toBe('key');
});
