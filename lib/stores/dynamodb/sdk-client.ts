/** The SDK's client as Tollgate uses it: for functions that need it with their first command, and for what `client.ts` leaves to it. */
import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { Command, type Dynamo, type Operation } from './commands.ts';
import { CONNECTION_TIMEOUT_MS, createGate, MAX_SOCKETS, TRY_TIMEOUT_MS, type DynamoOptions } from './connection.ts';
import { createShortWay } from './short-way.ts';
import { sdkTransport } from './transport.ts';

/** The SDK's client, which takes commands of the stores as well as its own. */
export type SdkClient = DynamoDBClient & Dynamo;

const MAX_ATTEMPTS = 3;
const GATE = 'tollgateGate';
/** What the short way keeps of the client's middleware. */
const KEPT = new Set(['retryMiddleware', GATE]);
/** The SDK's commands by operation. */
const COMMANDS: Readonly<Record<Operation, new (input: never) => object>> = {
  BatchExecuteStatement: BatchExecuteStatementCommand,
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  CreateTable: CreateTableCommand,
  DeleteItem: DeleteItemCommand,
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  Query: QueryCommand,
  Scan: ScanCommand,
  TransactWriteItems: TransactWriteItemsCommand,
  UpdateItem: UpdateItemCommand,
  UpdateTimeToLive: UpdateTimeToLiveCommand,
};

/** A client that gives up soon: a request must not hang on its bookkeeping. */
export function createSdkClient(given: DynamoOptions = {}): SdkClient {
  const { http, now = Date.now, timeoutMs = TRY_TIMEOUT_MS, environment: _, ...options } = given;
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
  const shortWay = wire === undefined ? undefined : createShortWay({ client, wire, address: () => address, now }, KEPT);
  const sdkWay = client.send.bind(client) as (...given: unknown[]) => unknown;
  const send = (command: object, ...rest: unknown[]): unknown => {
    if (!(command instanceof Command)) return sdkWay(command, ...rest);
    return shortWay?.(command) ?? sdkWay(new COMMANDS[command.operation](command.input as never));
  };
  return Object.assign(client, { send: send as SdkClient['send'] });
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
