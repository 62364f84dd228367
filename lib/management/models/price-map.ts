/** `/reload/model_cost_map`, its schedule, and where prices come from. */
import * as z from 'zod/mini';
import type { Refused } from '../../catalog/price-map.ts';
import { PRICE_MAP, nextReload, type PriceMap } from '../../domain/price-map.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { actorOf, requireAdmin, requireViewer } from '../access.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check } from '../input.ts';
import { isoOf } from '../limit-fields.ts';
import { fetchPriceMap, shownUrl } from './price-fetch.ts';
import { changePriceMap, reloadPrices, tableRow } from './price-reload.ts';

/** Refused models that are named in an answer, most. */
const MOST_NAMED = 500;
/** At most a year. */
const MOST_HOURS = 8_760;
const HOURS_EXPECTED = `expected a whole number, 1 to ${MOST_HOURS}`;
const HOURS = z
  .pipe(z.string(HOURS_EXPECTED).check(z.regex(/^\d{1,5}$/, HOURS_EXPECTED)), z.transform(Number))
  .check(z.refine((hours) => hours >= 1 && hours <= MOST_HOURS, HOURS_EXPECTED));

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
    updated_at: isoOf(table?.at),
  };
}

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
    timestamp: isoOf(table.at),
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
  const hours = check(HOURS, given, 'hours');
  const at = deps.now();
  await changeSchedule(deps, caller, { hours, at });
  return {
    message: `Model cost map reload scheduled for every ${hours} hours`,
    status: 'success',
    interval_hours: hours,
    timestamp: isoOf(at),
  };
}

/** `DELETE /schedule/model_cost_map_reload`. */
export async function cancelPriceMap(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  requireAdmin(caller);
  requireUrl(deps);
  await changeSchedule(deps, caller, undefined);
  return { message: 'Model cost map reload schedule cancelled', status: 'success', timestamp: isoOf(deps.now()) };
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
    last_run: record.schedule === undefined ? null : isoOf(record.table?.at),
    next_run: isoOf(nextReload(record)),
  };
}
