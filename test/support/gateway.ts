/** The whole gateway over the in-memory stores, served on loopback, for tests with real clients and scripted providers. */
import type { AddressInfo } from 'node:net';
import { compose, type Composed } from '../../functions/compose.ts';
import type { Deployment } from '../../lib/domain/model.ts';
import { hashSecret, type VirtualKey } from '../../lib/domain/key.ts';
import { readEnv } from '../../lib/env.ts';
import { createSecretStore, open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { createHttpServer } from '../../lib/transport/http-server.ts';
import { aDeployment, aKey } from './exchange.ts';

/** A running gateway. */
export interface Served extends Composed {
  readonly url: string;
  readonly stores: Stores;
  readonly masterKey: string;
  /** Lines logged so far. */
  readonly lines: Record<string, unknown>[];
  /** Stores a key; its secret is `secret`. */
  addKey(secret: string, over?: Partial<VirtualKey>): Promise<VirtualKey>;
}

const MASTER = 'sk-master-of-tests';

/** Starts it. `deployments` default to `gpt-4o-mini` at `upstream` (OpenAI) and `claude` at `upstream` (Anthropic). */
export async function serveGateway(
  upstream: string,
  options: {
    readonly deployments?: readonly Deployment[];
    readonly env?: Record<string, string>;
    readonly stores?: Stores;
    readonly maxBodyBytes?: number;
    readonly deadlineMs?: number;
    readonly environment?: Record<string, string>;
    /** Its clock, for limits and leases; the system's by default. */
    readonly now?: () => number;
  } = {},
): Promise<Served> {
  const stores = options.stores ?? open();
  const lines: Record<string, unknown>[] = [];
  const composed = compose({
    env: readEnv({ TOLLGATE_NUM_RETRIES: '0', ...options.env }),
    stores,
    secrets: createSecretStore(),
    masterKey: async () => MASTER,
    deployments: options.deployments ?? [
      aDeployment({ apiBase: `${upstream}/v1`, credential: { type: 'value', value: 'upstream-secret' } }),
      aDeployment({
        id: 'deployment-2',
        modelName: 'claude',
        provider: 'anthropic',
        model: 'claude-sonnet-4-5',
        apiBase: upstream,
        credential: { type: 'value', value: 'upstream-secret' },
      }),
    ],
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    ...(options.now === undefined ? {} : { now: options.now }),
    log: (level, message, fields) => void lines.push({ level, message, ...fields }),
  });
  const http = createHttpServer({
    handle: (request, { signal, receivedAt: arrival }) => {
      const receivedAt = options.now?.() ?? arrival;
      return composed.gateway.handle(request, { receivedAt, deadline: receivedAt + (options.deadlineMs ?? 60_000), signal });
    },
    maxBodyBytes: options.maxBodyBytes ?? 1024 * 1024,
    renderRefusal: (path, error) => composed.gateway.refuse(path, error),
  });
  await http.listen(0, '127.0.0.1');
  const { port } = http.server.address() as AddressInfo;
  return {
    ...composed,
    url: `http://127.0.0.1:${port}`,
    stores,
    masterKey: MASTER,
    lines,
    addKey: async (secret, over = {}) => {
      const key = aKey({ hash: hashSecret(secret), ...over });
      await stores.keys.create(key);
      return key;
    },
    close: async () => {
      // Clients keep connections that nothing goes over any more.
      await http.close(1_000);
      await composed.close();
    },
  };
}
