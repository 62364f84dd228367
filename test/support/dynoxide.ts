/** A DynamoDB emulator per test file: dynoxide, in memory, on a free loopback port, stopped by its process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import {
  createDynamoClient,
  createTables,
  DYNAMO_HTTP,
  open,
  type DynamoOptions,
  type TableNames,
} from '../../lib/stores/dynamodb/index.ts';
import type { Dynamo } from '../../lib/stores/dynamodb/commands.ts';
import { createSdkClient, type SdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { createHttpClient, type HttpClient } from '../../lib/transport/http.ts';

/** A running emulator with the tables of Tollgate. */
export interface Emulator {
  readonly endpoint: string;
  readonly client: SdkClient;
  readonly names: TableNames;
  readonly stores: Stores;
  stop(): Promise<void>;
}

/** Any credentials do: the emulator does not check them. */
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** Table names of the tests. */
export const NAMES: TableNames = {
  registry: 'test-registry',
  meters: 'test-meters',
  ledger: 'test-ledger',
  totals: 'test-totals',
};

/** A client of an emulator, or of a proxy before it, as the gateway has it. */
export const clientFor = (endpoint: string, over: DynamoOptions = {}): SdkClient =>
  sdkClientFor(endpoint, { http: createHttpClient(DYNAMO_HTTP), ...over });

/** The same as keeper and ledger have it: the SDK does everything. */
export const sdkClientFor = (endpoint: string, over: DynamoOptions = {}): SdkClient =>
  createSdkClient({ endpoint, region: 'us-east-1', credentials: CREDENTIALS, ...over });

/** What Lambda tells a function of itself. */
export const LAMBDA = {
  AWS_LAMBDA_FUNCTION_NAME: 'gateway',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
};

/** An HTTP client that reaches `endpoint` under every address of AWS. */
export function leadingTo(endpoint: string): HttpClient {
  const http = createHttpClient(DYNAMO_HTTP);
  return { ...http, send: (call) => http.send({ ...call, url: call.url.replace(/^https:\/\/[^/]+/, endpoint) }) };
}

/** The same in a new environment of the gateway on AWS: without the SDK until there is need of it. */
export const newClientFor = (endpoint: string, over: DynamoOptions = {}): Dynamo =>
  createDynamoClient({
    http: leadingTo(endpoint),
    environment: LAMBDA,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    ...over,
  });

/** Starts an emulator and creates the tables. */
export async function startDynoxide(): Promise<Emulator> {
  const port = await freePort();
  const process = spawn(binary(), ['--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = clientFor(endpoint);
  const exit = once(process, 'exit');
  const stop = async (): Promise<void> => {
    client.destroy();
    process.kill();
    await exit;
  };
  try {
    await listening(port, () => process.exitCode !== null);
    await createTables(client, NAMES);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, client, names: NAMES, stores: open(client, NAMES), stop };
}

/** Lets the keeper see that no record lacks its links: from then on listings by owner read those of the owner alone. */
export async function linkThroughout({ links }: Pick<Stores, 'links'>, now = 0): Promise<void> {
  for (let run = 0; run < 20; run++) if ((await links.catchUp(now + run * 3_600_000, 1_000)).complete) return;
  throw new Error('the records are never linked throughout');
}

/** The emulator's program: `DYNOXIDE_BIN`, else the optional dependency for this platform. */
function binary(): string {
  const given = process.env['DYNOXIDE_BIN'];
  if (given !== undefined && given !== '') return given;
  return createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/dynoxide`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Resolves when something accepts connections on the port. */
async function listening(port: number, hasExited: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !hasExited(); tries++) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await wait(10);
  }
  throw new Error('dynoxide did not start');
}
