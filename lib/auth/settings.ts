/**
 * How tokens of an identity provider are read: LiteLLM's `litellm_jwtauth`, with the provider's keys, issuer and audience beside it (which
 * LiteLLM has in `JWT_PUBLIC_KEY_URL`, `JWT_ISSUER` and `JWT_AUDIENCE`).
 */
import * as z from 'zod/mini';
import { isObject, type JsonObject } from '../kinds/json.ts';

const text = z.string('expected a text').check(z.minLength(1, 'expected a text'));
const texts = z.array(text, 'expected a list of texts');
const flag = z.boolean('expected true or false');
/** Several texts: a list, or one text with commas between them. */
const several = z.union(
  [
    z.pipe(
      text,
      z.transform((value) =>
        value
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      ),
    ),
    texts,
  ],
  'expected a text or a list of texts',
);
const seconds = z.number('expected seconds').check(z.nonnegative('expected seconds'));
const ROLES = ['proxy_admin', 'team', 'internal_user'] as const;

const URL_EXPECTED = 'expected https addresses (http only on this machine)';
const isKeyUrl = (value: string): boolean => {
  const url = URL.parse(value);
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname));
};

const schema = z.strictObject(
  {
    public_key_url: several.check(z.refine((urls) => urls.length > 0 && urls.every(isKeyUrl), URL_EXPECTED)),
    issuer: z.optional(several),
    audience: z.optional(several),
    leeway: z._default(seconds, 30),
    public_key_ttl: z._default(seconds, 600),
    admin_jwt_scope: z._default(text, 'litellm_proxy_admin'),
    admin_allowed_routes: z._default(texts, [
      'management_routes',
      'spend_tracking_routes',
      'global_spend_tracking_routes',
      'info_routes',
    ]),
    team_id_jwt_field: z.optional(text),
    team_ids_jwt_field: z.optional(text),
    team_id_default: z.optional(text),
    team_allowed_routes: z._default(texts, ['llm_api_routes', 'info_routes']),
    org_id_jwt_field: z.optional(text),
    user_id_jwt_field: z.optional(text),
    user_email_jwt_field: z.optional(text),
    user_allowed_email_domain: z.optional(text),
    user_roles_jwt_field: z.optional(text),
    user_allowed_roles: z.optional(texts),
    user_id_upsert: z._default(flag, false),
    end_user_id_jwt_field: z.optional(text),
    roles_jwt_field: z.optional(text),
    object_id_jwt_field: z.optional(text),
    role_mappings: z._default(z.array(z.strictObject({ role: text, internal_role: z.enum(ROLES) })), []),
    scope_mappings: z._default(
      z.array(z.strictObject({ scope: text, models: z.optional(texts), routes: z.optional(texts) })),
      [],
    ),
    enforce_scope_based_access: z._default(flag, false),
    enforce_team_based_model_access: z._default(flag, false),
    enforce_rbac: z._default(flag, false),
    virtual_key_claim_field: z.optional(text),
    unregistered_jwt_client_behavior: z._default(
      z.enum(['fallback_team_mapping', 'reject'], 'expected fallback_team_mapping or reject'),
      'fallback_team_mapping',
    ),
  },
  'expected an object of the fields of litellm_jwtauth, with public_key_url',
);

/** What says nothing is as good as left out. */
const withoutNulls = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));

/** The settings, by LiteLLM's names; times in seconds. */
export type TokenSettings = z.infer<typeof schema>;

/** A role as `role_mappings` give it. */
export type TokenRole = (typeof ROLES)[number];

/**
 * Reads the settings.
 *
 * @param given JSON text
 * @throws Error naming the first field that is wrong or unknown: a rule that is not followed must not look as if it were
 */
export function readTokenSettings(given: string): TokenSettings {
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch {
    throw new Error('expected a JSON object');
  }
  const parsed = z.safeParse(schema, isObject(value) ? withoutNulls(value) : value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    if (issue?.code === 'unrecognized_keys') throw new Error(`${issue.keys.join(', ')}: not supported; leave it out`);
    throw new Error(`${(issue?.path ?? []).map(String).join('.') || 'value'}: ${issue?.message ?? 'not valid'}`);
  }
  const { object_id_jwt_field: object, role_mappings: mappings, user_roles_jwt_field: roles } = parsed.data;
  if (object !== undefined && mappings.length === 0) {
    throw new Error('object_id_jwt_field: needs role_mappings, which say whether the object is a user or a team');
  }
  if ((roles === undefined) !== (parsed.data.user_allowed_roles === undefined)) {
    throw new Error('user_roles_jwt_field and user_allowed_roles: one needs the other');
  }
  return parsed.data;
}
