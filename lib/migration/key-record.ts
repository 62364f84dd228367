/** Keys of LiteLLM: known by the same SHA-256 as here, so that the secrets people hold keep working. */
import type { KeyType, VirtualKey } from '../domain/key.ts';
import { defined, isObject } from '../kinds/json.ts';
import type { Fields, Note } from './fields.ts';
import { ImportError } from './import-error.ts';
import { limitsOf } from './limit-fields.ts';

/** Entries of `metadata` that are fields of a key here. */
const OWN_METADATA = [
  'tags',
  'enforced_params',
  'service_account_id',
  'model_rpm_limit',
  'model_tpm_limit',
  'max_budget_per_session',
];

/** Entries of `metadata` that LiteLLM enforces and this gateway does not. */
const UNENFORCED = ['guardrails', 'policies', 'logging', 'prompts', 'max_iterations', 'tag_rpm_limit'];

/** The key of a row of `VerificationToken`. */
export function keyOf(row: Fields, now: number, note: Note): VirtualKey {
  const hash = row.id('token').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    throw new ImportError(
      `VerificationToken: token: expected the SHA-256 of a secret, 64 hex digits, got ${hash.length} characters`,
    );
  }
  const metadata = row.object('metadata');
  for (const field of UNENFORCED) if (metadata[field] !== undefined) note('VerificationToken.metadata', field);
  const createdAt = row.time('created_at') ?? now;
  const texts = (value: unknown): readonly string[] | undefined =>
    Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
  const routes = row.list('allowed_routes');
  return {
    ...limitsOf(row, now),
    hash,
    name: row.text('key_name') ?? 'sk-...',
    createdAt,
    updatedAt: row.time('updated_at') ?? createdAt,
    blocked: row.flag('blocked'),
    models: row.list('models'),
    aliases: Object.fromEntries(
      Object.entries(row.object('aliases')).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    ),
    metadata: Object.fromEntries(Object.entries(metadata).filter(([name]) => !OWN_METADATA.includes(name))),
    tags: texts(metadata['tags']) ?? [],
    rev: 1,
    ...defined({
      alias: row.text('key_alias'),
      expiresAt: row.time('expires'),
      userId: row.text('user_id'),
      teamId: row.text('team_id'),
      organizationId: row.text('organization_id'),
      projectId: row.text('project_id'),
      type: typeOf(routes),
      allowedRoutes: routes.length === 0 || typeOf(routes) !== undefined ? undefined : routes,
      accessGroups: row.list('access_group_ids').length === 0 ? undefined : row.list('access_group_ids'),
      enforcedParams: texts(metadata['enforced_params']),
      serviceAccount: typeof metadata['service_account_id'] === 'string' ? metadata['service_account_id'] : undefined,
      autoRotate: row.flag('auto_rotate') || undefined,
      rotationInterval: row.text('rotation_interval'),
      nextRotationAt: row.time('key_rotation_at'),
      lastRotatedAt: row.time('last_rotation_at'),
      createdBy: row.text('created_by'),
      updatedBy: row.text('updated_by'),
      kept: keptOf(row),
    }),
  };
}

/** LiteLLM keeps a key's type as the group of routes it stands for. */
function typeOf(routes: readonly string[]): KeyType | undefined {
  if (routes.length !== 1) return undefined;
  const types: Readonly<Record<string, KeyType>> = {
    llm_api_routes: 'llm_api',
    management_routes: 'management',
    info_routes: 'read_only',
  };
  return types[routes[0] ?? ''];
}

function keptOf(row: Fields): Readonly<Record<string, unknown>> | undefined {
  const kept = Object.fromEntries(
    ['config', 'permissions']
      .map((name) => [name, row.object(name)] as const)
      .filter(([, value]) => isObject(value) && Object.keys(value).length > 0),
  );
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** The record of an old secret within its grace period; undefined when the key that took its place is not in the dump. */
export function supersededOf(row: Fields, keys: readonly VirtualKey[]): VirtualKey | undefined {
  const successor = keys.find(({ hash }) => hash === row.text('active_token_id'));
  const revokeAt = row.time('revoke_at');
  if (successor === undefined || revokeAt === undefined) return undefined;
  const { alias: _, ...rest } = successor;
  return { ...rest, hash: row.id('token'), origin: successor.hash, expiresAt: revokeAt, supersededBy: successor.hash };
}
