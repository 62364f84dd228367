/**
 * The counters of providers: how many input tokens a request has, in the provider's own words. Free of charge, and a call over the
 * network all the same.
 */
import type { Counting, UpstreamSide } from '../dialects/dialect.ts';
import type { Dialects } from '../dialects/index.ts';
import { GatewayError, type ErrorKind } from '../errors.ts';
import type { Exchange, Target } from '../exchange.ts';
import type { DialectId } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import {
  dialectHeaders,
  finishedBody,
  isElsewhere,
  reasoningOf,
  send,
  TimeLimit,
  upstreamTarget,
  type Outbound,
  type OutboundDeps,
} from '../outbound.ts';
import { bodyEdits, placeOf, providerOf, withoutPrefix } from '../providers/index.ts';
import type { Counter, Provider } from '../providers/provider.ts';

/** What asking needs. */
export interface ProviderCounterDeps extends OutboundDeps {
  readonly dialects: Dialects;
}

/** Asks the provider of a target; undefined where it has no counter for the model. Throws what the counter said, or did not. */
export type ProviderCounter = (exchange: Exchange, target: Target, signal: AbortSignal) => Promise<number | undefined>;

/** Largest answer of a counter read, bytes. */
const ANSWER_LIMIT = 64 * 1024;

/** Failures of a counter that say nothing against the request: another count is better than none. */
const OUT_OF_ORDER: ReadonlySet<ErrorKind> = new Set([
  'not_found',
  'method_not_allowed',
  'rate_limit',
  'timeout',
  'overloaded',
  'upstream',
]);

/** True for an error that is the counter's, and not the request's. */
export const isOutOfOrder = ({ kind, detail }: GatewayError): boolean => OUT_OF_ORDER.has(kind) || detail.code === NOT_COUNTED;

/** Code of the error for a model that has no counter after all. */
const NOT_COUNTED = 'model_not_counted';

/** A counter over the rows of providers. */
export function createProviderCounter(deps: ProviderCounterDeps): ProviderCounter {
  return async function ask(exchange, called, signal) {
    const provider = providerOf(called.deployment.provider);
    const named = withoutPrefix(provider, called.model);
    const { model } = placeOf(provider, named);
    const api = provider.count?.find(({ serves }) => serves === undefined || serves(model));
    if (api === undefined || (api.homeOnly === true && isElsewhere(provider, called.deployment))) return undefined;
    const upstream = await deps.dialects.loadUpstream(api.dialect, api.variant);
    const { counting } = upstream;
    if (counting === undefined) return undefined;
    const target = { ...called, model: api.modelName?.(named) ?? named };
    const asking = { provider, api, target, upstream, counting };
    const sent = bodyToCount(deps, exchange, asking);
    const limit = new TimeLimit(signal, target);
    try {
      // A count is no attempt at the call.
      const { answer } = await send(deps, { attempts: 0 }, { ...asking, sent, stream: false, signal: limit.signal });
      return counting.tokensOf(parse(await answer.bytes(ANSWER_LIMIT)));
    } catch (thrown) {
      const error = limit.explain(thrown);
      if (!(error instanceof GatewayError) || counting.refusesModel?.(error) !== true) throw error;
      throw new GatewayError('not_found', error.message, { ...error.detail, code: NOT_COUNTED, cause: error });
    } finally {
      limit.clear();
    }
  };
}

interface Asking {
  readonly provider: Provider;
  readonly api: Counter;
  readonly target: Target;
  readonly upstream: UpstreamSide;
  readonly counting: Counting;
}

/** The client's own body where the counter speaks its dialect, else the request in the counter's. */
function bodyToCount(
  deps: ProviderCounterDeps,
  exchange: Exchange,
  { target, provider, api, upstream, counting }: Asking,
): Outbound {
  const { deployment, model } = target;
  const quirks = bodyEdits({ provider, deployment, model, api, environment: deps.environment });
  const finished = (body: JsonObject): Uint8Array =>
    Buffer.from(JSON.stringify(counting.bodyOf(finishedBody(body, target, { quirks }), model, api.variant)));
  const client = deps.dialects.get(exchange.dialect as DialectId);
  if (client.id !== upstream.id) {
    const warn = (): void => {}; // what an answer would lack is of no interest here
    const request = client.forOthers?.(exchange.generate, warn) ?? exchange.generate;
    const encoded = upstream.encodeRequest(request, upstreamTarget(target, provider));
    return { bytes: finished(encoded.body), headers: encoded.headers ?? {} };
  }
  const own = client.passthrough.withoutForeignProofs(exchange.body, reasoningOf(provider, deployment));
  const named = client.modelInPath === true ? own : { ...own, model };
  return { bytes: finished(named), headers: dialectHeaders(client, exchange.request) };
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw new GatewayError('upstream', 'The provider counted and answered with something that is not JSON.');
  }
}
