/** The keeper's shell: one bounded run per start. */
import { randomBytes } from 'node:crypto';
import type { Env } from '../../lib/env.ts';
import { sweep, type Sweep } from '../../lib/money/keeper.ts';
import type { Log } from '../../lib/log.ts';
import { rotate, type RotationDeps, type Rotations } from '../../lib/management/keys/rotation.ts';
import type { LedgerStore } from '../../lib/stores/ledger.ts';
import type { LinkStore } from '../../lib/stores/links.ts';
import type { MeterStore } from '../../lib/stores/meters.ts';

/** Most meters of one sweep: what fits into its minute with room to spare. The next sweep goes on. */
const SWEEP_LIMIT = 500;
/** Most keys of one run that get a new secret, or lose an old one. */
const ROTATION_LIMIT = 50;
/** Most records of one run that are looked at for links that they lack. */
const LINK_LIMIT = 1_000;

/** What work for keys needs besides. */
export interface KeyWork {
  readonly stores: Pick<RotationDeps, 'keys' | 'tasks' | 'claimMappings' | 'roleMappings' | 'audit'> & {
    readonly links: LinkStore;
  };
  readonly secrets: RotationDeps['secrets'];
  readonly grace: string;
  readonly random?: (bytes: number) => Uint8Array;
  /** Called after each change, so that a gateway in the same process drops what it cached. */
  readonly onChange?: () => void;
}

/** What the keeper needs. */
export interface KeeperShell {
  readonly env: Pick<Env, 'TOLLGATE_EXPIRED_HOLD'>;
  readonly stores: { readonly meters: MeterStore; readonly ledger: LedgerStore };
  /** Absent where keys are not rotated. */
  readonly keys?: KeyWork;
  /** Fetches prices when they are due; absent where the operator has no price map. */
  readonly prices?: () => Promise<void>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The handler. Rejects when a meter could not be settled, a key not be rotated or prices not be fetched, so that the alarm on errors sees it. */
export function createKeeper({ env, stores, keys, prices, log, now = Date.now }: KeeperShell) {
  return async function keep(): Promise<Sweep & Partial<Rotations>> {
    const done = await sweep({ ...stores, log, now, policy: env.TOLLGATE_EXPIRED_HOLD, limit: SWEEP_LIMIT });
    const rotations = keys === undefined ? undefined : await rotate(rotationDeps(keys, { log, now }));
    const links = await keys?.stores.links.catchUp(now(), LINK_LIMIT);
    if (links !== undefined && links.linked > 0) log('info', 'records were linked to their owners', { ...links });
    const failure: unknown = await prices?.().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (done.failed > 0)
      throw new Error(`${done.failed} of ${done.meters} meters could not be settled; the next sweep tries again`);
    if (rotations !== undefined && rotations.failed > 0)
      throw new Error(`the work for ${rotations.failed} keys could not be done; the next run tries again`);
    if (failure !== undefined) throw failure;
    return rotations === undefined ? done : { ...rotations, ...done };
  };
}

const rotationDeps = (
  { stores, secrets, grace, random = randomBytes, onChange }: KeyWork,
  shell: Pick<RotationDeps, 'log' | 'now'>,
): RotationDeps => ({
  ...stores,
  ...shell,
  secrets,
  grace,
  random,
  limit: ROTATION_LIMIT,
  ...(onChange === undefined ? {} : { onChange }),
});
