/**
 * The client of the stores, and the one place where its failures get a meaning. It loads the SDK when there is need of it: in a Lambda
 * function most environments never send a command that the SDK has to carry out.
 */
import type { CancellationReason, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { setTimeout as wait } from 'node:timers/promises';
import { GatewayError } from '../../errors.ts';
import { lambdaAddress, type AwsAddress, type Wire } from '../../transport/aws-json.ts';
import {
  isCancelled,
  isFailedCondition,
  TransactWriteItemsCommand,
  type Command,
  type Dynamo,
  type Metadata,
} from './commands.ts';
import { createGate, MAX_SOCKETS, TRY_TIMEOUT_MS, type DynamoOptions } from './connection.ts';
import { isPlain, tryOnce } from './one-try.ts';
import type { SdkClient } from './sdk-client.ts';

/** Pauses before a transaction that met another one is tried again, milliseconds. */
const CONFLICT_PAUSES = [10, 30, 90, 270];

/**
 * A client that gives up soon: a request must not hang on its bookkeeping. Where `options.environment` says where to go, it sends plain
 * commands itself until one of them fails, or another one comes. Then it loads the SDK, hands the command over (so the SDK repeats what
 * failed, one try more than it would) and leaves everything to it from there on. Elsewhere it loads the SDK at once.
 */
export function createDynamoClient(options: DynamoOptions = {}): Dynamo {
  const { http, environment = {}, timeoutMs = TRY_TIMEOUT_MS, now = Date.now } = options;
  const address = http === undefined || options.endpoint !== undefined ? undefined : lambdaAddress(environment, 'dynamodb');
  const ground = http === undefined || address === undefined ? undefined : { wire: { http, timeoutMs }, address };
  const gate = createGate(MAX_SOCKETS);
  let sdk: SdkClient | undefined;
  let loading: Promise<SdkClient> | undefined;
  const load = (): Promise<SdkClient> =>
    (loading ??= import('./sdk-client.ts').then(({ createSdkClient }) => (sdk = createSdkClient(options))));

  if (ground === undefined) load().catch(() => undefined); // whoever sends something is told

  async function first<Output extends Metadata>(
    command: Command<object, Output>,
    on: { readonly wire: Wire; readonly address: AwsAddress },
  ): Promise<Output> {
    try {
      return (await gate(() => tryOnce(command, { ...on, now: now() }))) as Output;
    } catch (error) {
      if (isFailedCondition(error)) throw error;
      return oneMore((await load()).send(command));
    }
  }

  return {
    async send(command) {
      if (sdk !== undefined) return sdk.send(command);
      if (ground !== undefined && isPlain(command)) return first(command, ground);
      return (await load()).send(command);
    },
    destroy() {
      const close = (): void => void http?.close();
      if (loading === undefined) close();
      else void loading.then((client) => client.destroy(), close);
    },
  };
}

/** Counts the try before those of a call: whoever reads the answer must know that the state it shows may be of that try's making. */
async function oneMore<Output extends Metadata>(call: Promise<Output>): Promise<Output> {
  const count = ({ $metadata }: Metadata): void => void ($metadata.attempts = ($metadata.attempts ?? 1) + 1);
  try {
    const output = await call;
    count(output);
    return output;
  } catch (error) {
    if (error instanceof Error && '$metadata' in error) count(error as unknown as Metadata);
    throw error;
  }
}

/**
 * Waits for a call of the client. A failed condition passes through as it is; everything else becomes the same neutral error, but for a key
 * that no item can have: whoever asks for that would ask for ever.
 *
 * @throws GatewayError `overloaded` (503, code `store_unavailable`) when the store did not do as asked; `invalid_request` for such a key.
 */
export async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (isFailedCondition(error) || isCancelled(error)) throw error;
    if (isOversized(error)) {
      const message = 'A name in this request is longer than that of any record can be.';
      throw new GatewayError('invalid_request', message, { code: 'name_too_long', cause: error });
    }
    throw unavailable(error);
  }
}

/** In the words of the service (a space is missing in those of partition keys), which emulators repeat. */
const isOversized = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'ValidationException' &&
  /has exceeded the (?:maximum )?size limit of ?(?:1024|2048) bytes/.test(error.message);

/** The neutral error of a store that did not do as asked. */
export const unavailable = (cause: unknown): GatewayError =>
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
  client: Dynamo,
  writes:
    | readonly TransactWriteItem[]
    | ((attempt: number) => readonly TransactWriteItem[] | Promise<readonly TransactWriteItem[]>),
): Promise<readonly CancellationReason[] | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      const items = typeof writes === 'function' ? await writes(attempt) : writes;
      await answered(client.send(new TransactWriteItemsCommand({ TransactItems: [...items] })));
      return undefined;
    } catch (error) {
      if (!isCancelled(error)) throw error;
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
