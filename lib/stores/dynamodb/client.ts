/** The DynamoDB client as Tollgate uses it, and the one place where its failures get a meaning. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type CancellationReason,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../../errors.ts';

/** Where the tables are. Everything is optional on Lambda, where the environment says it. */
export interface DynamoOptions {
  readonly region?: string;
  /** An emulator; absent means the service itself. */
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Tries per call, the SDK's own repeats included; 3 by default. Every write of these stores is safe to repeat. */
  readonly maxAttempts?: number;
}

const MAX_ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;
/** Calls under way at once; more only queue at the service. */
const MAX_SOCKETS = 64;
/** Pauses before a transaction that met another one is tried again, milliseconds. */
const CONFLICT_PAUSES = [10, 30, 90, 270];

/** A client that gives up soon: a request must not hang on its bookkeeping. */
export function createDynamoClient(options: DynamoOptions = {}): DynamoDBClient {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const client = new DynamoDBClient({
    maxAttempts: MAX_ATTEMPTS,
    ...options,
    retryMode: 'standard',
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
  const gate = createGate(MAX_SOCKETS);
  client.middlewareStack.add((next) => (args) => gate(() => next(args)), {
    name: 'tollgateGate',
    step: 'finalizeRequest',
    priority: 'low',
  });
  return client;
}

/** Lets `limit` tries run at once, the others wait their turn: so time-outs measure the service, and not our own queue in a burst. */
function createGate(limit: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running < limit) running++;
    else await new Promise<void>((proceed) => waiting.push(proceed));
    try {
      return await run();
    } finally {
      const proceed = waiting.shift();
      if (proceed === undefined) running--;
      else proceed();
    }
  };
}

/**
 * Waits for a call of the client. A failed condition passes through as it is; everything else becomes the same neutral error.
 *
 * @throws GatewayError `overloaded` (503, code `store_unavailable`) when the store did not do as asked.
 */
export async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException || error instanceof TransactionCanceledException) throw error;
    throw unavailable(error);
  }
}

const unavailable = (cause: unknown): GatewayError =>
  new GatewayError('overloaded', 'The gateway cannot reach its store right now. Try again shortly.', {
    code: 'store_unavailable',
    cause,
  });

/**
 * All writes or none; off the hot path only. The client's request token makes its own repeats safe.
 *
 * @returns undefined when done, else per write why it was refused (`ConditionalCheckFailed`, or `None` where it was not).
 * @throws GatewayError `overloaded` when other transactions kept getting in the way, or the store did not answer.
 */
export async function transact(
  client: DynamoDBClient,
  writes: readonly TransactWriteItem[],
): Promise<readonly CancellationReason[] | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      await answered(client.send(new TransactWriteItemsCommand({ TransactItems: [...writes] })));
      return undefined;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) return reasons;
      const pause = CONFLICT_PAUSES[attempt];
      if (pause === undefined) throw unavailable(error);
      await wait(pause);
    }
  }
}

/** True when the write at `index` was refused by its own condition. */
export const wasRefused = (reasons: readonly CancellationReason[], index: number): boolean =>
  reasons[index]?.Code === 'ConditionalCheckFailed';
