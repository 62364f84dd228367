/** The two keys of a local run: the master key, and a virtual key that is ready to use. */
import { hashSecret, newSecret } from '../domain/key.ts';
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';
import type { ManagementDeps } from '../management/deps.ts';
import { regenerateKey } from '../management/keys/key-secrets.ts';
import { generateKey } from '../management/keys/keys.ts';
import type { StateFolder } from './state-folder.ts';

/** The master key and where it came from. */
export interface MasterKey {
  readonly secret: string;
  /** A variable's name, `config`, or `made`: made by us, and kept where there is a folder. */
  readonly origin: string;
}

const VARIABLES = ['TOLLGATE_MASTER_KEY', 'LITELLM_MASTER_KEY'];
const MASTER_FILE = 'master-key';
const VIRTUAL_FILE = 'virtual-key';
/** Alias of the ready virtual key. */
export const LOCAL_ALIAS = 'local-dev';

/** The master key: from the environment, else the config, else the folder, else a fresh one. */
export function masterKey(
  environment: Readonly<Record<string, string | undefined>>,
  configured: string | undefined,
  folder: StateFolder | undefined,
): MasterKey {
  for (const origin of VARIABLES) {
    const secret = environment[origin]?.trim() ?? '';
    if (secret !== '') return { secret, origin };
  }
  if (configured !== undefined) return { secret: configured, origin: 'config' };
  const kept = folder?.read(MASTER_FILE) ?? '';
  if (kept !== '') return { secret: kept, origin: 'made' };
  const secret = newSecret();
  folder?.write(MASTER_FILE, secret);
  return { secret, origin: 'made' };
}

/**
 * The secret of the ready key: the kept one while its key exists, else one made as `POST /key/generate` makes them. A key of that alias
 * whose secret is lost gets a new secret and keeps its settings and spend.
 */
export async function virtualKey(deps: ManagementDeps, kept: string | undefined): Promise<string> {
  if (kept !== undefined && (await deps.keys.get(hashSecret(kept))) !== undefined) return kept;
  const master: Caller = { type: 'master' };
  const named = await deps.keys.findByAlias(LOCAL_ALIAS);
  const generate = (key: string | undefined) => generateKey(deps, master, { key_alias: LOCAL_ALIAS, key });
  const made =
    named === undefined
      ? await generate(kept).catch((error: unknown) => {
          // The key of this secret got another one, and another alias: it is somebody's by now.
          if (GatewayError.from(error).detail.param === 'key') return generate(undefined);
          throw error;
        })
      : await regenerateKey(deps, master, { key: named.hash, new_key: kept });
  return String(made['key']);
}

/** `virtualKey` with the folder as its memory. */
export async function keptVirtualKey(deps: ManagementDeps, folder: StateFolder | undefined): Promise<string> {
  const kept = folder?.read(VIRTUAL_FILE);
  const secret = await virtualKey(deps, kept === '' ? undefined : kept);
  if (secret !== kept) folder?.write(VIRTUAL_FILE, secret);
  return secret;
}
