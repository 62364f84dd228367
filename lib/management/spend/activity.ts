/** `/user|team|organization|customer|tag|project/daily/activity`, and the same `/aggregated`: days, broken down. */
import { toUsdNumber } from '../../domain/money.ts';
import { addTotals, NO_TOTAL, type Total, type TotalKind, type TotalScope } from '../../domain/total.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isViewer } from '../access.ts';
import { livesOf, rowsOf, sumOf, tokensOf, type ScopedDay } from './day-totals.ts';
import type { ManagementDeps } from '../deps.ts';
import { numberIn } from '../input.ts';
import { keyNames, type KeyName } from '../keys/key-names.ts';
import { daysOf, everythingOf, keyScope, namesIn, scopeAsked, type Asked } from './spend-query.ts';

/** Query of a report of days, as it came. */
export interface ActivityQuery {
  readonly startDate?: string;
  readonly endDate?: string;
  /** Comma-separated ids of what the report is about; without any, all that the caller may see. */
  readonly ids?: string;
  /** Comma-separated ids to leave out. */
  readonly exclude?: string;
  /** Model as served, or as called. */
  readonly model?: string;
  /** Secret or hash. */
  readonly apiKey?: string;
  readonly page?: string;
  readonly pageSize?: string;
}

/** What a report can be about. */
export type ActivityKind = Extract<TotalKind, 'user' | 'team' | 'organization' | 'customer' | 'tag' | 'project'>;

/** How a scope of a kind is asked for. */
const ASKED_AS: Readonly<Record<ActivityKind, keyof Asked>> = {
  user: 'userId',
  team: 'teamId',
  organization: 'organizationId',
  customer: 'endUser',
  tag: 'tag',
  project: 'projectId',
};

/**
 * Days in LiteLLM's form, newest first. A page is made of rows (a day, a key, a model, a provider, a route, a client program), and its
 * sums are those of the page; `aggregated` takes all rows at once.
 *
 * @throws GatewayError `permission`, or `invalid_request` for wrong dates and ranges that are too long.
 */
export async function dailyActivity(
  deps: ManagementDeps,
  caller: Caller,
  kind: ActivityKind,
  query: ActivityQuery,
  aggregated: boolean,
): Promise<JsonObject> {
  const days = daysOf(query.startDate, query.endDate);
  const page = numberIn(query.page, 'page', 1, 1_000_000);
  const size = numberIn(query.pageSize, 'page_size', 50, 1_000);
  const excluded = new Set(namesIn(query.exclude));
  const { scopes, keyHash } = await scopesAsked(deps, caller, kind, query);
  const rows = (
    await rowsOf(
      deps,
      scopes.filter(({ id }) => !excluded.has(id)),
      days,
    )
  ).filter(
    (row) =>
      (keyHash === undefined || row.keyHash === keyHash) &&
      (query.model === undefined || row.model === query.model || row.modelGroup === query.model),
  );
  const shown = aggregated ? rows : rows.slice((page - 1) * size, page * size);
  const pages = aggregated ? 1 : Math.max(1, Math.ceil(rows.length / size));
  const names = await keyNames(deps, new Set(shown.map((row) => row.keyHash)));
  const entities = await entityNames(deps, kind, new Set(shown.map(({ scope }) => scope.id)));
  const byDay = Map.groupBy(shown, ({ day }) => day);
  return {
    results: [...byDay].map(([date, ofDay]) => ({
      date,
      metrics: metricsOf(sumOf(ofDay)),
      breakdown: breakdownOf(ofDay, names, entities),
    })),
    metadata: { ...totalMetrics(sumOf(shown)), page, total_pages: pages, has_more: !aggregated && page < pages },
  };
}

