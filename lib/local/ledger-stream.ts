/**
 * Feeds the consumer of the ledger's stream on this machine, as an event source mapping does on AWS: reads the stream's shards, hands
 * over batches in the shape of a Lambda event, remembers how far it came, and brings back what the consumer could not do.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { _Record, DynamoDBStreamsClient, Shard } from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { describeError, type Log } from '../log.ts';

/** What the loop works with. */
export interface LedgerStreamOptions {
  /** Loaded by the caller with `import()`: the start does not wait for it. */
  readonly sdk: typeof import('@aws-sdk/client-dynamodb-streams');
  readonly client: DynamoDBStreamsClient;
  readonly table: string;
  readonly consume: (event: DynamoDBStreamEvent) => Promise<DynamoDBBatchResponse>;
  /** The checkpoint, as text that `save` was given; undefined when there is none. */
  readonly load: () => string | undefined;
  readonly save: (checkpoint: string) => void;
  readonly log: Log;
  /** Ends the loop, after the batch under way. */
  readonly signal: AbortSignal;
  /** Pause after an empty read, milliseconds. */
  readonly pauseMs?: number;
}

/** How far each shard of a stream was read: its last sequence number, or `closed`. */
const checkpointSchema = z.object({ stream: z.string(), shards: z.record(z.string(), z.string()) });
type Checkpoint = z.infer<typeof checkpointSchema>;

const CLOSED = 'closed';
const PAUSE_MS = 250;
/** A failure is waited out longer: the emulator may be on its way back. */
const FAILURE_PAUSES = 4;
/** How often a record that the consumer refuses is handed over again before it is given up. */
const MAX_TRIES = 5;

/** Follows the stream until the signal; never rejects. */
export async function followLedger(options: LedgerStreamOptions): Promise<void> {
  const { signal, log, pauseMs = PAUSE_MS } = options;
  const pause = (ms: number): Promise<unknown> => wait(ms, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    try {
      const reader = await openReader(options);
      while (!signal.aborted) if (!(await reader.readOnce())) await pause(pauseMs);
    } catch (error) {
      if (signal.aborted) return;
      log('warn', 'the ledger stream could not be read; trying again', describeError(error));
      await pause(FAILURE_PAUSES * pauseMs);
    }
  }
}

/** Reads the stream that the table has now; a failure of it wants a new reader. */
async function openReader(options: LedgerStreamOptions): Promise<{ readOnce(): Promise<boolean> }> {
  const { sdk, client, table, consume, log, signal, pauseMs = PAUSE_MS } = options;
  const { Streams = [] } = await client.send(new sdk.ListStreamsCommand({ TableName: table }));
  const stream = Streams.at(-1)?.StreamArn;
  if (stream === undefined) throw new Error(`table ${table} has no stream`);
  const known = parse(options.load());
  const checkpoint: Checkpoint = known?.stream === stream ? known : { stream, shards: {} };
  const iterators = new Map<string, string>();
  const tries = new Map<string, number>();

  const reached = (shard: string, position: string): void => {
    checkpoint.shards[shard] = position;
    options.save(JSON.stringify(checkpoint));
  };

  /** Iterators for every shard that is not read to its end. Parents come before their children in what the service lists. */
  async function openShards(): Promise<void> {
    for (const shard of await listShards(options, stream ?? '')) {
      const id = shard.ShardId ?? '';
      const parent = shard.ParentShardId;
      const parentOpen = parent !== undefined && iterators.has(parent);
      if (checkpoint.shards[id] !== CLOSED && !iterators.has(id) && !parentOpen) iterators.set(id, await iteratorOf(id));
    }
  }

  async function iteratorOf(shard: string): Promise<string> {
    const position = checkpoint.shards[shard];
    const from =
      position === undefined
        ? ({ ShardIteratorType: 'TRIM_HORIZON' } as const)
        : ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position } as const);
    const open = (start: typeof from | { readonly ShardIteratorType: 'TRIM_HORIZON' }) =>
      client.send(new sdk.GetShardIteratorCommand({ StreamArn: stream, ShardId: shard, ...start }));
    const answer = await open(from).catch((error: unknown) => {
      if (error instanceof sdk.TrimmedDataAccessException) return open({ ShardIteratorType: 'TRIM_HORIZON' });
      throw error;
    });
    return answer.ShardIterator ?? '';
  }

  async function readShard(shard: string, iterator: string): Promise<boolean> {
    const { Records = [], NextShardIterator } = await client.send(new sdk.GetRecordsCommand({ ShardIterator: iterator }));
    const done = Records.length === 0 ? 0 : await handOver(Records);
    const last = Records[done - 1]?.dynamodb?.SequenceNumber;
    if (last !== undefined) reached(shard, last);
    if (done < Records.length) iterators.set(shard, await iteratorOf(shard));
    else if (NextShardIterator !== undefined) iterators.set(shard, NextShardIterator);
    else {
      iterators.delete(shard);
      reached(shard, CLOSED);
    }
    return done > 0;
  }

  /** How many records are dealt with, counted from the first. */
  async function handOver(records: readonly _Record[]): Promise<number> {
    const { batchItemFailures } = await consume({ Records: records.map((record) => lambdaRecord(record, stream ?? '')) });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const first = records.findIndex(({ dynamodb }) => failed.has(dynamodb?.SequenceNumber ?? ''));
    if (first === -1) return records.length;
    const position = records[first]?.dynamodb?.SequenceNumber ?? '';
    const count = (tries.get(position) ?? 0) + 1;
    if (count < MAX_TRIES) {
      tries.set(position, count);
      await wait(FAILURE_PAUSES * pauseMs, undefined, { signal }).catch(() => undefined);
      return first;
    }
    tries.delete(position);
    log('error', 'a ledger record was given up: totals lack it', { position });
    return first + 1;
  }

  return {
    async readOnce() {
      if (iterators.size === 0) await openShards();
      let some = false;
      for (const [shard, iterator] of iterators) some = (await readShard(shard, iterator)) || some;
      return some;
    },
  };
}

async function listShards({ sdk, client }: LedgerStreamOptions, stream: string): Promise<readonly Shard[]> {
  const shards: Shard[] = [];
  let start: string | undefined;
  do {
    const { StreamDescription } = await client.send(
      new sdk.DescribeStreamCommand({ StreamArn: stream, ...(start === undefined ? {} : { ExclusiveStartShardId: start }) }),
    );
    shards.push(...(StreamDescription?.Shards ?? []));
    start = StreamDescription?.LastEvaluatedShardId;
  } while (start !== undefined);
  return shards;
}

/** The SDK's record as Lambda writes it in an event: times in seconds, the source named. */
function lambdaRecord({ dynamodb, ...record }: _Record, stream: string): DynamoDBRecord {
  const { ApproximateCreationDateTime: at, ...change } = dynamodb ?? {};
  const seconds = at === undefined ? {} : { ApproximateCreationDateTime: Math.floor(at.getTime() / 1000) };
  return { ...record, eventSourceARN: stream, dynamodb: { ...change, ...seconds } } as DynamoDBRecord;
}

function parse(checkpoint: string | undefined): Checkpoint | undefined {
  try {
    return z.parse(checkpointSchema, JSON.parse(checkpoint ?? ''));
  } catch {
    return undefined;
  }
}
