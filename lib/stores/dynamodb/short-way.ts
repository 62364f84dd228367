/**
 * The short way to DynamoDB for the commands that every call of a key sends: reading and writing one item. The SDK takes 0.5 ms of CPU for
 * each, in some hundred small steps (schemas, endpoint rules, user agent, signing with a fresh key); here the same request is one
 * `JSON.stringify`, one signature and one `JSON.parse`. Everything that needs judgement stays the SDK's: credentials, region, address, what
 * is worth a repeat, when and how often. See docs/decisions/0008-short-way-to-dynamodb.md.
 */
import {
  BatchExecuteStatementCommand,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-dynamodb';
import { signV4 } from '../../transport/sigv4.ts';
import type { Item } from './attributes.ts';
import { lost, post, type Posted, type Wire } from './transport.ts';

type HotCommand = GetItemCommand | PutItemCommand | UpdateItemCommand | BatchExecuteStatementCommand;

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
export type ShortWay = (command: object) => Promise<ServiceOutputTypes> | undefined;

const OPERATIONS: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  [GetItemCommand, 'GetItem'],
  [PutItemCommand, 'PutItem'],
  [UpdateItemCommand, 'UpdateItem'],
  [BatchExecuteStatementCommand, 'BatchExecuteStatement'],
]);
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
  const handlers = new Map<string, (command: HotCommand) => Promise<{ readonly output: ServiceOutputTypes }>>();
  let region: string | undefined;

  /** One try. */
  async function run(operation: string, url: string, input: ServiceInputTypes): Promise<ServiceOutputTypes> {
    const keys = await config.credentials();
    region ??= await config.region();
    const body = JSON.stringify(input);
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    };
    const offset = config.systemClockOffset;
    const signed = signV4({ method: 'POST', url, headers, body }, { keys, region, service: 'dynamodb', now: now() + offset });
    const posted = await post(wire, url, { ...headers, ...signed }, body);
    if (posted.status !== 200) throw await failureOf(posted, offset);
    return { ...parsed(posted), $metadata: metadataOf(posted) };
  }

  /** The service's refusal of a try signed by a clock with this offset. Where we can mend the cause, it is marked as worth a repeat. */
  async function failureOf(posted: Posted, offset: number): Promise<Error> {
    const error = exceptionOf(posted);
    const clock = Date.parse(posted.headers['date'] ?? '') - now();
    if (CLOCK_ERRORS.has(error.name) && Math.abs(clock - offset) > CLOCK_TOLERANCE_MS) {
      config.systemClockOffset = clock;
      error.$retryable = {};
    }
    if (error.name === 'ExpiredTokenException') {
      await config.credentials({ forceRefresh: true });
      error.$retryable = {};
    }
    return error;
  }

  function handlerOf(operation: string, url: string) {
    const steps = stack.clone();
    for (const name of sdkSteps) steps.remove(name);
    return steps.resolve(async ({ input }) => ({ response: {}, output: await run(operation, url, input) }), {
      clientName: 'DynamoDBClient',
      commandName: `${operation}Command`,
    });
  }

  return (command) => {
    const operation = OPERATIONS.get(command.constructor);
    const url = address();
    if (operation === undefined || url === undefined) return undefined;
    const hot = command as HotCommand;
    if (hasBinary(hot)) return undefined;
    let handler = handlers.get(operation);
    if (handler === undefined) handlers.set(operation, (handler = handlerOf(operation, url)));
    return handler(hot).then(({ output }) => output);
  };
}

/** Whether an item sent holds anything but texts, numbers and truth values: bytes would need another encoding. */
function hasBinary({ input }: HotCommand): boolean {
  if ('Statements' in input) return (input.Statements ?? []).some(({ Parameters = [] }) => Parameters.some(isBinary));
  const sent =
    'Item' in input ? input.Item : 'ExpressionAttributeValues' in input ? input.ExpressionAttributeValues : undefined;
  for (const name in sent) if (isBinary(sent[name])) return true;
  return false;
}

const isBinary = (value: AttributeValue | undefined): boolean =>
  value?.S === undefined && value?.N === undefined && value?.BOOL === undefined;

/** The document of an answer. */
function parsed({ bytes }: Posted): object {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return JSON.parse(text, text.includes('"B') ? fromBase64 : undefined) as object;
  } catch (cause) {
    throw lost('The answer of DynamoDB is not JSON.', cause);
  }
}

/** Bytes come as base64 under `B`, sets of them under `BS`; an attribute of that name has an object there. */
function fromBase64(name: string, value: unknown): unknown {
  if (name === 'B' && typeof value === 'string') return new Uint8Array(Buffer.from(value, 'base64'));
  if (name !== 'BS' || !Array.isArray(value)) return value;
  return value.map((one) => new Uint8Array(Buffer.from(String(one), 'base64')));
}

const metadataOf = ({ status, headers }: Posted) => {
  const requestId = headers['x-amzn-requestid'];
  return { httpStatusCode: status, ...(requestId === undefined ? {} : { requestId }) };
};

function exceptionOf(posted: Posted): DynamoDBServiceException {
  const body = refusalOf(posted);
  // `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException`
  const name = body.__type?.replace(/^.*#|:.*$/g, '') ?? 'UnknownError';
  const detail = { message: body.message ?? body.Message ?? name, $metadata: metadataOf(posted) };
  if (name === 'ConditionalCheckFailedException') {
    return new ConditionalCheckFailedException({ ...detail, ...(body.Item === undefined ? {} : { Item: body.Item }) });
  }
  return new DynamoDBServiceException({ name, $fault: posted.status < 500 ? 'client' : 'server', ...detail });
}

interface Refusal {
  readonly __type?: string;
  readonly message?: string;
  readonly Message?: string;
  readonly Item?: Item;
}

/** A load balancer's page is no JSON, and its status says all there is to know. */
function refusalOf(posted: Posted): Refusal {
  try {
    return parsed(posted);
  } catch {
    return {};
  }
}
