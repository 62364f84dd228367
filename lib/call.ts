/**
 * The terminal step: one call to one provider. Compares dialects: the same on both sides means the client's bytes go through with only
 * the necessary edits; different means decode, encode, and events on the way back.
 */
import type { ClientSide, Decoding, UpstreamSide } from './dialects/dialect.ts';
import type { Dialects } from './dialects/index.ts';
import { searchContextSize } from './domain/estimate.ts';
import { toUsdNumber } from './domain/money.ts';
import { GatewayError } from './errors.ts';
import type { Exchange, Reply, Target } from './exchange.ts';
import type { DialectId, GenerateRequest, Warning } from './kinds/generate.ts';
import type { Json, JsonObject } from './kinds/json.ts';
import type { Usage } from './kinds/usage.ts';
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
} from './outbound.ts';
import { createProviderCounter } from './counting/provider-counter.ts';
import { bodyEdits, chooseApi, compactingApi, providerOf } from './providers/index.ts';
import type { Api, Provider, Quirk } from './providers/provider.ts';
import { createRecount } from './counting/recount.ts';
import { relay } from './relay.ts';
import type { Estimator } from './tally.ts';
import { tokenizerOf } from './counting/token-counter.ts';
import { replaceTopLevel } from './transport/json-edit.ts';

/** What calling needs. */
export interface CallDeps extends OutboundDeps {
  readonly dialects: Dialects;
  /** `keepsTexts`: what the answer says can be counted later. */
  readonly estimator: (request: GenerateRequest, keepsTexts?: boolean) => Estimator;
  /** Put the cost into the usage of every stream. */
  readonly costInStreams: boolean;
  /** Whether somebody pays for the call: only then are its figures worth counting again. */
  readonly isBooked: (exchange: Exchange) => boolean;
  readonly now: () => number;
}

/** One attempt at `exchange.target`. Throws `GatewayError` for anything but a success. */
export function createCall(deps: CallDeps): (exchange: Exchange) => Promise<Reply> {
  const ask = createProviderCounter(deps);
  return async function call(exchange) {
    if (exchange.target === undefined) throw new GatewayError('internal', 'No target was chosen for this call.');
    exchange.target = pricedAsAsked(exchange.target, exchange.generate);
    const provider = providerOf(exchange.target.deployment.provider);
    const client = deps.dialects.get(exchange.dialect as DialectId);
    const shape = client.shapeOf?.(exchange.body, exchange.generate.model);
    const own = shape === undefined ? undefined : { dialect: client.id, variant: shape.variant };
    const chosen =
      exchange.compaction?.native === true
        ? compactingOf(deps, exchange.target)
        : chooseApi(provider, exchange.target.model, shape?.like ?? client.id, own);
    if (chosen === undefined)
      throw new GatewayError('invalid_request', `Provider ${provider.id} has no chat API for this model.`, { param: 'model' });
    const { api, model } = chosen;
    const target: Target = model === exchange.target.model ? exchange.target : { ...exchange.target, model };
    const { deployment } = target;
    const quirks = bodyEdits({ provider, deployment, model, api, environment: deps.environment });
    const upstream = await deps.dialects.loadUpstream(api.dialect, api.variant);
    exchange.upstreamDialect = upstream.id;
    exchange.keptUpstream = client.id === upstream.id && api.keepsResponses === true && !isElsewhere(provider, deployment);

    const sent =
      client.id === upstream.id
        ? passthroughBody(exchange, target, { provider, quirks }, client)
        : translatedBody(exchange, target, { provider, quirks }, { client, upstream, api });
    const booked = deps.isBooked(exchange);
    const limit = new TimeLimit(exchange.signal, target);
    const before = exchange.attempts;
    let following = false;
    let unanswered = false;
    try {
      const { stream } = exchange.generate;
      const onAccepted = (): void => void (following = true);
      const onUnanswered = (): void => void (unanswered = true);
      const sending = { provider, api, target, upstream, sent, stream, signal: limit.signal, onAccepted, onUnanswered };
      const { answer, redact } = await send(deps, exchange, sending);
      following = false;
      const reply = await relay({
        exchange,
        answer,
        client,
        upstream,
        decoding: sent.decoding,
        passes: client.id === upstream.id && api.answersDiffer !== true,
        hidesUsage: client.id === upstream.id && stream && client.passthrough.hidesUsage(exchange.body),
        context: {
          model: exchange.generate.model,
          id: exchange.id,
          created: Math.floor(exchange.receivedAt / 1000),
          includeUsage: exchange.generate.includeUsage,
          warn: (warning) => void exchange.warnings.push(warning),
          request: exchange.turn?.asSent ?? exchange.body,
          ...extensionsOption(exchange, client),
          ...costOption(deps, exchange, target),
        },
        limits: target,
        estimator: deps.estimator(exchange.generate, booked && tokenizerOf(model) !== undefined),
        recount: booked ? createRecount({ ask, now: deps.now }, exchange, target) : async (usage) => usage,
        now: deps.now,
        redact,
      });
      void reply.done.then(() => limit.clear());
      return reply;
    } catch (thrown) {
      limit.clear();
      // A job that was taken on is billed, and would be once more if it were submitted again.
      if (following) exchange.committed = true;
      const billed = following || unanswered || (exchange.signal.aborted && exchange.attempts > before);
      if (billed) exchange.billed ??= deps.estimator(exchange.generate).usage();
      throw limit.explain(thrown);
    }
  };
}

