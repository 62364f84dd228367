import * as sdk from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLedgerHandler } from '../../../functions/ledger/handler.ts';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import { followLedger } from '../../../lib/local/ledger-stream.ts';
import { type Emulator, startDynoxide } from '../../support/dynoxide.ts';

let emulator: Emulator;
let client: sdk.DynamoDBStreamsClient;
let checkpoint: string | undefined;
let lines: string[];

beforeEach(async () => {
  emulator = await startDynoxide();
  client = new sdk.DynamoDBStreamsClient({
    endpoint: emulator.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  checkpoint = undefined;
  lines = [];
});
afterEach(async () => {
  client.destroy();
  await emulator.stop();
});

const entry = (id: string): LedgerEntry => ({
  id,
  at: Date.UTC(2026, 10, 22),
  endedAt: Date.UTC(2026, 10, 22),
  status: 'success',
  keyHash: 'hash',
  tags: [],
  kind: 'generate',
  route: '/v1/chat/completions',
  clientDialect: 'openai-chat',
  modelGroup: 'demo',
  stream: false,
  httpStatus: 200,
  cost: 1_000n,
  price: { source: 'demo' },
  attempts: 1,
  durationMs: 1,
});
const spend = async (): Promise<bigint> => (await emulator.stores.totals.read({ kind: 'key', id: 'hash' })).spend;
const ids = ({ Records }: DynamoDBStreamEvent): (string | undefined)[] =>
  Records.map(({ dynamodb }) => dynamodb?.Keys?.['id']?.S);

/** Runs the loop until `enough` says so, asked after each batch. */
async function follow(
  enough: () => Promise<boolean> | boolean,
  consume = createLedgerHandler(emulator.stores.totals, () => undefined),
): Promise<void> {
  const stop = new AbortController();
  await followLedger({
    sdk,
    client,
    table: emulator.names.ledger,
    load: () => checkpoint,
    save: (text) => (checkpoint = text),
    log: (level, message) => lines.push(`${level} ${message}`),
    signal: stop.signal,
    pauseMs: 5,
    async consume(event) {
      const answer = await consume(event);
      // The checkpoint is written after the consumer answered: the loop ends after that.
      if (await enough()) stop.abort();
      return answer;
    },
  });
}

it('applies entries that were recorded together, each once', async () => {
  await emulator.stores.ledger.record(entry('a'));
  await emulator.stores.ledger.recordAll([entry('a'), entry('b'), entry('c')]);

  await follow(async () => (await spend()) >= 3_000n);

  expect(await spend()).toBe(3_000n);
});

it('projects what is in the ledger, in the shape of a Lambda event', async () => {
  await emulator.stores.ledger.record(entry('one'));
  await emulator.stores.ledger.record(entry('two'));
  const events: DynamoDBStreamEvent[] = [];
  const handler = createLedgerHandler(emulator.stores.totals, () => undefined);

  await follow(
    async () => (await spend()) === 2_000n,
    (event) => {
      events.push(event);
      return handler(event);
    },
  );

  expect(await spend()).toBe(2_000n);
  expect(events[0]?.Records[0]).toMatchObject({ eventName: 'INSERT', eventSourceARN: expect.stringContaining('/stream/') });
  expect(events[0]?.Records[0]?.dynamodb?.ApproximateCreationDateTime).toEqual(expect.any(Number));
  expect(lines).toEqual([]);
});

it('goes on where it ended', async () => {
  await emulator.stores.ledger.record(entry('one'));
  await follow(() => true);
  await emulator.stores.ledger.record(entry('two'));
  const seen: (string | undefined)[] = [];

  await follow(
    () => true,
    (event) => {
      seen.push(...ids(event));
      return Promise.resolve({ batchItemFailures: [] });
    },
  );

  expect(seen).toEqual(['two']);
});

it('brings back what the consumer could not do, and gives up after a while', async () => {
  for (const id of ['one', 'two', 'three']) await emulator.stores.ledger.record(entry(id));
  const batches: string[] = [];

  await follow(
    () => batches.at(-1) === 'three',
    (event) => {
      batches.push(ids(event).join(' '));
      const failed = event.Records.filter(({ dynamodb }) => dynamodb?.Keys?.['id']?.S === 'two');
      return Promise.resolve({
        batchItemFailures: failed.map(({ dynamodb }) => ({ itemIdentifier: dynamodb?.SequenceNumber ?? '' })),
      });
    },
  );

  expect(batches).toEqual(['one two three', ...Array<string>(4).fill('two three'), 'three']);
  expect(lines).toEqual(['error a ledger record was given up: totals lack it']);
});

it('waits for an emulator that is away', async () => {
  await emulator.stop();
  const stop = new AbortController();

  await followLedger({
    sdk,
    client,
    table: emulator.names.ledger,
    consume: () => Promise.resolve({ batchItemFailures: [] }),
    load: () => 'no checkpoint',
    save: () => undefined,
    log: (level, message) => {
      lines.push(`${level} ${message}`);
      if (lines.length === 2) stop.abort();
    },
    signal: stop.signal,
    pauseMs: 1,
  });

  expect(lines[0]).toBe('warn the ledger stream could not be read; trying again');
  emulator = await startDynoxide();
});
