/** What the management functions work with. */
import type { Catalog } from '../catalog/index.ts';
import type { Deployment } from '../domain/model.ts';
import type { Caller } from '../exchange.ts';
import type { Log } from '../log.ts';
import type { SecretStore } from '../stores/secrets.ts';
import type { Stores } from '../stores/stores.ts';
import type { Headers } from '../transport/message.ts';

/** Stores, facts, clock and chance. Every management function takes these first, then the caller, then its input. */
export interface ManagementDeps extends Stores {
  readonly secrets: SecretStore;
  readonly catalog: Pick<Catalog, 'find' | 'named'>;
  /** Every deployment the gateway offers: those of the store, of a config file, of the environment, and the demo. */
  readonly deployments: () => Promise<readonly Deployment[]>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: Log;
  /** Who calls, by the headers of a request (lower-case names). Throws GatewayError `authentication`. */
  readonly authenticate: (headers: Headers) => Promise<Caller>;
  /** Called after each write, so that a gateway in the same process drops what it cached. */
  readonly onChange?: () => void;
}