/** The API at which the provider of a target compacts conversations, if it does: a compatible server elsewhere is not taken to. */
export function compactingOf(
  { environment }: Pick<OutboundDeps, 'environment'>,
  { deployment, model }: Target,
): ReturnType<typeof compactingApi> {
  const provider = providerOf(deployment.provider);
  return isElsewhere(provider, deployment) ? undefined : compactingApi({ provider, deployment, model, environment });
}

/** The target, pricing web searches at the context size that was asked for, where the provider does not say which it was. */
function pricedAsAsked(target: Target, request: GenerateRequest): Target {
  const { price } = target;
  const size = searchContextSize(request);
  if (size === undefined || price === undefined) return target;
  return { ...target, price: (usage) => price({ searchContextSize: size, ...usage }) };
}

/** The cost function for the usage of a stream, when the operator or the client asked for it. */
function costOption(deps: CallDeps, exchange: Exchange, target: Target): { costOf?: (usage: Usage) => number | undefined } {
  const { price } = target;
  const asked = deps.costInStreams || exchange.request.headers['x-tollgate-include-cost'] === 'true';
  if (!asked || !exchange.generate.stream || price === undefined) return {};
  return {
    costOf: (usage) => {
      const cost = price(usage);
      return cost && toUsdNumber(cost.total);
    },
  };
}

/** What the client sent beside the neutral fields, in its own dialect. */
function extensionsOption(exchange: Exchange, client: ClientSide): { extensions?: JsonObject } {
  const extensions = exchange.generate.extensions[client.id];
  return extensions === undefined ? {} : { extensions };
}

/** A body ready to send, and what the decoder of its answer must know. */
interface Prepared extends Outbound {
  readonly decoding: Decoding;
}

/** Whose API is called, and what it wants changed in bodies. */
interface Serving {
  readonly provider: Provider;
  readonly quirks: readonly Quirk[];
}

/** The client's own bytes: only `model`, declared quirks and what counting needs are edited. */
function passthroughBody(exchange: Exchange, target: Target, { provider, quirks }: Serving, dialect: ClientSide): Prepared {
  const { turn } = exchange;
  const original = turn?.asSent ?? exchange.body;
  // A provider that keeps the conversation is told which one; any other gets all of it.
  const whole = turn?.keptBy === target.deployment.id ? (turn.forKeeper ?? original) : exchange.body;
  const own = dialect.passthrough.withoutForeignProofs(whole, reasoningOf(provider, target.deployment));
  // Where the path names the model, the body of the client is what the provider wants.
  const { modelInPath = false } = dialect;
  const isNamed = modelInPath || own['model'] === target.model;
  let body: JsonObject = isNamed ? own : { ...own, model: target.model };
  if (exchange.generate.stream) body = dialect.passthrough.askUsage(body);
  if (exchange.admission?.clampedOutputTokens !== undefined) {
    body = dialect.passthrough.clampOutput(body, exchange.admission.clampedOutputTokens, exchange.generate.model);
  }
  body = finishedBody(body, target, { quirks });
  // Set in any case: the bytes may lack a model that the route or the customer named.
  const edits: Record<string, Json | undefined> = modelInPath ? {} : { model: target.model };
  for (const field of exchange.removed) edits[field] = undefined;
  if (body !== original) {
    for (const key in original) if (body[key] !== original[key]) edits[key] = body[key] as Json | undefined;
    for (const key in body) if (!Object.hasOwn(original, key)) edits[key] = body[key] as Json | undefined;
  }
  return {
    bytes: replaceTopLevel(exchange.request.body, edits),
    headers: dialectHeaders(dialect, exchange.request),
    decoding: {},
  };
}

/** The request in the provider's dialect. */
function translatedBody(
  exchange: Exchange,
  target: Target,
  { provider, quirks }: Serving,
  { client, upstream, api }: { readonly client: ClientSide; readonly upstream: UpstreamSide; readonly api: Api },
): Prepared {
  const clamp = exchange.admission?.clampedOutputTokens;
  const warn = (warning: Warning): void => void exchange.warnings.push(warning);
  const asked = client.forOthers?.(exchange.generate, warn) ?? exchange.generate;
  const request: GenerateRequest =
    clamp === undefined ? asked : { ...asked, maxOutputTokens: Math.min(asked.maxOutputTokens ?? clamp, clamp) };
  const encoded = upstream.encodeRequest(request, upstreamTarget(target, provider));
  exchange.warnings.push(...encoded.warnings);
  const body = finishedBody(encoded.body, target, { quirks });
  const text = api.form === true ? formText(body) : JSON.stringify(body);
  return { bytes: Buffer.from(text), headers: encoded.headers ?? {}, decoding: encoded.decoding };
}

/** A flat body as an HTML form (`application/x-www-form-urlencoded`, a header of the row). */
const formText = (body: JsonObject): string =>
  new URLSearchParams(Object.entries(body).map(([name, value]): [string, string] => [name, String(value)])).toString();
