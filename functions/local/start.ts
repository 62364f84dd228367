/** Puts a local run together: state, emulators, models, keys, the gateway and management behind one address. */
import { endpoints, findEndpoints } from '../../lib/endpoints/index.ts';
import { readEnv, type Env } from '../../lib/env.ts';
import { banner, urlOf } from '../../lib/local/banner.ts';
import type { CommandLine } from '../../lib/local/command-line.ts';
import type { LocalConfig } from '../../lib/local/config.ts';
import { createDispatcher } from '../../lib/local/dispatcher.ts';
import { exampleModel } from '../../lib/local/example-model.ts';
import { keptVirtualKey, LOCAL_ALIAS, masterKey, virtualKey } from '../../lib/local/run-keys.ts';
import { isErrno, StartError } from '../../lib/local/start-error.ts';
import { withSignIns } from '../../lib/local/sign-in.ts';
import { openStateFolder, type StateFolder } from '../../lib/local/state-folder.ts';
import { createLog } from '../../lib/log.ts';
import type { BodyStore } from '../../lib/stores/bodies.ts';
import { createLiveCatalog } from '../../lib/catalog/index.ts';
import { createCors } from '../../lib/transport/cors.ts';
import { createAdminHandler } from '../admin/handler.ts';
import { ROUTES, routesAt } from '../admin/routes.ts';
import { compose } from '../compose.ts';
import { openToPages } from '../gateway/pages.ts';
import { startWeb, type WebServer } from '../gateway/web.ts';
import { offerOf } from './offer.ts';
import { openStorage } from './storage.ts';
import { startWork } from './work.ts';

/** What a run is started with. */
export interface LocalOptions extends Omit<CommandLine, 'show'> {
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes a line for the operator. */
  readonly warn: (line: string) => void;
  /** How packages of emulators are found; for tests. */
  readonly resolvePackage?: (specifier: string) => string | undefined;
}

/** A run that takes requests. */
export interface LocalServer {
  readonly url: string;
  readonly banner: string;
  /** Takes no more requests, lets open answers end for a few seconds, then ends what was started. */
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 33_554_432;
/** How long open answers may go on after the stop. */
const GRACE_MS = 5_000;
/** How long their settlement may take once they are cut. */
const SETTLE_MS = 2_000;

/**
 * Starts everything.
 *
 * @throws StartError in one line for what the operator can mend; what was started by then is ended.
 */
export async function startLocal(options: LocalOptions): Promise<LocalServer> {
  const closers: (() => Promise<void> | void)[] = [];
  try {
    return await start(options, closers);
  } catch (error) {
    await closeAll(closers).catch(() => undefined);
    throw error;
  }
}

/** Ends what was started, the last first; a failure does not keep the others from ending. */
async function closeAll(closers: readonly (() => Promise<void> | void)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0) throw faults[0];
}

async function start(options: LocalOptions, closers: (() => Promise<void> | void)[]): Promise<LocalServer> {
  const { warn } = options;
  const folder = options.data === undefined ? undefined : openStateFolder(options.data);
  closers.push(() => folder?.close());
  const config = await readConfig(options);
  const environment = withSignIns(config?.environment ?? options.environment, folder);
  const env = readSettings(config, environment);
  const log = createLog(env.TOLLGATE_LOG_LEVEL, (line) => void process.stderr.write(line));

  let makeKeyAgain = (): Promise<unknown> => Promise.resolve();
  const storage = await openStorage({
    ...options,
    env,
    folder,
    environment,
    onRestart: async () => void (await makeKeyAgain()),
  });
  closers.push(() => storage.close());
  const offer = await offerOf(config, environment);
  closers.push(() => offer.close());
  offer.warnings.forEach(warn);

  const master = masterKey(environment, config?.masterKey, folder);
  const catalog = createLiveCatalog();
  const composed = compose({
    env,
    ...storage,
    bodies: await bodiesIn(folder, env),
    masterKey: () => Promise.resolve(master.secret),
    deployments: offer.deployments,
    catalog,
    environment,
    log,
  });
  closers.push(() => composed.close());
  const key = await keptVirtualKey(composed.management, folder);
  makeKeyAgain = () => virtualKey(composed.management, key);
  // Read as calls read them, so that the first call finds them.
  const callable = await composed.management.deployments();
  const others = callable.filter((deployment) => !offer.deployments.includes(deployment));
  const model = await exampleModel(offer.deployments, catalog, environment);

  const sides = { gateway: composed.gateway, admin: createAdminHandler(composed.management), isManagement };
  const service = openToPages(createDispatcher(sides), createCors(env.TOLLGATE_CORS_ORIGINS));
  const { host } = options;
  const maxBodyBytes = env.TOLLGATE_MAX_BODY_BYTES ?? MAX_BODY_BYTES;
  const web = await listen(() => startWeb({ service, log, maxBodyBytes, host, port: options.port }), options);
  const stopWork = startWork({ env, storage, folder, log, management: composed.management });
  closers.push(stopWork);
  const url = urlOf(host, web.port);
  return {
    url,
    banner: banner({
      version: options.version,
      url,
      masterKey: master,
      virtualKey: { secret: key, alias: LOCAL_ALIAS },
      model,
      providers: offer.lines(others),
      state: [...storage.description, ...keysLine(folder)],
    }),
    async stop() {
      await Promise.race([web.stop(GRACE_MS), new Promise((resolve) => setTimeout(resolve, GRACE_MS + SETTLE_MS).unref())]);
      await closeAll(closers);
    },
  };
}

