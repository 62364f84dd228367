/**
 * The terminal step: one call to one provider. Compares dialects: the same on both sides means the client's bytes go through with only
 * the necessary edits; different means decode, encode, and events on the way back.
 */
import type { Dialect, EncodedRequest } from './dialects/dialect.ts';
import type { Dialects } from './dialects/index.ts';
import type { CredentialRef, Deployment } from './domain/model.ts';
import { GatewayError } from './errors.ts';
import type { Exchange, Reply, Target } from './exchange.ts';
import type { DialectId, GenerateRequest } from './kinds/generate.ts';
import type { Json, JsonObject } from './kinds/json.ts';
import type { Usage } from './kinds/usage.ts';
import { buildCall, providerOf } from './providers/index.ts';
import type { Api, Provider } from './providers/provider.ts';
import { createRedactor } from './redact.ts';
import { relay, type Estimator } from './relay.ts';
import type { Answer, HttpClient } from './transport/http.ts';
import { replaceTopLevel } from './transport/json-edit.ts';
import type { Headers } from './transport/message.ts';

/** What calling needs. */
export interface CallDeps {
  readonly http: HttpClient;
  readonly dialects: Dialects;
  /** The value behind a reference. `fresh` skips caches: the provider refused the cached one. */
  readonly credential: (ref: CredentialRef, options?: { readonly fresh?: boolean }) => Promise<string | undefined>;
  /** Environment for base URLs of provider rows. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly estimator: (request: GenerateRequest) => Estimator;
  /** Put the cost into the usage of every stream. */
  readonly costInStreams: boolean;
  readonly now: () => number;
}

/** Largest error body read, bytes. */
const ERROR_LIMIT = 256 * 1024;

/** One attempt at `exchange.target`. Throws `GatewayError` for anything but a success. */
export function createCall(deps: CallDeps): (exchange: Exchange) => Promise<Reply> {
  return async function call(exchange) {
    const { target } = exchange;
    if (target === undefined) throw new GatewayError('internal', 'No target was chosen for this call.');
    const provider = providerOf(target.deployment.provider);
    const client = deps.dialects.get(exchange.dialect as DialectId);
    const api = provider.generate.find(({ dialect }) => dialect === client.id) ?? provider.generate[0];
    if (api === undefined)
      throw new GatewayError('invalid_request', `Provider ${provider.id} has no chat API.`, { param: 'model' });
    const upstream = await deps.dialects.load(api.dialect);
    exchange.upstreamDialect = upstream.id;

    const sent =
      client.id === upstream.id
        ? passthroughBody(exchange, target, provider, client)
        : translatedBody(exchange, target, provider, upstream);
    const timeouts = new Timeouts(exchange.signal, target);
    try {
      const { answer, redact } = await send(deps, exchange, { provider, api, target, upstream, sent, signal: timeouts.signal });
      const reply = await relay({
        exchange,
        answer,
        client,
        upstream,
        decoding: sent.decoding,
        hidesUsage: client.id === upstream.id && exchange.generate.stream && client.passthrough.hidesUsage(exchange.body),
        context: {
          model: exchange.generate.model,
          id: exchange.id,
          created: Math.floor(exchange.receivedAt / 1000),
          includeUsage: exchange.generate.includeUsage,
          warn: (warning) => void exchange.warnings.push(warning),
          ...extensionsOption(exchange, client),
          ...costOption(deps, exchange, target),
        },
        estimator: deps.estimator(exchange.generate),
        now: deps.now,
        redact,
      });
      void reply.done.then(() => timeouts.clear());
      return reply;
    } catch (thrown) {
      timeouts.clear();
      throw timeouts.explain(thrown);
    }
  };
}

/** The cost function for the usage of a stream, when the operator or the client asked for it. */
function costOption(deps: CallDeps, exchange: Exchange, target: Target): { costOf?: (usage: Usage) => number | undefined } {
  const { price } = target;
  const asked = deps.costInStreams || exchange.request.headers['x-tollgate-include-cost'] === 'true';
  if (!asked || !exchange.generate.stream || price === undefined) return {};
  return { costOf: (usage) => Number(price(usage).total) / 1e12 };
}

/** What the client sent beside the neutral fields, in its own dialect. */
function extensionsOption(exchange: Exchange, client: Dialect): { extensions?: JsonObject } {
  const extensions = exchange.generate.extensions[client.id];
  return extensions === undefined ? {} : { extensions };
}

/** A body ready to send. */
type Sent = Pick<EncodedRequest, 'decoding' | 'headers'> & { readonly bytes: Uint8Array };