/** The scopes of a report; `keyHash` narrows them to one key's calls. */
async function scopesAsked(
  deps: ManagementDeps,
  caller: Caller,
  kind: ActivityKind,
  { ids, apiKey }: ActivityQuery,
): Promise<{ readonly scopes: readonly TotalScope[]; readonly keyHash?: string }> {
  const ofKey = apiKey === undefined ? {} : { keyHash: await keyScope(deps, caller, apiKey) };
  const named = namesIn(ids);
  if (named.length === 0) {
    // A report of users without a name is that of everybody, as with LiteLLM.
    if (kind === 'user' || !isViewer(caller)) return { scopes: [everythingOf(caller)], ...ofKey };
    return { scopes: [...(await livesOf(deps, kind)).keys()].map((id) => ({ kind, id })), ...ofKey };
  }
  const found = await Promise.all(
    named.map((id) => scopeAsked(deps, caller, { [ASKED_AS[kind]]: id }, '/team/daily/activity')),
  );
  const own = found.find(({ keyHash }) => keyHash !== undefined)?.keyHash;
  const scopes = found.map(({ scope }) => ({ kind, id: scope.id }));
  return { scopes, ...ofKey, ...(own === undefined ? {} : { keyHash: own }) };
}

/** What people call the scopes of a report. */
async function entityNames(
  deps: ManagementDeps,
  kind: ActivityKind,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, JsonObject>> {
  const stores = {
    team: deps.teams,
    organization: deps.organizations,
    customer: deps.customers,
    project: deps.projects,
    user: deps.users,
    tag: undefined,
  };
  const store = stores[kind];
  const names = await Promise.all(
    [...ids]
      .filter((id) => id !== '')
      .map(async (id) => [id, { [`${kind}_alias`]: (await store?.get(id))?.alias ?? null }] as const),
  );
  return new Map(names);
}

/** Figures in LiteLLM's names. Savings it knows of that this gateway does not make are 0. */
export function metricsOf(total: Total): JsonObject {
  return {
    spend: toUsdNumber(total.spend),
    flat_cost: 0,
    prompt_tokens: total.inputTokens,
    completion_tokens: total.outputTokens,
    cache_read_input_tokens: total.cacheReadTokens,
    cache_creation_input_tokens: total.cacheWriteTokens,
    total_tokens: tokensOf(total),
    successful_requests: total.requests - total.failed,
    failed_requests: total.failed,
    api_requests: total.requests,
    unpriced_requests: total.unpriced,
    total_response_time_ms: total.durationMs,
    timed_requests: total.requests,
  };
}

function totalMetrics(total: Total): JsonObject {
  const { spend, flat_cost: flat, total_tokens, total_response_time_ms, ...metrics } = metricsOf(total);
  return {
    total_spend: spend,
    total_flat_cost: flat,
    total_tokens,
    total_response_time_ms,
    ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`total_${name}`, value])),
  };
}

type Names = ReadonlyMap<string, KeyName>;

function breakdownOf(rows: readonly ScopedDay[], names: Names, entities: ReadonlyMap<string, JsonObject>): JsonObject {
  const by = (name: (row: ScopedDay) => string, facts: (name: string) => JsonObject = () => ({})): JsonObject =>
    Object.fromEntries(
      [...Map.groupBy(rows, name)]
        .filter(([of]) => of !== '')
        .map(([of, ofName]) => [
          of,
          { metrics: metricsOf(sumOf(ofName)), metadata: facts(of), api_key_breakdown: keysOf(ofName, names) },
        ]),
    );
  return {
    mcp_servers: {},
    models: by(({ model }) => model),
    model_groups: by(({ modelGroup, model }) => modelGroup || model),
    providers: by(({ provider }) => provider || 'unknown'),
    endpoints: by(({ route }) => route),
    user_agents: by(({ agent }) => agent),
    api_keys: keysOf(rows, names),
    entities: by(
      ({ scope }) => scope.id,
      (id) => entities.get(id) ?? {},
    ),
  };
}

function keysOf(rows: readonly ScopedDay[], names: Names): JsonObject {
  const sums = new Map<string, Total>();
  for (const { keyHash, total } of rows) sums.set(keyHash, addTotals(sums.get(keyHash) ?? NO_TOTAL, total));
  return Object.fromEntries(
    [...sums].map(([hash, total]) => {
      const name = names.get(hash);
      return [
        hash,
        {
          metrics: metricsOf(total),
          metadata: {
            key_alias: name?.alias ?? null,
            team_id: name?.teamId ?? null,
            user_id: name?.userId ?? null,
            user_email: null,
            key_exists: name?.exists ?? false,
          },
        },
      ];
    }),
  );
}
