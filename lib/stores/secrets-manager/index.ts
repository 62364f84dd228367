/**
 * Secrets on AWS Secrets Manager, cached in the process. In a Lambda function a secret is read without the SDK, which is loaded with the
 * first read that fails or the first write.
 */
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GatewayError } from '../../errors.ts';
import { errorName, lambdaAddress, postSigned, textOf } from '../../transport/aws-json.ts';
import type { HttpClient } from '../../transport/http.ts';
import type { SecretStore } from '../secrets.ts';

/** Where the secrets are and how long values are trusted. */
export interface SecretStoreOptions {
  /** Put before every name that is no ARN; empty by default. */
  readonly prefix?: string;
  readonly region?: string;
  /** An emulator; absent means the service itself. */
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** HTTP client for reads without the SDK; whoever brings it closes it. */
  readonly http?: HttpClient;
  /** Variables of a Lambda function: where they say all that the SDK would ask for, a read does without it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** How long a value is used before it is read again, milliseconds; five minutes by default, drawn between 80 and 100 % of it. */
  readonly ttlMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Uniform in [0, 1): spreads the refreshes of many environments. */
  readonly random?: () => number;
}

const TTL_MS = 300_000;
const MAX_ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;

interface Cached {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/**
 * Secrets on Secrets Manager. A value past its time is still used while the service does not answer; a fresh read insists.
 *
 * @example const secrets = createSecretStore({ prefix: 'tollgate/' }); await secrets.get('credential/openai');
 */
export function createSecretStore(options: SecretStoreOptions = {}): SecretStore {
  const { prefix = '', ttlMs = TTL_MS, now = Date.now, random = Math.random } = options;
  const service = withoutSdk(createService(options), options);
  const cache = new Map<string, Cached>();
  const reads = new Map<string, Promise<string | undefined>>();
  const idOf = (name: string): string => (name.startsWith('arn:') ? name : prefix + name);

  const remember = (id: string, value: string): void => {
    cache.set(id, { value, until: now() + ttlMs * (1 - random() / 5) });
  };

  /** One read at a time per secret, shared by all who ask meanwhile. */
  function read(id: string): Promise<string | undefined> {
    const running = reads.get(id);
    if (running !== undefined) return running;
    const reading = service
      .read(id)
      .then((value) => {
        if (value === undefined) cache.delete(id);
        else remember(id, value);
        return value;
      })
      .finally(() => reads.delete(id));
    reads.set(id, reading);
    return reading;
  }

  return {
    async get(name, { fresh = false } = {}) {
      const id = idOf(name);
      const cached = cache.get(id);
      if (fresh || cached === undefined) return read(id);
      if (now() < cached.until) return cached.value;
      return read(id).catch(() => cached.value);
    },

    async put(name, value) {
      const id = idOf(name);
      await service.write(id, value);
      remember(id, value);
    },

    async create(name, value) {
      const id = idOf(name);
      if (!(await service.create(id, value))) return 'exists';
      remember(id, value);
      return 'created';
    },

    async delete(name) {
      const id = idOf(name);
      await service.delete(id);
      cache.delete(id);
    },
  };
}

/** What is asked of the service. */
interface Service {
  read(id: string): Promise<string | undefined>;
  /** False when there is one of this name. */
  create(id: string, value: string): Promise<boolean>;
  write(id: string, value: string): Promise<void>;
  delete(id: string): Promise<void>;
}

interface Asked {
  readonly SecretString?: string;
  readonly __type?: string;
}

/** The same service, its reads sent without the SDK where that is possible. What does not succeed so is the SDK's to judge and repeat. */
function withoutSdk(service: Service, { http, environment, endpoint, now = Date.now }: SecretStoreOptions): Service {
  const address =
    environment === undefined || endpoint !== undefined ? undefined : lambdaAddress(environment, 'secretsmanager');
  if (http === undefined || address === undefined) return service;
  const wire = { http, timeoutMs: REQUEST_TIMEOUT_MS };
  const read = async (id: string): Promise<string | undefined> => {
    const call = { service: 'secretsmanager', version: '1.1', target: 'secretsmanager.GetSecretValue' } as const;
    const posted = await postSigned(wire, address, { ...call, input: { SecretId: id }, now: now() });
    const { SecretString, __type } = JSON.parse(textOf(posted)) as Asked;
    if (posted.status === 200) return SecretString;
    if (errorName(__type) === 'ResourceNotFoundException') return undefined;
    throw new Error(`Secrets Manager: ${errorName(__type)}`);
  };
  return { ...service, read: (id) => read(id).catch(() => service.read(id)) };
}

type Sdk = typeof import('@aws-sdk/client-secrets-manager');

function createService({ region, endpoint, credentials }: SecretStoreOptions): Service {
  let loading: Promise<{ readonly sdk: Sdk; readonly client: SecretsManagerClient }> | undefined;
  const load = async () => {
    const sdk = await import('@aws-sdk/client-secrets-manager');
    const client = new sdk.SecretsManagerClient({
      ...(region === undefined ? {} : { region }),
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
    });
    return { sdk, client };
  };

  /** Runs one operation. `missing` is the answer where the secret does not exist. */
  async function ask<T>(operation: (client: SecretsManagerClient, sdk: Sdk) => Promise<T>, missing: T): Promise<T> {
    loading ??= load();
    const { sdk, client } = await loading;
    try {
      return await operation(client, sdk);
    } catch (cause) {
      if (cause instanceof sdk.ResourceNotFoundException) return missing;
      throw new GatewayError('overloaded', 'The gateway cannot reach its secret store right now. Try again shortly.', {
        code: 'store_unavailable',
        cause,
      });
    }
  }

  const replace = (id: string, value: string): Promise<boolean> =>
    ask(async (client, sdk) => {
      await client.send(new sdk.PutSecretValueCommand({ SecretId: id, SecretString: value }));
      return true;
    }, false);

  const create = (id: string, value: string): Promise<boolean> =>
    ask(async (client, sdk) => {
      try {
        await client.send(new sdk.CreateSecretCommand({ Name: id, SecretString: value }));
        return true;
      } catch (error) {
        if (error instanceof sdk.ResourceExistsException) return false;
        throw error;
      }
    }, false);

  return {
    read: (id) =>
      ask(async (client, sdk) => (await client.send(new sdk.GetSecretValueCommand({ SecretId: id }))).SecretString, undefined),

    create,

    async write(id, value) {
      // Somebody else may create it since we looked: then it can be replaced.
      if (!(await replace(id, value)) && !(await create(id, value))) await replace(id, value);
    },

    delete: (id) =>
      ask(async (client, sdk) => {
        // Without a recovery window: a deleted credential is gone, and its name is free again.
        await client.send(new sdk.DeleteSecretCommand({ SecretId: id, ForceDeleteWithoutRecovery: true }));
      }, undefined),
  };
}
