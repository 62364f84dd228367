/** What only DynamoDB has: raw items, stream images, table schemas, failures of the service. */
import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../lib/errors.ts';
import { createTables, entryFromImage, open, TABLES } from '../../../../lib/stores/dynamodb/index.ts';
import type { SdkClient } from '../../../../lib/stores/dynamodb/sdk-client.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../../../support/dynoxide.ts';
import { aKey, anEntry } from '../contract.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const rawItem = async (table: string, key: Record<string, { S: string }>) =>
  (await emulator.client.send(new GetItemCommand({ TableName: table, Key: key }))).Item;

const hold = (over: object) =>
  emulator.stores.meters.hold(
    {
      meter: 'm',
      scope: { kind: 'key', id: 'k' },
      window: { name: 'total', start: 0 },
      amounts: { usd: 1n },
      limits: {},
      swept: true,
      ...over,
    },
    'one',
    5_000,
  );

/** A client each of whose tries ends with this error. */
function failing(error: Error, times = Infinity): SdkClient {
  const client = clientFor(emulator.endpoint, { maxAttempts: 1 });
  let tries = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      if (tries++ < times) throw error;
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'failing' },
  );
  return client;
}

const conflict = () =>
  new TransactionCanceledException({
    message: 'cancelled',
    $metadata: {},
    CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
  });

describe('the tables', () => {
  it('are created once, with their indexes, stream and time to live', async () => {
    await createTables(emulator.client, NAMES);

    const { Table } = await emulator.client.send(new DescribeTableCommand({ TableName: NAMES.ledger }));
    const { TimeToLiveDescription } = await emulator.client.send(new DescribeTimeToLiveCommand({ TableName: NAMES.meters }));
    expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).toSorted()).toEqual(
      TABLES.ledger.indexes.map(({ name }) => name).toSorted(),
    );
    expect(Table?.StreamSpecification).toMatchObject({ StreamEnabled: true, StreamViewType: 'NEW_IMAGE' });
    expect(TimeToLiveDescription?.AttributeName).toBe(TABLES.meters.ttl);
  });

  it('refuse to be created where the service refuses', async () => {
    await expect(createTables(failing(new Error('no')), NAMES)).rejects.toThrow('no');
  });
});

describe('a meter item', () => {
  it('of money outlives its window by 35 days, is on the due index, and shows its holds', async () => {
    await hold({ meter: 'money', window: { name: '1d', start: 0, end: 86_400_000 } });

    expect(await rawItem(NAMES.meters, { pk: { S: 'money' } })).toMatchObject({
      usd: { N: '1' },
      due: { N: '5000' },
      ttl: { N: String(86_400 + 35 * 86_400) },
      'h#one': { S: '{"a":{"u":"1"},"x":5000}' },
    });
  });

  it('of rates outlives its minute by ten minutes and is on no index', async () => {
    await hold({ meter: 'rate', amounts: { requests: 1n }, window: { name: 'minute', start: 0, end: 60_000 }, swept: false });

    const item = await rawItem(NAMES.meters, { pk: { S: 'rate' } });
    expect(item?.['ttl']).toEqual({ N: String(60 + 600) });
    expect(item?.['due']).toBeUndefined();
  });

  it('without an end never goes', async () => {
    await hold({ meter: 'forever' });

    expect((await rawItem(NAMES.meters, { pk: { S: 'forever' } }))?.['ttl']).toBeUndefined();
  });
});

describe('an image of the ledger stream', () => {
  it('is the entry it shows', async () => {
    const entry = anEntry();
    await emulator.stores.ledger.record(entry);

    expect(entryFromImage(await rawItem(NAMES.ledger, { id: { S: entry.id } }))).toEqual(entry);
  });

  it('is nothing when it shows no entry', () => {
    expect(entryFromImage(undefined)).toBeUndefined();
    expect(entryFromImage({ id: { S: 'x' } })).toBeUndefined();
  });
});

describe('a failing service', () => {
  it('becomes one neutral error, with the cause kept for the log', async () => {
    const cause = new Error('address and table name');

    const failure: unknown = await open(failing(cause), NAMES)
      .meters.read('m')
      .catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(GatewayError);
    expect(failure).toMatchObject({
      kind: 'overloaded',
      status: 503,
      retryable: true,
      cause,
      detail: { code: 'store_unavailable' },
    });
    expect((failure as GatewayError).message).not.toContain('table');
  });

  it('is asked again when transactions conflict, and gives up in the end', async () => {
    expect(await open(failing(conflict(), 2), NAMES).keys.create(aKey())).toBe('created');
    await expect(open(failing(conflict()), NAMES).keys.create(aKey())).rejects.toMatchObject({ kind: 'overloaded' });
  });

  it('says that a cursor is none', async () => {
    await expect(emulator.stores.keys.list({ limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({
      kind: 'invalid_request',
    });
  });
});
