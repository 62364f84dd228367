/** The operations that read: values, facts, lists. */
import * as z from 'zod/mini';
import type { JsonObject } from '../../kinds/json.ts';
import { matches, page, sorted } from './listing.ts';
import { DAY_SECONDS, filters, operation, type OperationContext, paging, secretId, text } from './operation.ts';
import { findVersion, type Secret, type SecretVersion, ServiceFault } from './secret.ts';
import { knownSecret, liveSecret } from './vault.ts';

const LIST_PAGE = 100;
const BATCH_PAGE = 20;

/** The value for the reader; the day of the last access is kept, as the service keeps it. */
function reading({ vault, now }: OperationContext, secret: Secret, version: SecretVersion): JsonObject {
  const today = Math.floor(now() / DAY_SECONDS) * DAY_SECONDS;
  if (secret.accessedAt !== today) vault.put({ ...secret, accessedAt: today });
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    VersionStages: version.stages,
    CreatedDate: version.createdAt,
    SecretString: version.SecretString,
    SecretBinary: version.SecretBinary,
  };
}

/** One value, by version id or label. */
export const getSecretValue = operation(
  z.object({ SecretId: secretId, VersionId: text, VersionStage: text }),
  (context, { SecretId, VersionId, VersionStage }) => {
    const secret = liveSecret(context.vault, SecretId);
    return reading(context, secret, findVersion(secret, VersionId, VersionStage));
  },
);

/** Current values of many secrets; those that cannot be read are reported one by one. */
export const batchGetSecretValue = operation(
  z.object({ SecretIdList: z.optional(z.array(secretId).check(z.maxLength(BATCH_PAGE))), Filters: filters, ...paging }),
  (context, input) => {
    if ((input.SecretIdList === undefined) === (input.Filters === undefined)) {
      throw new ServiceFault('InvalidParameterException', 'Either SecretIdList or Filters must be provided, but not both.');
    }
    const live = sorted(context.vault.all()).filter((secret) => secret.deletedAt === undefined);
    const chosen = page(
      live.filter((secret) => matches(secret, input.Filters ?? [])),
      input,
      BATCH_PAGE,
    );
    const answers = (input.SecretIdList ?? chosen.items.map(({ name }) => name)).map((id) => {
      try {
        const secret = liveSecret(context.vault, id);
        return { value: reading(context, secret, findVersion(secret)) };
      } catch (fault) {
        if (!(fault instanceof ServiceFault)) throw fault;
        return { fault: { SecretId: id, ErrorCode: fault.type, Message: fault.message } };
      }
    });
    return {
      SecretValues: answers.flatMap((answer) => answer.value ?? []),
      Errors: answers.flatMap((answer) => answer.fault ?? []),
      NextToken: input.SecretIdList === undefined ? chosen.NextToken : undefined,
    };
  },
);

const stagesById = (secret: Secret): Record<string, readonly string[]> =>
  Object.fromEntries(secret.versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, stages]));

const description = (secret: Secret): JsonObject => ({
  ARN: secret.arn,
  Name: secret.name,
  Description: secret.description,
  KmsKeyId: secret.kmsKeyId,
  Tags: secret.tags,
  CreatedDate: secret.createdAt,
  LastChangedDate: secret.changedAt,
  LastAccessedDate: secret.accessedAt,
  DeletedDate: secret.deletedAt,
});

/** Everything but the value. */
export const describeSecret = operation(z.object({ SecretId: secretId }), ({ vault }, { SecretId }) => {
  const secret = knownSecret(vault, SecretId);
  return { ...description(secret), VersionIdsToStages: stagesById(secret) };
});

/** Facts of many secrets. */
export const listSecrets = operation(
  z.object({ IncludePlannedDeletion: z.optional(z.boolean()), Filters: filters, SortOrder: text, SortBy: text, ...paging }),
  ({ vault }, input) => {
    const visible = vault
      .all()
      .filter((secret) => input.IncludePlannedDeletion === true || secret.deletedAt === undefined)
      .filter((secret) => matches(secret, input.Filters ?? []));
    const { items, NextToken } = page(sorted(visible, input.SortBy, input.SortOrder), input, LIST_PAGE);
    return {
      SecretList: items.map((secret) => ({ ...description(secret), SecretVersionsToStages: stagesById(secret) })),
      NextToken,
    };
  },
);
