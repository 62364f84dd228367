import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { createLedgerHandler } from '../../../functions/ledger/handler.ts';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import { itemOf } from '../../../lib/stores/dynamodb/entry-document.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { TotalStore } from '../../../lib/stores/totals.ts';
import { NOW } from '../../support/exchange.ts';

const KEY = 'a'.repeat(64);

const anEntry = (id: string, over: Partial<LedgerEntry> = {}): LedgerEntry => ({
  id,
  at: NOW,
  endedAt: NOW + 1000,
  status: 'success',
  keyHash: KEY,
  tags: [],
  kind: 'generate',
  route: '/v1/chat/completions',
  clientDialect: 'openai-chat',
  modelGroup: 'gpt-4o-mini',
  stream: false,
  httpStatus: 200,
  cost: 1_000n,
  price: { source: 'catalog' },
  attempts: 1,
  durationMs: 1000,
  ...over,
});

type Image = NonNullable<DynamoDBRecord['dynamodb']>['NewImage'];

/** A stream record as Lambda delivers it. */
const aRecord = (position: string, image: Image, eventName: DynamoDBRecord['eventName'] = 'INSERT'): DynamoDBRecord => ({
  eventID: position,
  eventName: eventName ?? 'INSERT',
  dynamodb: { SequenceNumber: position, NewImage: image ?? {} },
});

const imageOf = (entry: LedgerEntry): Image => itemOf(entry) as Image;

const quiet = (): void => undefined;

describe('ledger consumer', () => {
  test('adds new entries to the totals of their key', async () => {
    const { totals } = open();
    const handler = createLedgerHandler(totals, quiet);

    const answer = await handler({
      Records: [aRecord('1', imageOf(anEntry('one'))), aRecord('2', imageOf(anEntry('two', { cost: 500n })))],
    });

    expect(answer).toEqual({ batchItemFailures: [] });
    expect(await totals.read({ kind: 'key', id: KEY })).toMatchObject({ spend: 1_500n, requests: 2 });
  });

  test('counts a batch that is delivered twice once', async () => {
    const { totals } = open();
    const handler = createLedgerHandler(totals, quiet);
    const event = { Records: [aRecord('1', imageOf(anEntry('one')))] };

    await handler(event);
    const again = await handler(event);

    expect(again).toEqual({ batchItemFailures: [] });
    expect(await totals.read({ kind: 'key', id: KEY })).toMatchObject({ spend: 1_000n, requests: 1 });
  });

  test('reports the entries the store did not take, and keeps those it took', async () => {
    const { totals } = open();
    const failing: TotalStore = {
      ...totals,
      apply: (entries) => (entries.some(({ id }) => id === 'two') ? Promise.reject(new Error('no')) : totals.apply(entries)),
    };

    const answer = await createLedgerHandler(
      failing,
      quiet,
    )({
      Records: ['one', 'two', 'three'].map((id, index) => {
        const keyHash = id === 'two' ? 'another-key' : KEY;
        return aRecord(String(index + 1), imageOf({ ...anEntry(id), keyHash }));
      }),
    });

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '2' }] });
    expect(await totals.read({ kind: 'key', id: KEY })).toMatchObject({ requests: 2 });
  });

  test('reports a record that is no entry and logs where it is', async () => {
    const lines: unknown[] = [];
    const handler = createLedgerHandler(open().totals, (...line) => void lines.push(line));

    const answer = await handler({ Records: [aRecord('7', { ...imageOf(anEntry('x')), doc: { S: 'not json' } })] });

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '7' }] });
    expect(lines).toEqual([['error', 'a ledger record could not be read', expect.objectContaining({ position: '7' })]]);
  });

  test('ignores what is not new: changes and removals', async () => {
    const { totals } = open();

    const answer = await createLedgerHandler(
      totals,
      quiet,
    )({
      Records: [aRecord('1', imageOf(anEntry('one')), 'MODIFY'), aRecord('2', imageOf(anEntry('two')), 'REMOVE')],
    });

    expect(answer).toEqual({ batchItemFailures: [] });
    expect(await totals.read({ kind: 'key', id: KEY })).toMatchObject({ requests: 0 });
  });
});
