/** A virtual key in the words of LiteLLM's answers. */
import { budgetMeter } from '../domain/budget.ts';
import { scopeOf, type VirtualKey } from '../domain/key.ts';
import { heldOf, spentOf } from '../domain/meter.ts';
import { toUsdNumber, type Money } from '../domain/money.ts';
import { readMeter } from '../shards.ts';
import type { Total } from '../stores/totals.ts';
import type { ManagementDeps } from './deps.ts';

/** Where a key stands. Money in 1e-12 USD, times in milliseconds since the epoch. */
export interface Standing {
  /** Spent for good in the current budget window; without a budget, over the key's life. */
  readonly spent: Money;
  /** Held now for open requests. */
  readonly held: Money;
  /** End of the current budget window; absent without a budget or when it never ends. */
  readonly resetAt?: number;
  readonly total: Total;
}

/** Reads the figures of a key: its budget meter of now, and its totals. */
export async function standingOf(deps: ManagementDeps, key: VirtualKey): Promise<Standing> {
  const { meter: id, window } = budgetMeter(key, deps.now());
  const limited = key.maxBudget !== undefined;
  const [meter, total] = await Promise.all([
    limited ? readMeter(deps.meters, id) : undefined,
    deps.totals.read({ kind: 'key', id: scopeOf(key).id }),
  ]);
  if (!limited) return { spent: total.spend, held: 0n, total };
  return {
    spent: meter === undefined ? 0n : spentOf(meter, 'usd'),
    held: meter === undefined ? 0n : heldOf(meter, 'usd'),
    ...(window.end === undefined ? {} : { resetAt: window.end }),
    total,
  };
}

const isoOf = (time: number | undefined): string | null => (time === undefined ? null : new Date(time).toISOString());

/**
 * The row of a key. Fields of LiteLLM's row that Tollgate does not enforce are there with their empty values; `total_spend`, `held` and
 * `unpriced_requests` are Tollgate's own. Amounts in USD.
 */
export function keyRow(key: VirtualKey, standing: Standing): Record<string, unknown> {
  return {
    token: key.hash,
    token_id: key.hash,
    key_name: key.name,
    key_alias: key.alias ?? null,
    spend: toUsdNumber(standing.spent),
    total_spend: toUsdNumber(standing.total.spend),
    held: toUsdNumber(standing.held),
    unpriced_requests: standing.total.unpriced,
    max_budget: key.maxBudget === undefined ? null : toUsdNumber(key.maxBudget),
    budget_duration: key.budgetDuration ?? null,
    budget_reset_at: isoOf(standing.resetAt),
    soft_budget: null,
    budget_id: null,
    litellm_budget_table: null,
    duration: key.duration ?? null,
    expires: isoOf(key.expiresAt),
    models: key.models,
    aliases: key.aliases,
    rpm_limit: key.rpmLimit ?? null,
    tpm_limit: key.tpmLimit ?? null,
    max_parallel_requests: key.maxParallelRequests ?? null,
    model_rpm_limit: null,
    model_tpm_limit: null,
    model_spend: {},
    model_max_budget: {},
    metadata: key.metadata,
    tags: key.tags,
    blocked: key.blocked,
    user_id: key.userId ?? null,
    team_id: key.teamId ?? null,
    organization_id: key.organizationId ?? null,
    config: {},
    permissions: {},
    object_permission: null,
    guardrails: null,
    enforced_params: null,
    allowed_routes: [],
    allowed_cache_controls: [],
    created_at: isoOf(key.createdAt),
    updated_at: isoOf(key.updatedAt),
    created_by: null,
    updated_by: null,
  };
}
