/**
 * The terminal step of counting: how many input tokens a request would have. The provider's own counter answers where its row has one;
 * otherwise, and where the counter is out of order, our estimate does, and says so. Nothing is held: counting costs nothing.
 */
import type { Counting, UpstreamSide } from './dialects/dialect.ts';
import type { Dialects } from './dialects/index.ts';
import { likelyInputTokens } from './domain/estimate.ts';
import type { CountEndpoint, TokenCount } from './endpoints/endpoint.ts';
import { GatewayError, type ErrorKind } from './errors.ts';
import type { Exchange, Reply, Target } from './exchange.ts';
import type { DialectId } from './kinds/generate.ts';
import type { JsonObject } from './kinds/json.ts';
import {
  dialectHeaders,
  finishedBody,
  reasoningOf,
  send,
  TimeLimit,
  upstreamTarget,
  type Outbound,
  type OutboundDeps,
} from './outbound.ts';
import { bodyEdits, providerOf, withoutPrefix } from './providers/index.ts';
import type { Api, Provider } from './providers/provider.ts';

/** What counting needs. */
export interface CountDeps extends OutboundDeps {
  readonly dialects: Dialects;
}

/** Largest answer of a counter read, bytes. */
const ANSWER_LIMIT = 64 * 1024;

/** Failures of a counter that say nothing against the request: an estimate is better than none. */
const OUT_OF_ORDER: ReadonlySet<ErrorKind> = new Set([
  'not_found',
  'method_not_allowed',
  'rate_limit',
  'timeout',
  'overloaded',
  'upstream',
]);

/** Counts for the first target of the plan. Throws `GatewayError` for a request that the provider's counter refuses. */
export function createCount(deps: CountDeps): (exchange: Exchange, endpoint: CountEndpoint) => Promise<Reply> {
  return async function count(exchange, endpoint) {
    const [first] = exchange.plan;
    if (first === undefined) throw new GatewayError('internal', 'The plan of this request has no target.');
    exchange.target = first;
    const provider = providerOf(first.deployment.provider);
    const target = { ...first, model: withoutPrefix(provider, first.model) };
    const counted = await counterOf(deps, exchange, { target, provider });
    const tokens = counted ?? likelyInputTokens(exchange.generate, target);
    return replyOf(endpoint, {
      tokens,
      asked: exchange.generate.model,
      model: target.model,
      ...(counted !== undefined && { counter: provider.id }),
    });
  };
}

function replyOf(endpoint: CountEndpoint, count: TokenCount): Reply {
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'x-tollgate-token-source': count.counter === undefined ? 'estimated' : 'provider',
    },
    body: Buffer.from(JSON.stringify(endpoint.render(count))),
    done: Promise.resolve({ status: 'success' }),
  };
}

/** Who counts. */
interface Counter {
  readonly target: Target;
  readonly provider: Provider;
}

/** The provider's own figure; undefined where it has no counter, or none that works. */
async function counterOf(deps: CountDeps, exchange: Exchange, counter: Counter): Promise<number | undefined> {
  const { count: api } = counter.provider;
  if (api === undefined || api.serves?.(counter.target.model) === false) return undefined;
  const upstream = await deps.dialects.loadUpstream(api.dialect, api.variant);
  const { counting } = upstream;
  if (counting === undefined) return undefined;
  try {
    return await ask(deps, exchange, { ...counter, api, upstream, counting });
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    if (!OUT_OF_ORDER.has(error.kind) || exchange.signal.aborted) throw error;
    const reason = `The provider's counter failed (${error.kind}): this is an estimate.`;
    exchange.warnings.push({ kind: 'changed', field: 'input_tokens', reason });
    return undefined;
  }
}

interface Asking extends Counter {
  readonly api: Api;
  readonly upstream: UpstreamSide;
  readonly counting: Counting;
}

async function ask(deps: CountDeps, exchange: Exchange, asking: Asking): Promise<number> {
  const { target, provider, api, upstream } = asking;
  const sent = bodyToCount(deps, exchange, asking);
  const limit = new TimeLimit(exchange.signal, target);
  try {
    const sending = { provider, api, target, upstream, sent, stream: false, signal: limit.signal };
    const { answer } = await send(deps, exchange, sending);
    return asking.counting.tokensOf(parse(await answer.bytes(ANSWER_LIMIT)));
  } catch (thrown) {
    throw limit.explain(thrown);
  } finally {
    limit.clear();
  }
}

/** The client's own body where the counter speaks its dialect, else the request in the counter's. */
function bodyToCount(deps: CountDeps, exchange: Exchange, { target, provider, api, upstream, counting }: Asking): Outbound {
  const { deployment, model } = target;
  const quirks = bodyEdits({ provider, deployment, model, api, environment: deps.environment });
  const finished = (body: JsonObject): Uint8Array =>
    Buffer.from(JSON.stringify(counting.bodyOf(finishedBody(body, target, { quirks }), model)));
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
