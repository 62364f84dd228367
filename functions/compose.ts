/**
 * Puts the parts together: the gateway of the data plane and the dependencies of management, from stores, secrets and settings. The
 * Lambda entries call it with what the environment names, the local server with its emulators.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { createBodyReader } from '../lib/counting/body-reader.ts';
import { compactingOf, createCall } from '../lib/call.ts';
import { createCallerMappings } from '../lib/registry/caller-mappings.ts';
import { createLiveCatalog, type LiveCatalog } from '../lib/catalog/index.ts';
import { recordResponse } from '../lib/responses/conversation-recorder.ts';
import { createCount } from '../lib/counting/count-tokens.ts';
import { createCredentials } from '../lib/credentials.ts';
import { createDialects } from '../lib/dialects/index.ts';
import { createUsageEstimator } from '../lib/domain/estimate.ts';
import type { TokenSettings } from '../lib/auth/settings.ts';
import type { TokenDeps, TokenReader } from '../lib/auth/tokens.ts';
import type { Deployment } from '../lib/domain/model.ts';
import type { User } from '../lib/domain/user.ts';
import type { Env } from '../lib/env.ts';
import { createGateway, type Gateway } from '../lib/gateway.ts';
import { describeError, type Log } from '../lib/log.ts';
import type { ManagementDeps } from '../lib/management/deps.ts';
import { gatewayLimits } from '../lib/money/gateway-limits.ts';
import { joinLedger } from '../lib/money/joint-ledger.ts';
import { joinMeters } from '../lib/money/joint-meters.ts';
import { listModels, offeredTo } from '../lib/registry/model-list.ts';
import { admit } from '../lib/policies/admit.ts';
import { authenticateRequest, requireDoor, type AuthenticateDeps } from '../lib/policies/authenticate.ts';
import { pooledRandom } from '../lib/random.ts';
import { createAuthorizer, createFollower } from '../lib/providers/index.ts';
import { createPriceRefresh } from '../lib/registry/prices.ts';
import { createReadiness } from '../lib/registry/readiness.ts';
import { createRegistry } from '../lib/registry/registry.ts';
import type { EntityStore } from '../lib/stores/entities.ts';
import { withoutKeys } from '../lib/redact.ts';
import type { BodyStore } from '../lib/stores/bodies.ts';
import type { SecretStore } from '../lib/stores/secrets.ts';
import type { Stores } from '../lib/stores/stores.ts';
import { followResponse } from '../lib/responses/response-follower.ts';
import { createShardHints } from '../lib/money/shards.ts';
import { catalogFacts, createTargets } from '../lib/targets.ts';
import { createHttpClient } from '../lib/transport/http.ts';

/** What differs between a Lambda function, the local server and a test. */
export interface Composition {
  readonly env: Env;
  readonly stores: Stores;
  readonly secrets: SecretStore;
  /** Place of requests and answers; without it none are kept. */
  readonly bodies?: BodyStore;
  readonly masterKey: () => Promise<string | undefined>;
  /** Deployments of this process: config file, environment, demo. */
  readonly deployments?: readonly Deployment[];
  readonly catalog?: LiveCatalog;
  readonly log: Log;
  readonly now?: () => number;
  readonly random?: (bytes: number) => Uint8Array;
  /** Variables that `os.environ/NAME` credentials and base URLs of provider rows come from. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** The parts, ready to serve. */
export interface Composed {
  readonly gateway: Gateway;
  readonly management: ManagementDeps;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;

/** Builds everything; opens no connection until the first request needs one. */
export function compose(from: Composition): Composed {
  const { env, stores, secrets, log } = from;
  const now = from.now ?? Date.now;
  const random = from.random ?? randomBytes;
  const draw = from.random ?? pooledRandom();
  const uniform = (): number => Buffer.from(draw(4)).readUInt32BE() / 2 ** 32;
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => wait(ms, undefined, { signal }).catch(() => {});
  const environment = from.environment ?? {};
  const catalog =
    from.catalog ??
    createLiveCatalog({
      onError: (shard, error) => log('error', 'prices could not be read', { shard, error: describeError(error) }),
    });
  const registry = createRegistry({
    keys: stores.keys,
    identity: stores,
    models: stores.models,
    publicModels: stores.publicModels,
    totals: stores.totals,
    ...(env.TOLLGATE_PRICE_MAP_URL === undefined ? {} : { refreshPrices: createPriceRefresh({ stores, catalog, log }) }),
    fixed: from.deployments ?? [],
    now,
    log,
  });
  const mappings = createCallerMappings({ stores, now });
  const dialects = createDialects();
  const targets = createTargets(catalog, { discounts: env.TOLLGATE_COST_DISCOUNTS, margins: env.TOLLGATE_COST_MARGINS });
  const http = createHttpClient({ now });
  const outbound = {
    http,
    dialects,
    credential: createCredentials(secrets, environment),
    environment,
    authorize: createAuthorizer({ http, environment, now }),
    follow: createFollower({ http, sleep }),
  };
  const authentication: AuthenticateDeps = {
    findKey: registry.findKey,
    ownersOf: registry.ownersOf,
    masterKey: from.masterKey,
    now,
    allowedIps: env.TOLLGATE_ALLOWED_IPS,
    allowedRoutes: env.TOLLGATE_ALLOWED_ROUTES,
    keyOfRole: mappings.keyOfRole,
    ...tokens(env.TOLLGATE_JWT_AUTH, { ...registry, keyOfClaim: mappings.keyOfClaim, users: stores.users, http, now, log }),
    ...(env.TOLLGATE_KEY_HEADER === undefined ? {} : { keyHeader: env.TOLLGATE_KEY_HEADER }),
  };

  const ready = createReadiness({
    ask: () => stores.models.version(),
    // What only limits a question keeps nobody from leaving.
    sleep: (ms) => wait(ms, undefined, { ref: false }),
    now,
  });

  const gateway = createGateway({
    dialects,
    authentication,
    identification: {
      customer: registry.customer,
      tag: registry.tag,
      budget: registry.budget,
      customers: stores.customers,
      now,
      log,
      rejectTags: env.TOLLGATE_REJECT_CLIENT_TAGS,
      ofTeams: env.TOLLGATE_CUSTOMERS_OF_TEAMS,
      ...(env.TOLLGATE_USER_HEADER === undefined ? {} : { userHeader: env.TOLLGATE_USER_HEADER }),
      ...(env.TOLLGATE_CUSTOMER_BUDGET_ID === undefined ? {} : { defaultBudget: env.TOLLGATE_CUSTOMER_BUDGET_ID }),
    },
    access: registry,
    requiredParams: env.TOLLGATE_REQUIRED_PARAMS,
    conversations: {
      store: stores.conversations,
      ttlMs: env.TOLLGATE_RESPONSE_TTL_DAYS * DAY_MS,
      record: recordResponse,
      isNative: (target) => compactingOf(outbound, target) !== undefined,
      follow: followResponse,
      sleep,
      now,
      log,
    },
    bodies: {
      store: from.bodies,
      keep: env.TOLLGATE_STORE_BODIES,
      redact: env.TOLLGATE_REDACT_BODIES,
      withoutKeys,
      log,
    },
    routing: { deployments: registry.deployments, resolve: targets, random: uniform },
    retrying: {
      retries: env.TOLLGATE_NUM_RETRIES,
      now,
      random: uniform,
      sleep,
    },
    admit: admit({
      meters: joinMeters(stores.meters),
      ledger: joinLedger(stores.ledger),
      spendOf: registry.spendOf,
      now,
      log,
      expired: env.TOLLGATE_EXPIRED_HOLD,
      hints: createShardHints(),
      onStoreFailure: env.TOLLGATE_ON_STORE_FAILURE,
      ...(env.TOLLGATE_BUDGET_EXCEEDED_THROTTLE_PERCENTAGE === undefined
        ? {}
        : { throttleShare: env.TOLLGATE_BUDGET_EXCEEDED_THROTTLE_PERCENTAGE }),
      disableLedger: env.TOLLGATE_DISABLE_LEDGER,
      scopes: {
        userBudgetsForTeamKeys: env.TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS,
        global: gatewayLimits(env),
      },
    }),
    call: createCall({
      ...outbound,
      estimator: createUsageEstimator,
      costInStreams: env.TOLLGATE_RESPONSE_COST_IN_STREAM,
      isBooked: ({ caller }) => caller?.type !== 'master' || !env.TOLLGATE_DISABLE_LEDGER,
      now,
    }),
    count: createCount(outbound),
    models: (exchange) => listModels(registry, catalog, exchange.caller),
    ready,
    log,
    now,
    random: draw,
  });

  const management: ManagementDeps = {
    ...stores,
    secrets,
    ...(from.bodies === undefined ? {} : { bodies: from.bodies }),
    ...(env.TOLLGATE_MAX_BUDGET === undefined ? {} : { maxBudget: env.TOLLGATE_MAX_BUDGET }),
    ...(env.TOLLGATE_CUSTOMER_BUDGET_ID === undefined ? {} : { customerBudget: env.TOLLGATE_CUSTOMER_BUDGET_ID }),
    catalog,
    http,
    ...(env.TOLLGATE_PRICE_MAP_URL === undefined ? {} : { priceMapUrl: env.TOLLGATE_PRICE_MAP_URL }),
    now,
    random,
    log,
    keyRules: { bounds: env.TOLLGATE_KEY_BOUNDS, defaults: env.TOLLGATE_KEY_DEFAULTS },
    onChange() {
      registry.forget();
      mappings.forget();
    },
    deployments: registry.deployments,
    publicNames: registry.publicModels,
    offeredTo: (caller) => offeredTo(registry, caller),
    ready,
    userBudgetsForTeamKeys: env.TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS,
    authenticate: async (request, route) => (await authenticateRequest(request, route, authentication)).caller,
    requireDoor: (request, route) => requireDoor(request, route, authentication),
    facts: (deployment, model) => catalogFacts(catalog, deployment, model),
    target: targets,
    reader: createBodyReader(dialects),
  };
  return { gateway, management, close: () => http.close() };
}

/** Tokens of identity providers, where some are trusted. What reads them is loaded with the first one. */
function tokens(
  settings: TokenSettings | undefined,
  { users, ...deps }: Omit<TokenDeps, 'createUser'> & { readonly users: EntityStore<User> },
): Pick<AuthenticateDeps, 'tokenCaller'> {
  if (settings === undefined) return {};
  const createUser = async (user: User): Promise<User> =>
    (await users.create(user)) === 'created' ? user : ((await users.get(user.id, { fresh: true })) ?? user);
  let reader: Promise<TokenReader> | undefined;
  return {
    async tokenCaller(token, headers) {
      reader ??= import('../lib/auth/tokens.ts').then(({ createTokenReader }) =>
        createTokenReader(settings, { ...deps, createUser }),
      );
      return (await reader)(token, headers);
    },
  };
}
