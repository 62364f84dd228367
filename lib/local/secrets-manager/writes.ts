/** The operations that change a secret: make, give a value, describe, tag, delete, restore. */
import * as z from 'zod/mini';
import { DAY_SECONDS, operation, type OperationContext, secretId, tags, text } from './operation.ts';
import { CURRENT, hasValue, type NewVersion, repeatedVersion, type Secret, ServiceFault, withVersion } from './secret.ts';
import { knownSecret, liveSecret } from './vault.ts';

const DEFAULT_WINDOW_DAYS = 30;
const ARN_PREFIX = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:';

const value = { SecretString: text, SecretBinary: text, ClientRequestToken: text };
const facts = { Description: text, KmsKeyId: text };

const newVersion = (context: OperationContext, input: z.infer<z.ZodMiniObject<typeof value>>): NewVersion => ({
  token: input.ClientRequestToken ?? uuid(context.random),
  SecretString: input.SecretString,
  SecretBinary: input.SecretBinary,
});

function uuid(random: (bytes: number) => Uint8Array): string {
  const hex = Buffer.from(random(16)).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Six letters and digits, the service's way to tell a secret from a later one of the same name. */
const arnSuffix = (random: (bytes: number) => Uint8Array): string =>
  Array.from(random(6), (byte) => 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'.charAt(byte % 57)).join('');

/** A new secret, with or without a value. */
export const createSecret = operation(
  z.object({ Name: z.string().check(z.regex(/^[\w/+=.@-]{1,512}$/)), Tags: z._default(tags, []), ...facts, ...value }),
  (context, input) => {
    const { vault, now, random } = context;
    const version = newVersion(context, input);
    const existing = vault.find(input.Name);
    if (existing?.deletedAt !== undefined) {
      throw new ServiceFault(
        'InvalidRequestException',
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    }
    if (existing !== undefined) {
      const repeated = hasValue(version) ? repeatedVersion(existing, version) : undefined;
      if (repeated !== undefined) return { ARN: existing.arn, Name: existing.name, VersionId: repeated.id };
      throw new ServiceFault(
        'ResourceExistsException',
        `The operation failed because the secret ${input.Name} already exists.`,
      );
    }
    const empty: Secret = {
      name: input.Name,
      arn: `${ARN_PREFIX}${input.Name}-${arnSuffix(random)}`,
      description: input.Description,
      kmsKeyId: input.KmsKeyId,
      tags: input.Tags,
      createdAt: now(),
      changedAt: now(),
      versions: [],
    };
    vault.put(hasValue(version) ? withVersion(empty, version, now()) : empty);
    return { ARN: empty.arn, Name: empty.name, VersionId: hasValue(version) ? version.token : undefined };
  },
);

/** A new value. */
export const putSecretValue = operation(
  z.object({
    SecretId: secretId,
    VersionStages: z.optional(z.array(z.string()).check(z.minLength(1), z.maxLength(20))),
    ...value,
  }),
  (context, input) => {
    const secret = liveSecret(context.vault, input.SecretId);
    if (!hasValue(input)) {
      throw new ServiceFault('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
    }
    const version = { ...newVersion(context, input), stages: input.VersionStages };
    const repeated = repeatedVersion(secret, version);
    if (repeated === undefined) context.vault.put(withVersion(secret, version, context.now()));
    const stages = repeated?.stages ?? version.stages ?? [CURRENT];
    return { ARN: secret.arn, Name: secret.name, VersionId: version.token, VersionStages: stages };
  },
);

/** New facts, and a new value when one is given. */
export const updateSecret = operation(z.object({ SecretId: secretId, ...facts, ...value }), (context, input) => {
  const { vault, now } = context;
  const secret = liveSecret(vault, input.SecretId);
  const described: Secret = {
    ...secret,
    description: input.Description ?? secret.description,
    kmsKeyId: input.KmsKeyId ?? secret.kmsKeyId,
    changedAt: now(),
  };
  const version = newVersion(context, input);
  const adds = hasValue(version) && repeatedVersion(secret, version) === undefined;
  vault.put(adds ? withVersion(described, version, now()) : described);
  return { ARN: secret.arn, Name: secret.name, VersionId: hasValue(version) ? version.token : undefined };
});

/** Deletes after a recovery window of 7 to 30 days, or at once. */
export const deleteSecret = operation(
  z.object({
    SecretId: secretId,
    RecoveryWindowInDays: z.optional(z.int()),
    ForceDeleteWithoutRecovery: z.optional(z.boolean()),
  }),
  ({ vault, now }, { SecretId, RecoveryWindowInDays: days, ForceDeleteWithoutRecovery: force }) => {
    if (force === true && days !== undefined) {
      throw new ServiceFault(
        'InvalidParameterException',
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
      );
    }
    if (days !== undefined && (days < 7 || days > 30)) {
      throw new ServiceFault(
        'InvalidParameterException',
        'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
      );
    }
    if (force === true) {
      const doomed = vault.find(SecretId);
      if (doomed !== undefined) vault.remove(doomed.name);
      return { ARN: doomed?.arn, Name: doomed?.name ?? SecretId, DeletionDate: now() };
    }
    const secret = liveSecret(vault, SecretId);
    const deletedAt = now() + DAY_SECONDS * (days ?? DEFAULT_WINDOW_DAYS);
    vault.put({ ...secret, deletedAt });
    return { ARN: secret.arn, Name: secret.name, DeletionDate: deletedAt };
  },
);

/** Takes a deletion back. */
export const restoreSecret = operation(z.object({ SecretId: secretId }), ({ vault }, { SecretId }) => {
  const { deletedAt: _, ...secret } = knownSecret(vault, SecretId);
  vault.put(secret);
  return { ARN: secret.arn, Name: secret.name };
});

/** Adds labels, or replaces their values. */
export const tagResource = operation(z.object({ SecretId: secretId, Tags: tags }), ({ vault }, { SecretId, Tags }) => {
  const secret = liveSecret(vault, SecretId);
  const added = new Set(Tags.map(({ Key }) => Key));
  vault.put({ ...secret, tags: [...secret.tags.filter(({ Key }) => !added.has(Key)), ...Tags] });
  return {};
});

/** Removes labels. */
export const untagResource = operation(
  z.object({ SecretId: secretId, TagKeys: z.array(z.string()) }),
  ({ vault }, { SecretId, TagKeys }) => {
    const secret = liveSecret(vault, SecretId);
    vault.put({ ...secret, tags: secret.tags.filter(({ Key }) => !TagKeys.includes(Key)) });
    return {};
  },
);
