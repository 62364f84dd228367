/** The consumer of the ledger's stream: hands new entries to the projection and tells the stream which must come again. */
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { describeError, type Log } from '../../lib/log.ts';
import { project } from '../../lib/money/projection.ts';
import { entryFromImage } from '../../lib/stores/dynamodb/index.ts';
import type { TotalStore } from '../../lib/stores/totals.ts';

/**
 * The handler. Every failed record is reported; the stream resumes at the earliest of them, and what came after it and succeeded is
 * recognised and not counted again.
 */
export function createLedgerHandler(totals: TotalStore, log: Log) {
  return async function consumeLedger({ Records }: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
    const positions = new Map<string, string>();
    const entries: LedgerEntry[] = [];
    const failed: string[] = [];
    for (const record of Records.filter(({ eventName }) => eventName === 'INSERT')) {
      const position = record.dynamodb?.SequenceNumber ?? '';
      const entry = readEntry(record, log);
      if (entry === undefined) failed.push(position);
      else {
        entries.push(entry);
        positions.set(entry.id, position);
      }
    }
    const projected = await project(totals, entries, log);
    failed.push(...projected.failed.map((id) => positions.get(id) ?? ''));
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

/** Undefined for what is no entry: it goes to the dead letters rather than unnoticed. */
function readEntry({ dynamodb }: DynamoDBRecord, log: Log): LedgerEntry | undefined {
  try {
    return entryFromImage(dynamodb?.NewImage);
  } catch (error) {
    log('error', 'a ledger record could not be read', { position: dynamodb?.SequenceNumber, error: describeError(error) });
    return undefined;
  }
}
