/** The admin function over real stores, called with function URL events. */
import { createHash } from 'node:crypto';
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda';
import { createAdminHandler } from '../../../functions/admin/handler.ts';
import { createBodyReader } from '../../../lib/counting/body-reader.ts';
import { createLiveCatalog } from '../../../lib/catalog/index.ts';
import { createDialects } from '../../../lib/dialects/index.ts';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import type { Deployment } from '../../../lib/domain/model.ts';
import { PUBLIC_MODELS } from '../../../lib/domain/public-models.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import type { ManagementDeps } from '../../../lib/management/deps.ts';
import { offeredTo } from '../../../lib/registry/model-list.ts';
import { createOwners } from '../../../lib/registry/owners.ts';
import { authenticateRequest, requireDoor } from '../../../lib/policies/authenticate.ts';
import { createSecretStore, open } from '../../../lib/stores/memory/index.ts';
import { catalogFacts, createTargets } from '../../../lib/targets.ts';
import { NOW } from '../../support/exchange.ts';
import { requirePublished } from '../../support/published.ts';

export { NOW };

/** The master key of these tests. */
export const MASTER = 'sk-master-key-of-the-tests';

/** What came back. A body that is no object stands under `value`. */
export interface Answer {
  readonly status: number;
  readonly headers: JsonObject;
  readonly body: JsonObject;
}

/** What a call may say besides method and path. */
export interface CallOptions {
  readonly body?: unknown;
  /** Sent instead of JSON. */
  readonly raw?: string | Buffer;
  /** The key; null sends none. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The admin function with its stores at hand. */
export interface Admin {
  readonly deps: ManagementDeps;
  readonly clock: { now: number };
  /** Everything that left the function so far: answers and log lines. */
  readonly outputs: string[];
  /** How often `onChange` was called. */
  readonly changes: { count: number };
  /** Throws where the answer is not as published in `/openapi.json`. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** The body as it came. */
  table(path: string): Promise<{ readonly headers: JsonObject; readonly body: string }>;
  /** Writes an entry as the gateway would, and projects it. */
  spend(entry: Partial<LedgerEntry>): Promise<LedgerEntry>;
}

/** Over the stores in memory; `over` replaces parts. */
export function createAdmin(over: Partial<ManagementDeps> = {}, fixed: readonly Deployment[] = []): Admin {
  const clock = { now: NOW };
  const outputs: string[] = [];
  const changes = { count: 0 };
  let drawn = 0;
  const stores = { ...open(), secrets: createSecretStore() };
  const catalog = createLiveCatalog();
  const deps: ManagementDeps = {
    ...stores,
    catalog,
    http: { send: () => Promise.reject(new Error('no test of management calls anybody')) },
    facts: (deployment, model) => catalogFacts(catalog, deployment, model),
    target: createTargets(catalog),
    reader: createBodyReader(createDialects()),
    offeredTo: (caller) => {
      const { accessGroup, budget } = createOwners({ stores: deps, now: () => clock.now, ttlMs: 0 });
      return offeredTo({ deployments: deps.deployments, accessGroup, budget }, caller);
    },
    publicNames: async () => (await deps.publicModels.get(PUBLIC_MODELS))?.names ?? [],
    ready: async () => void (await deps.models.version()),
    deployments: async () => [...(await deps.models.list()), ...fixed],
    now: () => clock.now,
    // The same in every run, and never the same twice in one.
    random: (bytes) => createHash('sha512').update(String(drawn++)).digest().subarray(0, bytes),
    log: (level, message, fields) => void outputs.push(JSON.stringify({ level, message, ...fields })),
    onChange: () => void changes.count++,
    authenticate: async (request, route) => {
      const { caller } = await authenticateRequest(request, route, {
        findKey: (hash) => deps.keys.get(hash),
        ownersOf: (key) => createOwners({ stores, now: () => clock.now, ttlMs: 0 }).ownersOf(key),
        masterKey: async () => MASTER,
        now: () => clock.now,
      });
      return caller;
    },
    requireDoor: (request, route) => requireDoor(request, route, {}),
    ...over,
  };
  const handler = createAdminHandler(deps);
  let spent = 0;

  return {
    deps,
    clock,
    outputs,
    changes,
    async call(method, path, options = {}) {
      const result = await handler(eventOf(method, path, options), {} as Context);
      outputs.push(JSON.stringify(result));
      const body: unknown = JSON.parse(result.body ?? 'null');
      requirePublished({ method, path, status: result.statusCode ?? 200, body });
      return {
        status: result.statusCode ?? 200,
        headers: { ...result.headers },
        body: body !== null && typeof body === 'object' && !Array.isArray(body) ? (body as JsonObject) : { value: body },
      };
    },
    async table(path) {
      const { headers, body = '' } = await handler(eventOf('GET', path, {}), {} as Context);
      return { headers: { ...headers }, body };
    },
    async spend(entry) {
      const full: LedgerEntry = { ...anEntry(`call-${spent++}`, clock.now), ...entry };
      await deps.ledger.record(full);
      await deps.totals.apply([full]);
      return full;
    },
  };
}

const anEntry = (id: string, at: number): LedgerEntry => ({
  id,
  at,
  endedAt: at + 800,
  status: 'success',
  keyHash: 'master',
  tags: [],
  kind: 'generate',
  route: '/v1/chat/completions',
  clientDialect: 'openai-chat',
  modelGroup: 'fast',
  stream: false,
  httpStatus: 200,
  cost: 1_000_000_000n,
  price: { source: 'catalog', version: 'litellm-2026-08-01' },
  attempts: 1,
  durationMs: 800,
});

/** A function URL event, payload 2.0. */
export function eventOf(method: string, target: string, options: CallOptions): LambdaFunctionURLEvent {
  const [path = '/', rawQueryString = ''] = target.split('?');
  const { key = MASTER } = options;
  const raw = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString,
    headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...options.headers },
    isBase64Encoded: raw instanceof Buffer,
    ...(raw === undefined ? {} : { body: typeof raw === 'string' ? raw : raw.toString('base64') }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'test',
      domainName: 'test.lambda-url.eu-west-1.on.aws',
      domainPrefix: 'test',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'request',
      routeKey: '$default',
      stage: '$default',
      time: '22/Nov/2026:12:00:00 +0000',
      timeEpoch: NOW,
    },
  };
}