/** A folder of the state; memory for a run that keeps nothing. */
async function bodiesIn(folder: StateFolder | undefined, env: Env): Promise<BodyStore> {
  if (folder === undefined) return (await import('../../lib/stores/memory/bodies.ts')).createBodyStore();
  const { createBodyFolder } = await import('../../lib/local/bodies.ts');
  return createBodyFolder(folder.file('bodies'), env.TOLLGATE_BODY_TTL_DAYS);
}

/** YAML is loaded only for those who have a config file. */
async function readConfig({ config, environment }: LocalOptions): Promise<LocalConfig | undefined> {
  if (config === undefined) return undefined;
  const { loadConfig } = await import('../../lib/local/config.ts');
  return loadConfig(config, environment);
}

/** Our variables: of the environment, else of the config, else the defaults; a terminal is spared the line for every request. */
function readSettings(config: LocalConfig | undefined, environment: LocalOptions['environment']): Env {
  try {
    const origins = environment['LITELLM_CORS_ORIGINS'] ?? '';
    const theirs = origins === '' ? {} : { TOLLGATE_CORS_ORIGINS: origins };
    return readEnv({ TOLLGATE_LOG_LEVEL: 'warn', ...theirs, ...config?.settings, ...environment });
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
}

const keysLine = (folder: StateFolder | undefined): string[] =>
  folder === undefined ? [] : [`keys of this page in ${folder.file('master-key')} and ${folder.file('virtual-key')}`];

/** First segments that are management's alone: `key`, `model`, ... */
const MANAGEMENT = new Set(
  ROUTES.filter(({ path, open }) => open !== true && !path.startsWith('/v1/')).map(({ path }) => path.split('/')[1]),
);

/**
 * Management has its routes, and whatever lies beside them: an unknown `/key/...` is answered by management too. Bedrock's
 * `/model/{id}/converse` and `/invoke` lie there as well and are the gateway's, and so are the open routes that both have: health.
 */
function decide(path: string): boolean {
  const routes = routesAt(path);
  if (routes.some(({ open }) => open !== true)) return true;
  return (routes.length > 0 || MANAGEMENT.has(path.split('/')[1])) && findEndpoints(path).length === 0;
}

/** Paths of the data plane that are one path only: asked for all the time, so decided once. */
const DECIDED: ReadonlyMap<string, boolean> = new Map(
  endpoints
    .flatMap(({ paths }) => paths)
    .filter((path) => !path.includes('{'))
    .map((path) => [path, decide(path)]),
);

const isManagement = (path: string): boolean => DECIDED.get(path) ?? decide(path);

async function listen(begin: () => Promise<WebServer>, { host, port }: LocalOptions): Promise<WebServer> {
  try {
    return await begin();
  } catch (error) {
    if (isErrno(error, 'EADDRINUSE')) throw new StartError(`port ${port} on ${host} is in use; choose another with --port`);
    if (isErrno(error, 'EACCES'))
      throw new StartError(`port ${port} on ${host} may not be used by this user; choose another with --port`);
    if (isErrno(error, 'EADDRNOTAVAIL') || isErrno(error, 'ENOTFOUND')) {
      throw new StartError(`--host: ${host} is no address of this machine`);
    }
    throw error;
  }
}
