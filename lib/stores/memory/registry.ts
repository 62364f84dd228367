/** Keys, models and credentials in memory. Same rules as on DynamoDB; nothing outlives the process. */
import type { VirtualKey } from '../../domain/key.ts';
import type { Deployment } from '../../domain/model.ts';
import { isAmong, ownersOfKey } from '../../domain/owned.ts';
import type { Credential, CredentialStore } from '../credentials.ts';
import type { KeyStore } from '../keys.ts';
import type { ModelStore } from '../models.ts';
import { pageOf } from './pages.ts';

const placeOf = ({ hash, createdAt }: VirtualKey) => ({ id: hash, at: createdAt });

/** Keys in memory. */
export function createKeyStore(): KeyStore {
  const keys = new Map<string, VirtualKey>();
  const aliases = new Map<string, string>();
  const isTaken = ({ alias, hash }: VirtualKey): boolean => alias !== undefined && (aliases.get(alias) ?? hash) !== hash;
  const store = (key: VirtualKey): void => {
    keys.set(key.hash, key);
    if (key.alias !== undefined) aliases.set(key.alias, key.hash);
  };

  return {
    get: async (hash) => keys.get(hash),

    async create(key) {
      if (keys.has(key.hash)) return 'exists';
      if (isTaken(key)) return 'alias-taken';
      store(key);
      return 'created';
    },

    async replace(key) {
      const stored = keys.get(key.hash);
      if (stored === undefined) return 'absent';
      if (stored.rev !== key.rev - 1) return 'stale';
      if (isTaken(key)) return 'alias-taken';
      if (stored.alias !== undefined) aliases.delete(stored.alias);
      store(key);
      return 'replaced';
    },

    async delete(hash) {
      const stored = keys.get(hash);
      if (stored?.alias !== undefined) aliases.delete(stored.alias);
      keys.delete(hash);
      return stored;
    },

    async findByAlias(alias) {
      const hash = aliases.get(alias);
      return hash === undefined ? undefined : keys.get(hash);
    },

    listOf: async (owner, page) =>
      pageOf(
        [...keys.values()].filter((key) => isAmong(ownersOfKey(key), owner)),
        placeOf,
        page,
      ),

    list: async (page) => pageOf([...keys.values()], placeOf, page),
  };
}

/** Deployments in memory. */
export function createModelStore(): ModelStore {
  const deployments = new Map<string, Deployment>();
  let version = 0;
  return {
    version: async () => version,
    list: async () => [...deployments.values()],
    get: async (id) => deployments.get(id),

    async put(deployment, condition) {
      if (deployments.has(deployment.id) !== (condition === 'existing')) return 'conflict';
      deployments.set(deployment.id, deployment);
      version++;
      return 'stored';
    },

    async delete(id) {
      const stored = deployments.get(id);
      if (deployments.delete(id)) version++;
      return stored;
    },
  };
}

/** Credential facts in memory. */
export function createCredentialStore(): CredentialStore {
  const credentials = new Map<string, Credential>();
  return {
    get: async (name) => credentials.get(name),
    list: async () => [...credentials.values()],
    put: async (credential) => void credentials.set(credential.name, credential),
    async delete(name) {
      const stored = credentials.get(name);
      credentials.delete(name);
      return stored;
    },
  };
}
