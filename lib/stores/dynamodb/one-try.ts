/**
 * One try of a command on single items or a page of them: its input is the request's JSON, the answer's JSON its output. No SDK and no
 * judgement: who repeats what is decided above, in `short-way.ts` and `client.ts`.
 */
import type { AttributeValue, BatchStatementRequest } from '@aws-sdk/client-dynamodb';
import { errorName, lost, postSigned, textOf, type AwsAddress, type Posted, type Wire } from '../../transport/aws-json.ts';
import type { Item } from './attributes.ts';
import type { Command, Operation } from './commands.ts';

/** What is known of an answer itself, as the SDK tells it. */
export interface Metadata {
  readonly httpStatusCode: number;
  readonly requestId?: string;
  /** Tries so far; set by whoever repeats. */
  attempts?: number;
}

/** A refusal of the service, in the shape of the SDK's exceptions. */
export class DynamoFailure extends Error {
  readonly $fault: 'client' | 'server';
  readonly $metadata: Metadata;
  /** Set where the cause has been mended, so that a repeat is worth it. */
  $retryable?: object;
  /** The item as it was, of a failed condition. */
  readonly Item?: Item;
  /** The clock of the service, milliseconds since the epoch; NaN when it did not say. */
  readonly clock: number;

  constructor(name: string, message: string, posted: Posted, item: Item | undefined) {
    super(message);
    this.name = name;
    this.$fault = posted.status < 500 ? 'client' : 'server';
    this.$metadata = metadataOf(posted);
    this.clock = Date.parse(posted.headers['date'] ?? '');
    if (item !== undefined) this.Item = item;
  }
}

/** Operations whose input is their JSON; others want tokens or waiting added by the SDK. */
const PLAIN: ReadonlySet<Operation> = new Set<Operation>([
  'GetItem',
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'Query',
  'BatchExecuteStatement',
]);

interface Sent {
  readonly Item?: Item;
  readonly Key?: Item;
  readonly ExpressionAttributeValues?: Item;
  readonly ExclusiveStartKey?: Item;
  readonly Statements?: readonly BatchStatementRequest[];
}

/** Whether a command can be sent as it is. Bytes would need another encoding, so nothing but texts, numbers and truth values may be in it. */
export function isPlain({ operation, input }: Command): boolean {
  if (!PLAIN.has(operation)) return false;
  const { Item, Key, ExpressionAttributeValues, ExclusiveStartKey, Statements = [] } = input as Sent;
  if (Statements.some(({ Parameters = [] }) => !Parameters.every(isText))) return false;
  return areTexts(Item) && areTexts(Key) && areTexts(ExpressionAttributeValues) && areTexts(ExclusiveStartKey);
}

function areTexts(sent: Item | undefined): boolean {
  for (const name in sent) if (!isText(sent[name])) return false;
  return true;
}

const isText = (value: AttributeValue | undefined): boolean =>
  value?.S !== undefined || value?.N !== undefined || value?.BOOL !== undefined;

/**
 * Sends a plain command once.
 *
 * @param now milliseconds since the epoch, by the clock of the service
 * @throws DynamoFailure when the service refuses
 * @throws Error named `TimeoutError` when there was no whole answer; whether the service acted is unknown then.
 */
export async function tryOnce(
  { operation, input }: Pick<Command, 'operation' | 'input'>,
  { wire, address, now }: { readonly wire: Wire; readonly address: AwsAddress; readonly now: number },
): Promise<{ readonly $metadata: Metadata }> {
  const target = `DynamoDB_20120810.${operation}`;
  const posted = await postSigned(wire, address, { service: 'dynamodb', version: '1.0', target, input, now });
  if (posted.status !== 200) throw failureOf(posted);
  return { ...parsed(posted), $metadata: metadataOf(posted) };
}

/** The document of an answer. */
function parsed(posted: Posted): object {
  const text = textOf(posted);
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

function metadataOf({ status, headers }: Posted): Metadata {
  const requestId = headers['x-amzn-requestid'];
  return { httpStatusCode: status, ...(requestId === undefined ? {} : { requestId }) };
}

interface Refusal {
  readonly __type?: string;
  readonly message?: string;
  readonly Message?: string;
  readonly Item?: Item;
}

function failureOf(posted: Posted): DynamoFailure {
  const body = refusalOf(posted);
  const name = errorName(body.__type);
  return new DynamoFailure(name, body.message ?? body.Message ?? name, posted, body.Item);
}

/** A load balancer's page is no JSON, and its status says all there is to know. */
function refusalOf(posted: Posted): Refusal {
  try {
    return parsed(posted);
  } catch {
    return {};
  }
}
