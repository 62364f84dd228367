/** How the tables are reached, whichever way a command takes: where they are, how long a try may take, how many go at once. */
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import type { HttpClient } from '../../transport/http.ts';

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
  /** Variables of a Lambda function: where they say all that the SDK would ask for, it is loaded with the first command that needs it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Longest try, milliseconds; 2,000 by default. */
  readonly timeoutMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** How long a connection may take to open, milliseconds. */
export const CONNECTION_TIMEOUT_MS = 1_000;
/** Longest try, milliseconds. */
export const TRY_TIMEOUT_MS = 2_000;
/** Calls under way at once; more only queue at the service. */
export const MAX_SOCKETS = 64;
/** Settings of an HTTP client for `DynamoOptions.http`; the service keeps an idle connection for minutes. Milliseconds. */
export const DYNAMO_HTTP = { connectTimeoutMs: CONNECTION_TIMEOUT_MS, keepAliveMs: 50_000 };

/** Lets `limit` tries run at once, the others wait their turn: so time-outs measure the service, and not our own queue in a burst. */
export function createGate(limit: number): <T>(run: () => Promise<T>) => Promise<T> {
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
