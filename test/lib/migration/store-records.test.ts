import { expect, it } from 'vitest';
import type { Dump } from '../../../lib/migration/dump.ts';
import { recordsOf } from '../../../lib/migration/records.ts';
import { storeDeployments, storeRecords, type ImportDeps } from '../../../lib/migration/store-records.ts';
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

it('names records whose ids no key of an item has room for, and writes the others', async () => {
  const long = '界'.repeat(72);
  const rows = [
    { user_id: long, spend: 1 },
    { user_id: 'fits', spend: 2 },
  ];
  const stores = open();
  const dump = new Map([['EndUserTable', rows]]) as unknown as Dump;
  const tallies = await storeRecords(
    { stores, secrets: createSecretStore(), now: () => 1, onProgress: () => {} },
    recordsOf(dump, 1),
  );

  const failed = tallies.flatMap((tally) => tally.failed);
  expect(failed).toHaveLength(2);
  for (const fault of failed) expect(fault).toContain('this one takes 648');
  expect(await stores.customers.get('fits')).toBeDefined();
  expect((await stores.ledger.scan()).items).toMatchObject([{ endUser: 'fits' }]);
});
