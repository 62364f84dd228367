/**
 * One HTTP call to one provider: what its row and the deployment add to a body, its address and signature, the credential read again
 * when it was refused, and the deployment's time limit. Generating and counting both go out through here.
 */
import type { ClientSide, EncodedRequest, UpstreamSide, UpstreamTarget } from './dialects/dialect.ts';
import type { CredentialRef, Deployment } from './domain/model.ts';
import { GatewayError } from './errors.ts';
import type { Exchange, Target } from './exchange.ts';
import type { JsonObject } from './kinds/json.ts';
import { buildCall, secretsIn, wantsFields, type Authorizer, type Follower } from './providers/index.ts';
import type { Api, Provider } from './providers/provider.ts';
import { createRedactor } from './redact.ts';
import type { Answer, HttpClient } from './transport/http.ts';
import type { Headers, HttpRequest } from './transport/message.ts';

/** What any call to a provider needs. */
export interface OutboundDeps {
  readonly http: HttpClient;
  /** The value behind a reference. `fresh` skips caches: the provider refused the cached one. `whole`: with all its fields. */
  readonly credential: (
    ref: CredentialRef,
    options?: { readonly fresh?: boolean; readonly whole?: boolean },
  ) => Promise<string | undefined>;
  /** Signs what needs the whole request or an exchange of tokens. */
  readonly authorize: Authorizer;
  /** Goes on from a first answer to the one that the dialect reads. */
  readonly follow: Follower;
  /** Environment for base URLs of provider rows. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Largest error body read, bytes. */
const ERROR_LIMIT = 256 * 1024;

/** What the encoder of a request must know of the target, from the row, the deployment and the catalog. */
export function upstreamTarget(target: Target, provider: Provider): UpstreamTarget {
  return {
    ...target,
    ...reasoningOf(provider, target.deployment),
    structuredOutput: target.structuredOutput ?? provider.structuredOutput ?? 'native',
    cacheMarks: provider.cacheMarks ?? false,
  };
}

/** True for a row called at another address than its own (`openai/` with an `api_base`): that is some compatible server. */
export const isElsewhere = (provider: Provider, { apiBase }: Deployment): boolean =>
  provider.base !== undefined && apiBase !== undefined && apiBase !== provider.base;

/** Where the API takes back earlier reasoning. Most compatible servers take the common field. */
export function reasoningOf(provider: Provider, deployment: Deployment): Pick<Provider, 'reasoningField'> {
  const reasoningField = provider.reasoningField ?? (isElsewhere(provider, deployment) ? 'reasoning_content' : undefined);
  return reasoningField === undefined ? {} : { reasoningField };
}

/** A body with the provider's quirks and the deployment's own additions. */
export function finishedBody(body: JsonObject, target: Target, { quirks = [] }: Pick<Provider, 'quirks'>): JsonObject {
  const { dropParams, extraBody } = target.deployment;
  let result = body;
  for (const quirk of quirks) result = quirk(result, target.model);
  if (dropParams !== undefined && dropParams.some((name) => name in result)) {
    result = Object.fromEntries(Object.entries(result).filter(([name]) => !dropParams.includes(name)));
  }
  return extraBody === undefined ? result : { ...result, ...extraBody };
}

/** The client's headers that belong to its dialect and go along where the provider speaks it too. */
export function dialectHeaders({ passthrough }: ClientSide, request: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passthrough.headers ?? []) {
    const value = request.headers[name];
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}

/** A body ready to send, and the headers that what it holds makes necessary. */
export interface Outbound extends Pick<EncodedRequest, 'headers'> {
  readonly bytes: Uint8Array;
}

/** One call. */
export interface Sending {
  readonly provider: Provider;
  readonly api: Api;
  readonly target: Target;
  /** Reads the provider's errors. */
  readonly upstream: Pick<UpstreamSide, 'decodeError'>;
  readonly sent: Outbound;
  readonly stream: boolean;
  readonly signal: AbortSignal;
  /** Told when the provider took on a call that has to be followed: from then on it bills, whatever becomes of the answer. */
  readonly onAccepted?: () => void;
  /** Told when the call went out and no answer began: it may have been worked on and billed, or not. */
  readonly onUnanswered?: () => void;
}

/** A successful answer (status below 400), and what takes credentials and addresses out of errors that follow it. */
export interface Sent {
  readonly answer: Answer;
  readonly redact: (error: GatewayError) => GatewayError;
}

/** What a call is sent for: its attempts are counted, and none begins at its deadline or later. */
type SendingExchange = Pick<Exchange, 'attempts'> & Partial<Pick<Exchange, 'deadline'>>;

/**
 * Sends; a refused credential is read again once, in case it was rotated.
 *
 * @throws GatewayError what the provider said, redacted, or what the transport met.
 */
export async function send(deps: OutboundDeps, exchange: SendingExchange, sending: Sending): Promise<Sent> {
  const { provider, api, target, upstream, sent, stream, signal } = sending;
  const { deployment } = target;
  for (let fresh = false; ; fresh = true) {
    const credential = await deps.credential(deployment.credential, { fresh, whole: wantsFields(provider) });
    const { url, headers: simple } = buildCall({
      provider,
      deployment,
      model: target.model,
      credential,
      api,
      stream,
      environment: deps.environment,
    });
    const unsigned = { method: 'POST', url, headers: requestHeaders(simple, sent, stream), body: sent.bytes } as const;
    const proof =
      provider.authorize === undefined
        ? NO_PROOF
        : await deps.authorize({ provider, deployment, model: target.model, credential, request: unsigned, fresh });
    // Made when there is something to redact: most calls have nothing.
    const redact = (error: GatewayError): GatewayError =>
      createRedactor([...secretsIn(credential), ...tokensIn(proof)], url)(error);
    signal.throwIfAborted();
    exchange.attempts++;
    const request = proof === NO_PROOF ? unsigned : { ...unsigned, headers: { ...unsigned.headers, ...proof } };
    const answer = await deps.http.send({
      ...request,
      signal,
      // Leases outlive deadlines by a minute: whoever slept in the middle of admission finds that nobody vouches for the call any more.
      ...(exchange.deadline === undefined ? {} : { notAfter: exchange.deadline }),
      ...(sending.onUnanswered === undefined ? {} : { onUnanswered: sending.onUnanswered }),
      ...(deployment.streamTimeoutMs === undefined ? {} : { headersTimeoutMs: deployment.streamTimeoutMs }),
    });
    if (answer.status >= 300 && answer.status < 400) {
      answer.discard();
      const fault = `The provider answered with a redirect (${answer.status}), which is not followed; the api_base of the deployment may be wrong.`;
      throw new GatewayError('upstream', fault);
    }
    if (answer.status < 400) {
      if (provider.follow === undefined) return { answer, redact };
      sending.onAccepted?.();
      const followed = await deps
        .follow({ provider, answer, sent: request, stream, signal, upstream })
        .catch((thrown: unknown) => {
          throw thrown instanceof GatewayError ? redact(thrown) : thrown;
        });
      return { answer: followed, redact };
    }
    const body = await answer.bytes(ERROR_LIMIT).catch(() => new Uint8Array());
    const renewable = deployment.credential.type === 'secret' || Object.keys(proof).length > 0;
    if (answer.status === 401 && !fresh && renewable) continue;
    throw redact(upstream.decodeError({ status: answer.status, headers: answer.headers, body }));
  }
}

/** Of rows that sign by their `auth` alone. */
const NO_PROOF: Headers = {};

/** Shortest value of a header beside `authorization` that is taken for a secret, characters: others are names, which errors may repeat. */
const SECRET_LENGTH = 16;

/** Secrets in signing headers, without the word for their scheme. */
const tokensIn = (proof: Headers): string[] =>
  Object.entries(proof)
    .filter(([name, value]) => name === 'authorization' || value.length >= SECRET_LENGTH)
    .map(([, value]) => value.replace(/^\w+ /, ''));

function requestHeaders(signed: Headers, sent: Outbound, stream: boolean): Record<string, string> {
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
export class TimeLimit {
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

  /** Takes the timer away. */
  clear(): void {
    clearTimeout(this.#timer);
  }

  /** The error to show: our own reason where we were the ones to abort. */
  explain(thrown: unknown): unknown {
    return this.signal.aborted && this.signal.reason instanceof GatewayError ? this.signal.reason : thrown;
  }
}
