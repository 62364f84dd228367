/** Fields of a virtual key as LiteLLM's clients send them, and what they change. */
import * as z from 'zod/mini';
import { readAddresses } from '../../domain/addresses.ts';
import { addDuration, parseDuration } from '../../domain/duration.ts';
import type { VirtualKey } from '../../domain/key.ts';
import { GatewayError } from '../../errors.ts';
import { defined, type JsonObject } from '../../kinds/json.ts';
import { chosen } from '../changes.ts';
import { check, flag, freeObject, modelMap, names, ownerId, ownerIds, text, usd } from '../input.ts';
import { checkMetadata, keptFields } from './key-fields.ts';
import { applyLimits, duration, LIMIT_FIELDS } from '../limit-fields.ts';

/** LiteLLM's lifetime of a key that never expires. */
const FOREVER = '-1';
const FALLBACKS_EXPECTED = 'expected an object from models to lists of models';

/** Fields that can be set. Null clears a field, an absent one stays as it is. */
export const keySchema = z.looseObject({
  key_alias: z.nullish(text(255)),
  duration: z.nullish(text(16)),
  models: z.nullish(names),
  aliases: z.nullish(modelMap),
  metadata: z.nullish(freeObject),
  tags: z.nullish(ownerIds),
  blocked: z.nullish(flag),
  user_id: z.nullish(ownerId()),
  team_id: z.nullish(ownerId()),
  organization_id: z.nullish(ownerId()),
  project_id: z.nullish(ownerId()),
  key_type: z.nullish(
    z.enum(['default', 'llm_api', 'management', 'read_only'], 'expected default, llm_api, management or read_only'),
  ),
  allowed_routes: z.nullish(names),
  allowed_ips: z.nullish(names),
  enforced_params: z.nullish(names),
  access_group_ids: z.nullish(names),
  budget_fallbacks: z.nullish(z.record(text(), names, FALLBACKS_EXPECTED)),
  auto_rotate: z.nullish(flag),
  rotation_interval: z.nullish(duration),
  ...LIMIT_FIELDS,
});

/** Checked fields, and those that are kept as they were given. */
export type KeyFields = z.infer<typeof keySchema> & { readonly kept: JsonObject };

/**
 * Checks the fields of a body.
 *
 * @param others fields the caller reads itself (`key`, `spend`, ...)
 * @throws GatewayError `invalid_request` for a wrong value, and for any field with a meaning that would not be honoured.
 */
export function readKeyFields(body: JsonObject, others: readonly string[]): KeyFields {
  const isField = (name: string): boolean => name in keySchema.def.shape;
  const kept = keptFields(body, (name) => isField(name) || others.includes(name));
  const fields = check(keySchema, Object.fromEntries(Object.entries(body).filter(([name]) => isField(name))));
  checkMetadata(fields.metadata ?? {});
  if (typeof fields.duration === 'string' && fields.duration !== FOREVER) parseDuration(fields.duration, 'duration');
  readAddresses(fields.allowed_ips ?? [], 'allowed_ips');
  return { ...fields, kept };
}

/** LiteLLM's place for the cap on each session, and for the id of a service account: they are fields of ours. */
const SESSION_BUDGET = 'max_budget_per_session';
const SERVICE_ACCOUNT = 'service_account_id';

/**
 * A key with fields changed. A new `duration` counts from `now`; limits change as `applyLimits` says. `rev` and `updatedAt` are the
 * caller's business.
 *
 * @throws GatewayError `invalid_request` where fields contradict each other
 */
export function applyKeyFields(key: VirtualKey, fields: KeyFields, now: number): VirtualKey {
  const life = fields.duration === FOREVER ? null : fields.duration;
  const metadata = chosen(fields.metadata, key.metadata) ?? {};
  const given = fields.metadata === undefined ? undefined : metadata[SESSION_BUDGET];
  const kept = Object.fromEntries(
    Object.entries({ ...key.kept, ...fields.kept }).filter(([, value]) => value !== null && value !== undefined),
  );
  return {
    hash: key.hash,
    name: key.name,
    createdAt: key.createdAt,
    updatedAt: key.updatedAt,
    rev: key.rev,
    blocked: chosen(fields.blocked, key.blocked) ?? false,
    models: chosen(fields.models, key.models) ?? [],
    aliases: chosen(fields.aliases, key.aliases) ?? {},
    metadata,
    tags: chosen(fields.tags, key.tags) ?? [],
    ...applyLimits(key, fields, now),
    ...rotationOf(key, fields, now),
    ...defined({
      origin: key.origin,
      lastRotatedAt: key.lastRotatedAt,
      createdBy: key.createdBy,
      updatedBy: key.updatedBy,
      alias: chosen(fields.key_alias, key.alias),
      duration: chosen(life, key.duration),
      expiresAt: typeof life === 'string' ? addDuration(now, parseDuration(life)) : chosen(life, key.expiresAt),
      userId: chosen(fields.user_id, key.userId),
      teamId: chosen(fields.team_id, key.teamId),
      organizationId: chosen(fields.organization_id, key.organizationId),
      projectId: chosen(fields.project_id, key.projectId),
      type: chosen(fields.key_type, key.type),
      serviceAccount: textOf(metadata[SERVICE_ACCOUNT]) ?? key.serviceAccount,
      allowedRoutes: filled(chosen(fields.allowed_routes, key.allowedRoutes)),
      allowedIps: filled(chosen(fields.allowed_ips, key.allowedIps)),
      enforcedParams: filled(chosen(fields.enforced_params, key.enforcedParams)),
      accessGroups: filled(chosen(fields.access_group_ids, key.accessGroups)),
      budgetFallbacks: chosen(fields.budget_fallbacks, key.budgetFallbacks),
      sessionBudget:
        fields.metadata === undefined
          ? key.sessionBudget
          : (check(z.nullish(usd), given, `metadata.${SESSION_BUDGET}`) ?? undefined),
      kept: Object.keys(kept).length === 0 ? undefined : kept,
    }),
  };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** An empty list says as much as none. */
const filled = (list: readonly string[] | undefined): readonly string[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list;

/** When the keeper gives the key its next secret. A new interval counts from `now`. */
function rotationOf(
  key: VirtualKey,
  fields: KeyFields,
  now: number,
): Pick<VirtualKey, 'autoRotate' | 'rotationInterval' | 'nextRotationAt' | 'rotatingTo'> {
  const rotationInterval = chosen(fields.rotation_interval, key.rotationInterval);
  const autoRotate = chosen(fields.auto_rotate, key.autoRotate) === true;
  if (!autoRotate) return defined({ rotationInterval });
  if (rotationInterval === undefined) {
    const fault = 'rotation_interval: expected together with auto_rotate, such as 30d';
    throw new GatewayError('invalid_request', fault, { param: 'rotation_interval' });
  }
  const stays = key.autoRotate === true && key.rotationInterval === rotationInterval;
  const nextRotationAt = stays ? key.nextRotationAt : addDuration(now, parseDuration(rotationInterval));
  return { autoRotate, rotationInterval, ...defined({ nextRotationAt, rotatingTo: stays ? key.rotatingTo : undefined }) };
}
