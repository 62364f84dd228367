/** Fields of a virtual key as LiteLLM's clients send them, and what they change. */
import * as z from 'zod/mini';
import { addDuration, parseDuration } from '../domain/duration.ts';
import type { VirtualKey } from '../domain/key.ts';
import { GatewayError } from '../errors.ts';
import type { JsonObject } from '../kinds/json.ts';
import { check, count, flag, freeObject, names, saysNothing, text, textMap, usd } from './input.ts';

/** LiteLLM's lifetime of a key that never expires. */
const FOREVER = '-1';

/** Fields that can be set. Null clears a field, an absent one stays as it is. */
const schema = z.looseObject({
  key_alias: z.nullish(text(255)),
  duration: z.nullish(text(16)),
  models: z.nullish(names),
  aliases: z.nullish(textMap),
  max_budget: z.nullish(usd),
  budget_duration: z.nullish(text(16)),
  rpm_limit: z.nullish(count),
  tpm_limit: z.nullish(count),
  max_parallel_requests: z.nullish(count),
  metadata: z.nullish(freeObject),
  tags: z.nullish(names),
  blocked: z.nullish(flag),
  user_id: z.nullish(text()),
  team_id: z.nullish(text()),
  organization_id: z.nullish(text()),
});

/** Checked fields. */
export type KeyFields = z.infer<typeof schema>;

/** Values of fields we do not act upon that ask for nothing but what happens anyway. */
const HARMLESS: Readonly<Record<string, readonly unknown[]>> = {
  key_type: ['default', 'llm_api'],
  rpm_limit_type: ['best_effort_throughput'],
  tpm_limit_type: ['best_effort_throughput'],
};

/** Entries of `metadata` that LiteLLM enforces; kept without being enforced they would promise a limit that is not there. */
const METADATA_RULES = [
  'guardrails',
  'disable_global_guardrails',
  'policies',
  'logging',
  'model_rpm_limit',
  'model_tpm_limit',
  'tag_rpm_limit',
  'max_iterations',
  'max_budget_per_session',
] as const;

/** LiteLLM's word for the models of the key's team; there are no teams yet. */
const TEAM_MODELS = 'all-team-models';

const refuse = (param: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: not supported yet; leave it out (null and empty values are accepted)`, {
    param,
  });

/**
 * Checks the fields of a body.
 *
 * @param others fields the caller reads itself (`key`, `spend`, ...)
 * @throws GatewayError `invalid_request` for a wrong value, and for any field with a meaning that would not be honoured.
 */
export function readKeyFields(body: JsonObject, others: readonly string[]): KeyFields {
  for (const [name, value] of Object.entries(body)) {
    const known = name in schema.def.shape || others.includes(name) || saysNothing(value);
    if (!known && HARMLESS[name]?.includes(value) !== true) throw refuse(name);
  }
  const fields = check(schema, Object.fromEntries(Object.entries(body).filter(([name]) => name in schema.def.shape)));
  for (const name of METADATA_RULES) if (!saysNothing(fields.metadata?.[name])) throw refuse(`metadata.${name}`);
  if (fields.models?.includes(TEAM_MODELS) === true) throw refuse(`models[${fields.models.indexOf(TEAM_MODELS)}]`);
  if (typeof fields.duration === 'string' && fields.duration !== FOREVER) parseDuration(fields.duration, 'duration');
  if (typeof fields.budget_duration === 'string') parseDuration(fields.budget_duration, 'budget_duration');
  return fields;
}

/** The new value, the old one where nothing was said, nothing where null was said. */
const chosen = <T>(given: T | null | undefined, old: T | undefined): T | undefined =>
  given === undefined ? old : (given ?? undefined);

/** An object without its undefined fields. */
type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;

/**
 * A key with fields changed. A new `duration` counts from `now`; a changed `budget_duration` starts new budget windows at `now`, a
 * removed one makes the window the life of the key. `rev` and `updatedAt` are the caller's business.
 */
export function applyKeyFields(key: VirtualKey, fields: KeyFields, now: number): VirtualKey {
  const life = fields.duration === FOREVER ? null : fields.duration;
  const budgetDuration = chosen(fields.budget_duration, key.budgetDuration);
  return {
    hash: key.hash,
    name: key.name,
    createdAt: key.createdAt,
    updatedAt: key.updatedAt,
    rev: key.rev,
    blocked: chosen(fields.blocked, key.blocked) ?? false,
    models: chosen(fields.models, key.models) ?? [],
    aliases: chosen(fields.aliases, key.aliases) ?? {},
    metadata: chosen(fields.metadata, key.metadata) ?? {},
    tags: chosen(fields.tags, key.tags) ?? [],
    budgetAnchor: anchorOf(key, budgetDuration, now),
    ...defined({
      origin: key.origin,
      alias: chosen(fields.key_alias, key.alias),
      duration: chosen(life, key.duration),
      expiresAt: typeof life === 'string' ? addDuration(now, parseDuration(life)) : chosen(life, key.expiresAt),
      maxBudget: chosen(fields.max_budget, key.maxBudget),
      budgetDuration,
      rpmLimit: chosen(fields.rpm_limit, key.rpmLimit),
      tpmLimit: chosen(fields.tpm_limit, key.tpmLimit),
      maxParallelRequests: chosen(fields.max_parallel_requests, key.maxParallelRequests),
      userId: chosen(fields.user_id, key.userId),
      teamId: chosen(fields.team_id, key.teamId),
      organizationId: chosen(fields.organization_id, key.organizationId),
    }),
  };
}

function anchorOf(key: VirtualKey, budgetDuration: string | undefined, now: number): number {
  if (budgetDuration === key.budgetDuration) return key.budgetAnchor;
  return budgetDuration === undefined ? key.createdAt : now;
}
