/** The DynamoDB client as Tollgate uses it, and the one place where its failures get a meaning. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type CancellationReason,
  type DynamoDBClientConfig,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../../errors.ts';
import type { HttpClient } from '../../transport/http.ts';
import { createShortWay } from './short-way.ts';
import { sdkTransport } from './transport.ts';

/** Where the tables are. Everything is optional on Lambda, where the environment says it. */
export interface DynamoOptions {
  readonly region?: string;
  /** An emulator; absent means the service itself. */
  readonly endpoint?: string;
  readonly credentials?: NonNullable<DynamoDBClientConfig['credentials']>;
  /** Tries per call, the SDK's own repeats included; 3 by default. Every write of these stores is safe to repeat. */
  readonly maxAttempts?: number;
  /** The client's own HTTP client, closed with it: calls of single items then take the short way. Absent leaves everything to the SDK. */
  readonly http?: HttpClient;
  /** Longest try, milliseconds; 2,000 by default. */
  readonly timeoutMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const MAX_ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 1_000;
const TRY_TIMEOUT_MS = 2_000;
/** Calls under way at once; more only queue at the service. */
const MAX_SOCKETS = 64;
/** Pauses before a transaction that met another one is tried again, milliseconds. */
const CONFLICT_PAUSES = [10, 30, 90, 270];
const GATE = 'tollgateGate';
/** What the short way keeps of the client's middleware. */
const KEPT = new Set(['retryMiddleware', GATE]);

/** Settings of an HTTP client for `DynamoOptions.http`; the service keeps an idle connection for minutes. Milliseconds. */
export const DYNAMO_HTTP = { connectTimeoutMs: CONNECTION_TIMEOUT_MS, keepAliveMs: 50_000 };

/** A client that gives up soon: a request must not hang on its bookkeeping. */
export function createDynamoClient(given: DynamoOptions = {}): DynamoDBClient {
  const { http, now = Date.now, timeoutMs = TRY_TIMEOUT_MS, ...options } = given;
  const wire = http === undefined ? undefined : { http, timeoutMs };
  let address = options.endpoint === undefined ? undefined : new URL(options.endpoint).href;
  const client = new DynamoDBClient({
    maxAttempts: MAX_ATTEMPTS,
    ...options,
    retryMode: 'standard',
    requestHandler: wire === undefined ? nodeTransport(timeoutMs) : sdkTransport(wire, (url) => (address = url)),
  });
  const gate = createGate(MAX_SOCKETS);
  client.middlewareStack.add((next) => (args) => gate(() => next(args)), {
    name: GATE,
    step: 'finalizeRequest',
    priority: 'low',
  });
  if (wire === undefined) return client;
  const shortWay = createShortWay({ client, wire, address: () => address, now }, KEPT);
  const sdkWay = client.send.bind(client) as (...given: unknown[]) => unknown;
  const send = (command: object, ...rest: unknown[]): unknown =>
    (rest.length === 0 ? shortWay(command) : undefined) ?? sdkWay(command, ...rest);
  return Object.assign(client, { send: send as DynamoDBClient['send'] });
}

function nodeTransport(timeoutMs: number) {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  return {
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: timeoutMs,
    throwOnRequestTimeout: true,
    httpAgent: agent,
    httpsAgent: agent,
  };
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
 * @param writes as a function: what to write at each try, counted from 0, so that a try can step out of the way of others
 * @returns undefined when done, else per write why it was refused (`ConditionalCheckFailed`, or `None` where it was not).
 * @throws GatewayError `overloaded` when other transactions kept getting in the way, or the store did not answer.
 */
export async function transact(
  client: DynamoDBClient,
  writes: readonly TransactWriteItem[] | ((attempt: number) => readonly TransactWriteItem[]),
): Promise<readonly CancellationReason[] | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      const items = typeof writes === 'function' ? writes(attempt) : writes;
      await answered(client.send(new TransactWriteItemsCommand({ TransactItems: [...items] })));
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
