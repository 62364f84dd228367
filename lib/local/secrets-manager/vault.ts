/** All secrets of the emulator: in memory, and in one JSON file when there is one. */
import * as z from 'zod/mini';
import { readIfPresent, writeAtomically } from '../atomic-file.ts';
import { StartError } from '../start-error.ts';
import { type Secret, ServiceFault } from './secret.ts';

/** The shelf of secrets. A change is on disk before it is visible. */
export interface Vault {
  /** Oldest first, without those whose recovery window has ended. */
  all(): readonly Secret[];
  /** By name, ARN, or ARN without its random suffix. */
  find(id: string): Secret | undefined;
  put(secret: Secret): void;
  remove(name: string): void;
}

const value = { SecretString: z.optional(z.string()), SecretBinary: z.optional(z.string()) };
const fileSchema = z.object({
  secrets: z.array(
    z.object({
      name: z.string(),
      arn: z.string(),
      description: z.optional(z.string()),
      kmsKeyId: z.optional(z.string()),
      tags: z.array(z.object({ Key: z.string(), Value: z.string() })),
      createdAt: z.number(),
      changedAt: z.number(),
      accessedAt: z.exactOptional(z.number()),
      deletedAt: z.exactOptional(z.number()),
      versions: z.array(z.object({ id: z.string(), createdAt: z.number(), stages: z.array(z.string()), ...value })),
    }),
  ),
});

/**
 * Opens the vault.
 *
 * @param file JSON file, made with mode 0600 on the first write; absent keeps everything in memory.
 * @param now epoch seconds.
 * @throws StartError when the file holds something else than secrets.
 */
export function openVault(file: string | undefined, now: () => number): Vault {
  let secrets = file === undefined ? [] : load(file);

  const commit = (next: readonly Secret[]): void => {
    if (file !== undefined) writeAtomically(file, `${JSON.stringify({ secrets: next }, null, 2)}\n`);
    secrets = next;
  };
  const all = (): readonly Secret[] => secrets.filter((secret) => secret.deletedAt === undefined || secret.deletedAt > now());

  return {
    all,
    find: (id) => all().find(({ name, arn }) => name === id || arn === id || arn.slice(0, -'-123456'.length) === id),
    put(secret) {
      const known = all().some(({ name }) => name === secret.name);
      commit(known ? all().map((other) => (other.name === secret.name ? secret : other)) : [...all(), secret]);
    },
    remove: (name) => commit(all().filter((secret) => secret.name !== name)),
  };
}

function load(file: string): readonly Secret[] {
  const text = readIfPresent(file);
  if (text === undefined) return [];
  try {
    return z.parse(fileSchema, JSON.parse(text)).secrets;
  } catch {
    throw new StartError(`${file} is not a file of secrets; move it away to start with none`);
  }
}

/** The secret, or the fault the service answers when there is none or it is being deleted. */
export function liveSecret(vault: Vault, id: string): Secret {
  const secret = knownSecret(vault, id);
  if (secret.deletedAt !== undefined) {
    throw new ServiceFault(
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  }
  return secret;
}

/** Like `liveSecret`, for the operations that also work on a secret that is being deleted. */
export function knownSecret(vault: Vault, id: string): Secret {
  const secret = vault.find(id);
  if (secret === undefined) {
    throw new ServiceFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }
  return secret;
}