/** The client's own bytes: only `model`, declared quirks and what counting needs are edited. */
function passthroughBody(exchange: Exchange, target: Target, provider: Provider, dialect: Dialect): Sent {
  const original = exchange.body;
  const own = dialect.passthrough.withoutForeignProofs(original, reasoningOf(provider, target.deployment));
  // Where the path names the model, the body of the client is what the provider wants.
  const { modelInPath = false } = dialect;
  let body: JsonObject = modelInPath ? own : { ...own, model: target.model };
  if (exchange.generate.stream) body = dialect.passthrough.askUsage(body);
  if (exchange.admission?.clampedOutputTokens !== undefined) {
    body = dialect.passthrough.clampOutput(body, exchange.admission.clampedOutputTokens);
  }
  body = finished(body, target, provider);
  const edits: Record<string, Json | undefined> = modelInPath ? {} : { model: target.model };
  for (const field of exchange.removed) edits[field] = undefined;
  for (const key of new Set([...Object.keys(original), ...Object.keys(body)])) {
    if (body[key] !== original[key]) edits[key] = body[key] as Json | undefined;
  }
  const headers: Record<string, string> = {};
  for (const name of dialect.passthrough.headers ?? []) {
    const value = exchange.request.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  return { bytes: replaceTopLevel(exchange.request.body, edits), headers, decoding: {} };
}

/**
 * Where the API takes back earlier reasoning. A row called at another address than its own (`openai/` with an `api_base`) is some
 * compatible server, most of which take the common field.
 */
function reasoningOf(provider: Provider, { apiBase }: Deployment): Pick<Provider, 'reasoningField'> {
  const elsewhere = provider.base !== undefined && apiBase !== undefined && apiBase !== provider.base;
  const reasoningField = provider.reasoningField ?? (elsewhere ? 'reasoning_content' : undefined);
  return reasoningField === undefined ? {} : { reasoningField };
}

/** The request in the provider's dialect. */
function translatedBody(exchange: Exchange, target: Target, provider: Provider, dialect: Dialect): Sent {
  const clamp = exchange.admission?.clampedOutputTokens;
  const request: GenerateRequest = clamp === undefined ? exchange.generate : { ...exchange.generate, maxOutputTokens: clamp };
  const structuredOutput = target.structuredOutput ?? provider.structuredOutput ?? 'native';
  const encoded = dialect.encodeRequest(request, {
    ...target,
    ...reasoningOf(provider, target.deployment),
    structuredOutput,
    cacheMarks: provider.cacheMarks ?? false,
  });
  exchange.warnings.push(...encoded.warnings);
  const body = finished(encoded.body, target, provider);
  return { bytes: Buffer.from(JSON.stringify(body)), headers: encoded.headers ?? {}, decoding: encoded.decoding };
}

/** The provider's quirks and the deployment's own additions. */
function finished(body: JsonObject, target: Target, provider: Provider): JsonObject {
  const { dropParams, extraBody } = target.deployment;
  let result = body;
  for (const quirk of provider.quirks ?? []) result = quirk(result, target.model);
  if (dropParams !== undefined && dropParams.some((name) => name in result)) {
    result = Object.fromEntries(Object.entries(result).filter(([name]) => !dropParams.includes(name)));
  }
  return extraBody === undefined ? result : { ...result, ...extraBody };
}

interface Sending {
  readonly provider: Provider;
  readonly api: Api;
  readonly target: Target;
  readonly upstream: Dialect;
  readonly sent: Sent;
  readonly signal: AbortSignal;
}

/** Sends; a refused credential is read again once, in case it was rotated. */
async function send(
  deps: CallDeps,
  exchange: Exchange,
  sending: Sending,
): Promise<{ answer: Answer; redact: (error: GatewayError) => GatewayError }> {
  const { provider, api, target, upstream, sent, signal } = sending;
  const { deployment } = target;
  for (let fresh = false; ; fresh = true) {
    const credential = await deps.credential(deployment.credential, { fresh });
    const { url, headers } = buildCall({
      provider,
      deployment,
      model: target.model,
      credential,
      api,
      stream: exchange.generate.stream,
      environment: deps.environment,
    });
    const redact = createRedactor(credential, url);
    exchange.attempts++;
    const answer = await deps.http.send({
      url,
      method: 'POST',
      headers: requestHeaders(headers, sent, exchange.generate.stream),
      body: sent.bytes,
      signal,
      ...(deployment.streamTimeoutMs === undefined ? {} : { headersTimeoutMs: deployment.streamTimeoutMs }),
    });
    if (answer.status < 400) return { answer, redact };
    const body = await answer.bytes(ERROR_LIMIT).catch(() => new Uint8Array());
    if (answer.status === 401 && !fresh && deployment.credential.type === 'secret') continue;
    throw redact(upstream.decodeError({ status: answer.status, headers: answer.headers, body }));
  }
}

function requestHeaders(signed: Headers, sent: Sent, stream: boolean): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'tollgate',
    ...signed,
    ...sent.headers,
  };
}

/** The deployment's own time limit on top of the request's signal. */
class Timeouts {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #expired: GatewayError | undefined;

  constructor(outer: AbortSignal, target: Target) {
    const { timeoutMs } = target.deployment;
    if (timeoutMs === undefined) {
      this.signal = outer;
      return;
    }
    const controller = new AbortController();
    this.#expired = new GatewayError('timeout', `The provider did not answer within ${timeoutMs} ms.`);
    this.#timer = setTimeout(() => controller.abort(this.#expired), timeoutMs);
    this.signal = AbortSignal.any([outer, controller.signal]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  /** The error to show: our own reason where we were the ones to abort. */
  explain(thrown: unknown): unknown {
    return this.signal.aborted && this.signal.reason instanceof GatewayError ? this.signal.reason : thrown;
  }
}
