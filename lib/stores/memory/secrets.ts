import type { SecretStore } from '../secrets.ts';

/** Secrets in memory: for tests, and for local runs without an emulator. */
export function createSecretStore(): SecretStore {
  const values = new Map<string, string>();
  return {
    get: async (name) => values.get(name),
    create: async (name, value) => {
      if (values.has(name)) return 'exists';
      values.set(name, value);
      return 'created';
    },
    put: async (name, value) => void values.set(name, value),
    delete: async (name) => void values.delete(name),
  };
}
