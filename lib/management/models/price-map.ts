/** `/reload/model_cost_map`, its schedule, and where prices come from. */
import type { Refused } from '../../catalog/price-map.ts';
import { PRICE_MAP, nextReload, type PriceMap, type PriceTable } from '../../domain/price-map.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { actorOf, requireAdmin, requireViewer } from '../access.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { fetchPriceMap, shownUrl } from './price-fetch.ts';
import { changePriceMap, reloadPrices } from './price-reload.ts';

/** Refused models that are named in an answer, most. */
const MOST_NAMED = 500;
/** A year. */
const MOST_HOURS = 8_760;

const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

/** The address of the map. Throws GatewayError `invalid_request` where the operator set none. */
function requireUrl({ priceMapUrl }: ManagementDeps): string {
  if (priceMapUrl !== undefined) return priceMapUrl;
  const fault =
    'TOLLGATE_PRICE_MAP_URL is not set: prices come with the release, and deployments override them (`input_cost_per_token`, ...)';
  throw new GatewayError('invalid_request', fault, { param: 'TOLLGATE_PRICE_MAP_URL' });
}

/** The record, for an operator who has a map. */
const recordOf = async ({ priceMaps, priceMapUrl }: ManagementDeps): Promise<Partial<PriceMap>> =>
  (priceMapUrl === undefined ? undefined : await priceMaps.get(PRICE_MAP, { fresh: true })) ?? {};

/** `GET /model/cost_map/source`. */
export async function priceSource(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  requireViewer(caller);
  const { table, failure } = await recordOf(deps);
  const { bundled } = deps.catalog;
  return {
    source: table === undefined ? 'local' : 'remote',
    url: deps.priceMapUrl === undefined ? null : shownUrl(deps.priceMapUrl),
    is_env_forced: deps.priceMapUrl === undefined,
    fallback_reason: failure?.reason ?? null,
    model_count: bundled.size + (table?.added ?? 0),
    version: table?.version ?? bundled.version,
    updated_at: time(table?.at),
  };
}

/** What the audit says of prices. */
const tableRow = (table: PriceTable | undefined): JsonObject => ({
  version: table?.version ?? null,
  new_models: table?.added ?? 0,
  changed_models: table?.changed ?? 0,
});

const refusal = ({ model, reason }: Refused): JsonObject => ({ model, reason });

/**
 * `POST /reload/model_cost_map`.
 *
 * @throws GatewayError `invalid_request` where no map is set, `upstream` when it cannot be fetched or is none, `conflict` while another
 * reload runs
 */
export async function reloadPriceMap(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  requireAdmin(caller);
  const url = requireUrl(deps);
  const fetchMap = () => fetchPriceMap(deps.http, url);
  const { table, before, reading } = await reloadPrices({ ...deps, bundled: deps.catalog.bundled, fetchMap }, actorOf(caller));
  const rows = { before: tableRow(before), after: tableRow(table) };
  await audit(deps, caller, { action: 'updated', kind: 'price map', id: PRICE_MAP, ...rows });
  return {
    message: `Price data reloaded successfully! ${reading.models} models updated.`,
    status: 'success',
    models_count: reading.models,
    timestamp: time(table.at),
    version: table.version,
    new_models: reading.added,
    changed_models: reading.changed,
    refused_models: reading.refused.length,
    refused: reading.refused.slice(0, MOST_NAMED).map(refusal),
  };
}

/**
 * `POST /schedule/model_cost_map_reload?hours=N`: the keeper reloads every so many hours.
 *
 * @throws GatewayError `invalid_request`
 */
export async function schedulePriceMap(deps: ManagementDeps, caller: Caller, given: string | undefined): Promise<JsonObject> {
  requireAdmin(caller);
  requireUrl(deps);
  const hours = /^\d{1,5}$/.test(given ?? '') ? Number(given) : 0;
  if (hours < 1 || hours > MOST_HOURS) {
    const fault = `hours: expected a whole number, 1 to ${MOST_HOURS}, got ${given === undefined ? 'nothing' : JSON.stringify(given.slice(0, 16))}`;
    throw new GatewayError('invalid_request', fault, { param: 'hours' });
  }
  const at = deps.now();
  await changeSchedule(deps, caller, { hours, at });
  return {
    message: `Model cost map reload scheduled for every ${hours} hours`,
    status: 'success',
    interval_hours: hours,
    timestamp: time(at),
  };
}

/** `DELETE /schedule/model_cost_map_reload`. */
export async function cancelPriceMap(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  requireAdmin(caller);
  requireUrl(deps);
  await changeSchedule(deps, caller, undefined);
  return { message: 'Model cost map reload schedule cancelled', status: 'success', timestamp: time(deps.now()) };
}

async function changeSchedule(deps: ManagementDeps, caller: Caller, schedule: PriceMap['schedule']): Promise<void> {
  let before: PriceMap['schedule'];
  await changePriceMap(deps, actorOf(caller), (record) => {
    before = record?.schedule;
    return { schedule };
  });
  await audit(deps, caller, {
    action: 'updated',
    kind: 'price map',
    id: PRICE_MAP,
    before: { interval_hours: before?.hours ?? null },
    after: { interval_hours: schedule?.hours ?? null },
  });
}

/** `GET /schedule/model_cost_map_reload/status`. */
export async function priceMapStatus(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  requireViewer(caller);
  const record = await recordOf(deps);
  return {
    scheduled: record.schedule !== undefined,
    interval_hours: record.schedule?.hours ?? null,
    last_run: record.schedule === undefined ? null : time(record.table?.at),
    next_run: time(nextReload(record)),
  };
}
