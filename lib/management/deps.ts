/** What the management functions work with. */
import type { LiveCatalog } from '../catalog/index.ts';
import type { Deployment } from '../domain/model.ts';
import type { CatalogModel } from '../domain/price-types.ts';
import type { Caller, Target } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { Usage } from '../kinds/usage.ts';
import type { Log } from '../log.ts';
import type { BodyStore } from '../stores/bodies.ts';
import type { SecretStore } from '../stores/secrets.ts';
import type { Stores } from '../stores/stores.ts';
import type { KeyRules } from './keys/key-rules.ts';
import type { HttpClient } from '../transport/http.ts';
import type { HttpRequest } from '../transport/message.ts';

/** What management reads from bodies of the data plane. */
export interface BodyFigures {
  /** Input tokens of an OpenAI chat request at a model. */
  inputTokens(request: JsonObject, target: Target): Promise<number>;
  /** The usage of a whole answer; undefined without one. */
  usageOf(answer: JsonObject): Promise<Usage | undefined>;
}

/** Stores, facts, clock and chance. Every management function takes these first, then the caller, then its input. */
export interface ManagementDeps extends Stores {
  readonly secrets: SecretStore;
  /** Place of requests and answers; absent where none are kept. */
  readonly bodies?: BodyStore;
  readonly catalog: Pick<LiveCatalog, 'find' | 'named' | 'bundled'>;
  /** Where the operator has a price map; absent: prices come with the release. */
  readonly priceMapUrl?: string;
  readonly http: Pick<HttpClient, 'send'>;
  /** Every deployment the gateway offers: those of the store, of a config file, of the environment, and the demo. */
  readonly deployments: () => Promise<readonly Deployment[]>;
  /** Those whose names a caller may call. */
  readonly offeredTo: (caller: Caller) => Promise<readonly Deployment[]>;
  /** Names that are shown to everybody; seconds old. */
  readonly publicNames: () => Promise<readonly string[]>;
  /** Resolves when the store answers; see `createReadiness`. */
  readonly ready: () => Promise<void>;
  /** What the catalog knows of the model that a deployment serves under a name. */
  readonly facts: (deployment: Deployment, model: string) => Promise<CatalogModel | undefined>;
  /** A deployment with its limits and price; see `createTargets`. */
  readonly target: (deployment: Deployment, model: string) => Promise<Target>;
  /** Figures of requests and answers. Throws GatewayError for what is none. */
  readonly reader: BodyFigures;
  /** A user's budget counts for keys of teams too. */
  readonly userBudgetsForTeamKeys?: boolean;
  /** Most that all calls together may cost, 1e-12 USD. */
  readonly maxBudget?: bigint;
  /** Id of the shared budget of customers nobody has made. */
  readonly customerBudget?: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: Log;
  /** Who calls a route, known by its pattern. Throws GatewayError `authentication`, or `permission` where the key may not be used so. */
  readonly authenticate: (request: HttpRequest, route: string) => Promise<Caller>;
  /** Lets a request without a key pass where the operator lets anybody in. Throws GatewayError `permission`. */
  readonly requireDoor: (request: HttpRequest, route: string) => void;
  /** Who an admin says made the change (`litellm-changed-by`); set per call. */
  readonly changedBy?: string;
  /** What the operator says of keys that are made. */
  readonly keyRules?: KeyRules;
  /** Called after each write, so that a gateway in the same process drops what it cached. */
  readonly onChange?: () => void;
}
