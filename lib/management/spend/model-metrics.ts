/**
 * `/model/metrics`, `/model/streaming_metrics`, `/model/metrics/slow_responses`, `/model/metrics/exceptions`: how deployments did, from the
 * calls of the ledger. Where LiteLLM names a deployment by its address, here it is the model as served and the deployment's id: addresses
 * are the operator's.
 */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { dayOf } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { callsOf } from './spend-calls.ts';
import { DAY_MS, scopeAsked, timeOf } from './spend-query.ts';

/** Query of these routes, as it came. */
export interface MetricsQuery {
  /** Model as clients call it; all of them by default. */
  readonly modelGroup?: string;
  /** A date, or a date and time; UTC where no zone is named. Seven days before the end by default. */
  readonly startTime?: string;
  /** A bare date includes that day. Now by default. */
  readonly endTime?: string;
  /** Secret or hash. */
  readonly apiKey?: string;
  readonly customer?: string;
}

/** Days that are looked at unless others are asked for. */
const USUAL_DAYS = 7;
/** A call that takes longer is slow, milliseconds: LiteLLM's threshold of alerts, where nobody set another. */
const SLOW_MS = 300_000;

/** The calls asked about, and whether they can only be of one day. */
interface Asked {
  readonly calls: AsyncIterable<LedgerEntry>;
  readonly isOneDay: boolean;
}

async function callsAsked(deps: ManagementDeps, caller: Caller, query: MetricsQuery): Promise<Asked> {
  const to = timeOf(query.endTime, 'endTime', DAY_MS) ?? deps.now() + 1;
  const from = timeOf(query.startTime, 'startTime') ?? to - USUAL_DAYS * DAY_MS;
  if (from >= to) {
    throw new GatewayError('invalid_request', 'endTime: expected a time after startTime', { param: 'endTime' });
  }
  const { apiKey, customer, modelGroup } = query;
  const { scope, keyHash } = await scopeAsked(deps, caller, {
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(customer === undefined ? {} : { endUser: customer }),
  });
  const calls = callsOf(deps, {
    scope,
    from,
    to,
    range: ['startTime', 'endTime'],
    matches: (entry) =>
      entry.kind !== 'adjustment' &&
      (keyHash === undefined || entry.keyHash === keyHash) &&
      (modelGroup === undefined || entry.modelGroup === modelGroup),
  });
  return { calls, isOneDay: dayOf(from) === dayOf(to - 1) };
}

/** What served a call; empty where nothing was reached. */
const servedBy = ({ model = '', deploymentId }: LedgerEntry): string =>
  deploymentId === undefined ? model : `${model}-${deploymentId}`;

/** Averages by point of a chart and deployment. */
class Averages {
  readonly #points = new Map<string, Map<string, { sum: number; count: number }>>();

  add(point: string, name: string, value: number): void {
    const ofPoint = this.#points.get(point) ?? new Map<string, { sum: number; count: number }>();
    const average = ofPoint.get(name) ?? { sum: 0, count: 0 };
    average.sum += value;
    average.count += 1;
    this.#points.set(point, ofPoint.set(name, average));
  }

  /** LiteLLM's charts: an object a point with a field a deployment, in order; and every deployment there is. */
  chart(): JsonObject {
    const points = [...this.#points].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return {
      data: points.map(([date, values]) => ({
        date,
        ...Object.fromEntries([...values].map(([name, { sum, count }]) => [name, sum / count])),
      })),
      all_api_bases: [...new Set(points.flatMap(([, values]) => [...values.keys()]))].toSorted(),
    };
  }
}

/**
 * `GET /model/metrics`: seconds per output token, on average over the calls of a day that went well. What a call took is from its arrival
 * to its end, earlier attempts included.
 *
 * @throws GatewayError `permission`; `invalid_request` for wrong times and where more than 20,000 calls lie in the range
 */
export async function modelLatency(deps: ManagementDeps, caller: Caller, query: MetricsQuery): Promise<JsonObject> {
  const { calls } = await callsAsked(deps, caller, query);
  const averages = new Averages();
  for await (const entry of calls) {
    const tokens = entry.usage?.outputTokens ?? 0;
    if (entry.status !== 'success' || tokens <= 0) continue;
    averages.add(dayOf(entry.at), servedBy(entry), entry.durationMs / 1_000 / tokens);
  }
  return averages.chart();
}

/**
 * `GET /model/streaming_metrics`: seconds to the first token of streams, on average over a day; of a single day each stream by itself,
 * under its call id.
 *
 * @throws GatewayError as `modelLatency`
 */
export async function streamingMetrics(deps: ManagementDeps, caller: Caller, query: MetricsQuery): Promise<JsonObject> {
  const { calls, isOneDay } = await callsAsked(deps, caller, query);
  const averages = new Averages();
  for await (const entry of calls) {
    if (entry.firstTokenMs === undefined) continue;
    averages.add(isOneDay ? entry.id : dayOf(entry.at), servedBy(entry), entry.firstTokenMs / 1_000);
  }
  return averages.chart();
}

/**
 * `GET /model/metrics/slow_responses`: calls by deployment, and how many of them took five minutes or more; most of those first.
 *
 * @throws GatewayError as `modelLatency`
 */
export async function slowResponses(deps: ManagementDeps, caller: Caller, query: MetricsQuery): Promise<readonly JsonObject[]> {
  const { calls } = await callsAsked(deps, caller, query);
  const counts = new Map<string, { total: number; slow: number }>();
  for await (const entry of calls) {
    const name = servedBy(entry);
    const count = counts.get(name) ?? { total: 0, slow: 0 };
    count.total += 1;
    if (entry.durationMs >= SLOW_MS) count.slow += 1;
    counts.set(name, count);
  }
  return [...counts]
    .map(([name, { total, slow }]) => ({ api_base: name, total_count: total, slow_count: slow }))
    .toSorted((one, other) => other.slow_count - one.slow_count || (one.api_base < other.api_base ? -1 : 1));
}

/**
 * `GET /model/metrics/exceptions`: calls by deployment that came to nothing, by kind of error. Clients that left are none of it.
 *
 * @throws GatewayError as `modelLatency`
 */
export async function modelExceptions(deps: ManagementDeps, caller: Caller, query: MetricsQuery): Promise<JsonObject> {
  const { calls } = await callsAsked(deps, caller, query);
  const counts = new Map<string, Map<string, number>>();
  for await (const entry of calls) {
    if (entry.status !== 'error' && entry.status !== 'expired') continue;
    const kind = entry.error?.kind ?? entry.status;
    const name = servedBy(entry);
    const ofName = counts.get(name) ?? new Map<string, number>();
    counts.set(name, ofName.set(kind, (ofName.get(kind) ?? 0) + 1));
  }
  const rows = [...counts].map(([model, kinds]) => ({
    model,
    total_exceptions: [...kinds.values()].reduce((sum, count) => sum + count, 0),
    ...Object.fromEntries(kinds),
  }));
  return {
    data: rows.toSorted((one, other) => other.total_exceptions - one.total_exceptions),
    exception_types: [...new Set([...counts.values()].flatMap((kinds) => [...kinds.keys()]))].toSorted(),
  };
}
