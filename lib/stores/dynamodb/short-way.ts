/**
 * The short way to DynamoDB for the commands that every call of a key sends. The SDK takes 0.5 ms of CPU for each, in some hundred small
 * steps (schemas, endpoint rules, user agent, signing with a fresh key); here the same request is one `JSON.stringify`, one signature and
 * one `JSON.parse`. Everything that needs judgement stays the SDK's: credentials, region, address, what is worth a repeat, when and how
 * often. See docs/decisions/0008-short-way-to-dynamodb.md.
 */
import type { DynamoDBClient, ServiceOutputTypes } from '@aws-sdk/client-dynamodb';
import type { Wire } from '../../transport/aws-json.ts';
import type { Command } from './commands.ts';
import { DynamoFailure, isPlain, tryOnce } from './one-try.ts';

/** What the short way is made of. */
export interface ShortWayOptions {
  readonly client: DynamoDBClient;
  readonly wire: Wire;
  /** Where the SDK sends requests; undefined before its first. */
  readonly address: () => string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Sends what it takes, as the client would; undefined when a command has to go the client's own way. */
export type ShortWay = (command: Command) => Promise<ServiceOutputTypes> | undefined;

/** A step of the SDK that `identify` does not tell, since what it stands beside is added per command. */
const HIDDEN = 'httpAuthSchemeMiddleware';
/** Errors that a wrong clock causes, and how wrong it must be for us to think so: the service allows 5 minutes. Milliseconds. */
const CLOCK_ERRORS = new Set(['InvalidSignatureException', 'RequestExpired', 'RequestTimeTooSkewed', 'RequestInTheFuture']);
const CLOCK_TOLERANCE_MS = 240_000;

/**
 * The short way of a client. Of the client's middleware it keeps the SDK's retries and whatever is not the SDK's: put there what is to see
 * each try, before the first command.
 */
export function createShortWay(options: ShortWayOptions, kept: ReadonlySet<string>): ShortWay {
  const { client, wire, address, now } = options;
  const { config } = client;
  const stack = client.middlewareStack;
  const sdkSteps = [...stack.identify().map((line) => line.split(' ', 1)[0] ?? ''), HIDDEN].filter((name) => !kept.has(name));
  const handlers = new Map<string, (sent: { readonly input: object }) => Promise<{ readonly output: ServiceOutputTypes }>>();
  let region: string | undefined;

  /** One try. */
  async function run(command: Pick<Command, 'operation' | 'input'>, url: string): Promise<ServiceOutputTypes> {
    const keys = await config.credentials();
    region ??= await config.region();
    const offset = config.systemClockOffset;
    try {
      return await tryOnce(command, { wire, address: { url, region, keys }, now: now() + offset });
    } catch (error) {
      if (error instanceof DynamoFailure) await mend(error, offset);
      throw error;
    }
  }

  /** Mends what made the service refuse a try signed by a clock with this offset, where that is ours, and marks it as worth a repeat. */
  async function mend(error: DynamoFailure, offset: number): Promise<void> {
    const clock = error.clock - now();
    if (CLOCK_ERRORS.has(error.name) && Math.abs(clock - offset) > CLOCK_TOLERANCE_MS) {
      config.systemClockOffset = clock;
      error.$retryable = {};
    }
    if (error.name === 'ExpiredTokenException') {
      await config.credentials({ forceRefresh: true });
      error.$retryable = {};
    }
  }

  function handlerOf(operation: Command['operation'], url: string) {
    const steps = stack.clone();
    for (const name of sdkSteps) steps.remove(name);
    return steps.resolve(async ({ input }) => ({ response: {}, output: await run({ operation, input }, url) }), {
      clientName: 'DynamoDBClient',
      commandName: `${operation}Command`,
    });
  }

  return (command) => {
    const url = address();
    if (url === undefined || !isPlain(command)) return undefined;
    const { operation, input } = command;
    let handler = handlers.get(operation);
    if (handler === undefined) handlers.set(operation, (handler = handlerOf(operation, url)));
    return handler({ input }).then(({ output }) => output);
  };
}
