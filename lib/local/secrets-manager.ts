/**
 * A small Secrets Manager on this machine, for local runs and tests: the AWS SDK client talks to it over HTTP in the service's own
 * protocol (AWS JSON 1.1: the operation in `x-amz-target`, errors as `{__type, message}`, times in epoch seconds). Not here: KMS,
 * resource policies, replication, rotation schedules, signature checks.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isObject, type JsonObject } from '../kinds/json.ts';
import type { OperationContext } from './secrets-manager/operation.ts';
import { operations } from './secrets-manager/operations.ts';
import { ServiceFault } from './secrets-manager/secret.ts';
import { openVault } from './secrets-manager/vault.ts';

/** How the emulator is set up. */
export interface SecretsManagerOptions {
  /** JSON file that keeps the secrets, mode 0600; absent keeps them in memory. */
  readonly file?: string;
  /**
   * Callers must sign with this access key id; absent lets everybody in. A random one keeps other users of the machine and web
   * pages away from the secrets.
   */
  readonly accessKeyId?: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly random?: (bytes: number) => Uint8Array;
}

/** A running emulator. */
export interface SecretsManager {
  /** For the SDK's `endpoint`. */
  readonly url: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 1_048_576;

/**
 * Starts the emulator on a free loopback port.
 *
 * @throws StartError when the file is not one of secrets.
 * @example const { url, close } = await startSecretsManager({ file: '.tollgate/secrets.json' });
 */
export async function startSecretsManager(options: SecretsManagerOptions = {}): Promise<SecretsManager> {
  const { file, accessKeyId, now = Date.now, random = randomBytes } = options;
  const nowSeconds = (): number => now() / 1000;
  const context: OperationContext = { vault: openVault(file, nowSeconds), now: nowSeconds, random };

  const server = createServer((incoming, outgoing) => {
    void answer(incoming, outgoing, context, accessKeyId);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  context: OperationContext,
  accessKeyId: string | undefined,
): Promise<void> {
  let status = 200;
  let output: JsonObject;
  try {
    output = perform(incoming, await readBody(incoming), context, accessKeyId);
  } catch (error) {
    const fault = error instanceof ServiceFault ? error : new ServiceFault('InternalServiceError', 'The emulator failed.');
    status = fault.type === 'InternalServiceError' ? 500 : 400;
    output = { __type: fault.type, message: fault.message, Message: fault.message };
  }
  outgoing.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': Buffer.from(context.random(16)).toString('hex'),
  });
  outgoing.end(JSON.stringify(output));
}

function perform(
  { headers }: IncomingMessage,
  body: string,
  context: OperationContext,
  accessKeyId: string | undefined,
): JsonObject {
  if (accessKeyId !== undefined && headers.authorization?.includes(` Credential=${accessKeyId}/`) !== true) {
    throw new ServiceFault('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  const target = String(headers['x-amz-target'] ?? '');
  const operation = target.startsWith('secretsmanager.') ? operations.get(target.slice('secretsmanager.'.length)) : undefined;
  if (operation === undefined) {
    const known = [...operations.keys()].join(', ');
    throw new ServiceFault('UnknownOperationException', `'${target}' is not one of the operations here: ${known}`);
  }
  return operation(context, parseInput(body));
}

function parseInput(body: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body === '' ? '{}' : body);
  } catch {
    parsed = undefined;
  }
  if (!isObject(parsed)) throw new ServiceFault('SerializationException', 'The request body is not a JSON object.');
  return parsed;
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BODY_BYTES)
    throw new ServiceFault('ValidationException', `The request has ${bytes} bytes; ${MAX_BODY_BYTES} are allowed.`);
  return Buffer.concat(chunks).toString();
}
