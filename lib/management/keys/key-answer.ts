/** A virtual key in the words of LiteLLM's answers. */
import { budgetMeter } from '../../domain/budget.ts';
import { scopeOf, type VirtualKey } from '../../domain/key.ts';
import { heldOf, spentOf } from '../../domain/meter.ts';
import { toUsdNumber, type Money } from '../../domain/money.ts';
import { readMeter } from '../../money/shards.ts';
import { netSpend, NO_TOTAL, type Total } from '../../domain/total.ts';
import type { ManagementDeps } from '../deps.ts';
import { isoOf, limitRow } from '../limit-fields.ts';
import { budgeted, budgetTable, modelSpend } from '../standing.ts';

/** Where a key stands. Money in 1e-12 USD, times in milliseconds since the epoch. */
export interface Standing {
  /** Spent for good in the current budget window; without a budget, over the key's life. */
  readonly spent: Money;
  /** Held now for open requests. */
  readonly held: Money;
  /** End of the current budget window; absent without a budget or when it never ends. */
  readonly resetAt?: number;
  readonly total: Total;
  /** See `modelSpend`. */
  readonly modelSpend?: Readonly<Record<string, number>>;
}

/** Reads the figures of a key: its budget meter of now, its own or that of its shared budget, and its totals. */
export async function standingOf(deps: ManagementDeps, own: VirtualKey): Promise<Standing> {
  const key = await budgeted(deps, own);
  const { meter: id, window } = budgetMeter(key, deps.now());
  const limited = key.maxBudget !== undefined;
  const [meter, total, ofModels] = await Promise.all([
    limited ? readMeter(deps.meters, id) : undefined,
    deps.totals.read({ kind: 'key', id: scopeOf(key).id }),
    modelSpend(deps, { scope: scopeOf(key), limits: key }),
  ]);
  if (!limited) return { spent: netSpend(total), held: 0n, total, modelSpend: ofModels };
  return {
    spent: meter === undefined ? 0n : spentOf(meter, 'usd'),
    held: meter === undefined ? 0n : heldOf(meter, 'usd'),
    ...(window.end === undefined ? {} : { resetAt: window.end }),
    total,
    modelSpend: ofModels,
  };
}

/** Name below the secret prefix under which the keeper leaves the newest secret of a key that it rotates. */
export const keySecretName = (key: VirtualKey): string => `key/${scopeOf(key).id}`;

/**
 * The row of a key. `total_spend`, `held`, `unpriced_requests`, `allowed_ips` and `rotation_secret` are Tollgate's own. Amounts in USD.
 *
 * @param now milliseconds since the epoch, for the ends of windows; the last change of the key where the row is of the past
 */
export function keyRow(key: VirtualKey, standing: Standing, now = key.updatedAt): Record<string, unknown> {
  return {
    ...key.kept,
    token: key.hash,
    token_id: key.hash,
    key_name: key.name,
    key_alias: key.alias ?? null,
    spend: toUsdNumber(standing.spent),
    total_spend: toUsdNumber(standing.total.spend),
    held: toUsdNumber(standing.held),
    unpriced_requests: standing.total.unpriced,
    ...limitRow(key, now),
    budget_reset_at: isoOf(standing.resetAt),
    litellm_budget_table: null,
    duration: key.duration ?? null,
    expires: isoOf(key.expiresAt),
    models: key.models,
    aliases: key.aliases,
    model_spend: standing.modelSpend ?? {},
    budget_fallbacks: key.budgetFallbacks ?? null,
    metadata: key.metadata,
    tags: key.tags,
    blocked: key.blocked,
    user_id: key.userId ?? null,
    team_id: key.teamId ?? null,
    organization_id: key.organizationId ?? null,
    org_id: key.organizationId ?? null,
    project_id: key.projectId ?? null,
    config: key.kept?.['config'] ?? {},
    permissions: key.kept?.['permissions'] ?? {},
    object_permission: key.kept?.['object_permission'] ?? null,
    guardrails: null,
    key_type: key.type ?? 'default',
    service_account_id: key.serviceAccount ?? null,
    enforced_params: key.enforcedParams ?? null,
    allowed_routes: key.allowedRoutes ?? [],
    allowed_ips: key.allowedIps ?? [],
    access_group_ids: key.accessGroups ?? [],
    allowed_cache_controls: key.kept?.['allowed_cache_controls'] ?? [],
    auto_rotate: key.autoRotate ?? false,
    rotation_interval: key.rotationInterval ?? null,
    last_rotation_at: isoOf(key.lastRotatedAt),
    key_rotation_at: isoOf(key.nextRotationAt),
    rotation_secret: key.autoRotate === true ? keySecretName(key) : null,
    created_at: isoOf(key.createdAt),
    updated_at: isoOf(key.updatedAt),
    created_by: key.createdBy ?? null,
    updated_by: key.updatedBy ?? null,
  };
}

/** A row for the audit log: what the key says itself; figures are nothing. */
export const auditRow = (key: VirtualKey): Record<string, unknown> => keyRow(key, { spent: 0n, held: 0n, total: NO_TOTAL });

/** The full row, as of now. */
export const readKeyRow = async (deps: ManagementDeps, key: VirtualKey): Promise<Record<string, unknown>> => ({
  ...keyRow(key, await standingOf(deps, key), deps.now()),
  ...(key.budgetId === undefined ? {} : { litellm_budget_table: budgetTable(await budgeted(deps, key), deps.now()) }),
});
