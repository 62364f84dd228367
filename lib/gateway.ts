/**
 * The table of contents of a request: which endpoint, then the onion, outermost policy first. Shells hand in an `HttpRequest` and write
 * the `Reply`; nothing here knows of Lambda, sockets or tables.
 */
import type { Asked } from './dialects/dialect.ts';
import type { Dialects } from './dialects/index.ts';
import { newCallId } from './domain/call-id.ts';
import { endpoints, findEndpoints } from './endpoints/index.ts';
import type { CountEndpoint, Match } from './endpoints/endpoint.ts';
import { GatewayError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import type { DialectId, GenerateRequest } from './kinds/generate.ts';
import type { JsonObject } from './kinds/json.ts';
import type { Log } from './log.ts';
import { createLookups, type LookupDeps } from './lookups.ts';
import { compose, type Terminal } from './pipeline.ts';
import { authenticate, type AuthenticateDeps } from './policies/authenticate.ts';
import { authorize } from './policies/authorize.ts';
import { background } from './policies/background.ts';
import { chooseCompaction, compact, prepareCompaction, type CompactionDeps } from './policies/compaction.ts';
import { identify, takeNames, withDefaultModel, type IdentifyDeps } from './policies/identify.ts';
import type { ModelAccessDeps } from './policies/model-access.ts';
import { remember, resume } from './policies/conversation.ts';
import { budgetFallback } from './policies/budget-fallback.ts';
import { decode } from './policies/decode.ts';
import type { Policy } from './policies/policy.ts';
import { keepBodies, type KeepBodiesDeps } from './policies/keep-bodies.ts';
import { record } from './policies/record.ts';
import { errorReply, renderErrors } from './policies/render-errors.ts';
import { requireParams } from './policies/required-params.ts';
import { retry, type RetryDeps } from './policies/retry.ts';
import { route, type RouteDeps } from './policies/route.ts';
import { limitedSignal, type Limit } from './request-life.ts';
import type { HttpReply, HttpRequest } from './transport/message.ts';

/** Everything the core needs; shells and tests put it together. */
export interface GatewayDeps extends LookupDeps {
  readonly dialects: Dialects;
  readonly authentication: AuthenticateDeps;
  readonly identification: IdentifyDeps;
  readonly access: ModelAccessDeps;
  /** Parameters that every request has to carry. */
  readonly requiredParams: readonly string[];
  readonly conversations: LookupDeps['conversations'] & CompactionDeps;
  readonly bodies: KeepBodiesDeps;
  readonly routing: RouteDeps;
  readonly retrying: RetryDeps;
  /** Limits, hold, settlement: the money policy. */
  readonly admit: Policy;
  /** The terminal step. */
  readonly call: Terminal;
  /** The terminal step of counting. */
  readonly count: (exchange: Exchange, endpoint: CountEndpoint) => Promise<Reply>;
  readonly log: Log;
  readonly random: (bytes: number) => Uint8Array;
}

/** What a shell knows of a request besides its bytes. */
export interface ShellContext {
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Moment by which the last byte must be out: the platform's limit less a margin. */
  readonly deadline: number;
  /** Aborts when the client left, where the shell can tell. */
  readonly signal?: AbortSignal;
}

/** The gateway. */
export interface Gateway {
  handle(request: HttpRequest, context: ShellContext): Promise<Reply>;
  /** An error in the language of whoever calls `path`: for shells that refuse a request before its body is read. */
  refuse(path: string, error: GatewayError): Promise<HttpReply>;
}

/** In what requests differ that are answered by a model. */
interface Work {
  /** Completes a body with what it names and does not hold. */
  readonly complete: (exchange: Exchange, body: JsonObject) => Promise<JsonObject>;
  /** Keeps what later requests may name. */
  readonly keep: Policy;
  /** Around each attempt. */
  readonly each: readonly Policy[];
}

const NOTHING: GenerateRequest = { model: '', messages: [], sampling: {}, stream: false, includeUsage: false, extensions: {} };

/** Puts the gateway together. */
export function createGateway(deps: GatewayDeps): Gateway {
  const renderError = (dialect: string, error: GatewayError, callId: string): JsonObject =>
    deps.dialects.get(dialect as DialectId).encodeError(error, callId);
  const decodeRequest = (exchange: Exchange, body: JsonObject, asked: Asked): GenerateRequest => {
    const dialect = deps.dialects.get(exchange.dialect as DialectId);
    if (asked.model !== undefined && dialect.modelInPath !== true) body['model'] = asked.model;
    return dialect.decodeRequest(body, asked);
  };

  /** What a client reads of a stream that only began, or failed before it did. */
  const told = (exchange: Exchange, error?: GatewayError): Uint8Array => {
    const encoder = deps.dialects.get(exchange.dialect as DialectId).encodeStream({
      model: exchange.generate.model,
      id: exchange.id,
      created: Math.floor(exchange.receivedAt / 1000),
      includeUsage: false,
      request: exchange.turn?.asSent ?? exchange.body,
      warn: () => {},
    });
    const text = encoder.push({ type: 'start' });
    return Buffer.from(error === undefined ? text : text + encoder.push({ type: 'error', error }) + encoder.end());
  };

  /** What the gateway itself reads of a body: for whom it is, and what it has to carry. */
  const hear = (exchange: Exchange, body: JsonObject): void => {
    takeNames(exchange, body, deps.identification);
    requireParams(exchange, body, deps.requiredParams);
  };
  const completed = withDefaultModel(deps.identification, resume(deps.conversations));

  const read =
    (asked: Asked) =>
    (exchange: Exchange, body: JsonObject): GenerateRequest =>
      decodeRequest(exchange, body, asked);
  const answering: Work = { complete: completed, keep: remember(deps.conversations), each: [] };
  const shortening: Work = {
    complete: prepareCompaction(completed),
    keep: compact(deps.conversations),
    each: [chooseCompaction(deps.conversations, read({}))],
  };

  /** Policies of a generate request. The order is the design: each line says why it stands where it does. */
  const onion = (asked: Asked, work = answering): readonly Policy[] => [
    record(deps.log, deps.now), // outermost: sees every outcome, refusals as the replies they became
    keepBodies(deps.bodies), // sees every answer as the client gets it; does nothing unless asked to
    renderErrors(renderError, deps.log), // nothing thrown further in escapes the client's dialect
    authenticate(deps.authentication), // before the body is parsed: strangers cost nothing
    // The model's name is in the body, or the path. Earlier turns that the body only names are input like the rest of it.
    decode(hear, read(asked), work.complete),
    work.keep, // around all that makes the answer: keeps what the client gets
    identify(deps.identification), // customer and tags: scopes of their own, and part of the ledger entry
    budgetFallback(), // around all that depends on the model: a cheaper one is checked and priced like the one asked for
    authorize(deps.access), // aliases, then every level's models; tags have some too
    route(deps.routing), // before money: a hold needs the price of what will be called
    deps.admit, // the only door: one admission for all limits; settles on `done`
    background({ ...deps.conversations, told }), // inside the hold: refusals are told at once, all else later
    retry(deps.retrying), // inside the hold: repeats share it
    ...work.each, // what the provider that is tried can do decides what it is asked for
  ];
  const plain = compose(onion({}), deps.call);
  const compacting = compose(onion({}, shortening), deps.call);

  const lookups = createLookups(deps, [renderErrors(renderError, deps.log), authenticate(deps.authentication)], read({}));
  /** Policies of a count: those of a generate request but for money, which it does not cost. */
  const counting = (endpoint: CountEndpoint, asked: Asked): Terminal =>
    compose(
      [
        record(deps.log, deps.now),
        renderErrors(renderError, deps.log),
        authenticate(deps.authentication),
        decode(
          hear,
          (exchange, body) => {
            exchange.body = endpoint.requestOf(body);
            return decodeRequest(exchange, exchange.body, asked);
          },
          completed, // earlier turns count too
        ),
        identify(deps.identification),
        authorize(deps.access),
        route(deps.routing),
      ],
      (exchange) => deps.count(exchange, endpoint),
    );
  const health = compose([renderErrors(renderError, deps.log)], lookups.health);

  const terminalOf = (match: Match | undefined, found: readonly Match[], exchange: Exchange): Promise<Reply> => {
    if (match === undefined) {
      const nowhere = (): Promise<Reply> => Promise.reject(nothingAt(exchange.request, found));
      return compose([renderErrors(renderError, deps.log)], nowhere)(exchange);
    }
    const { endpoint } = match;
    switch (endpoint.kind) {
      case 'stored-response':
        return lookups.stored(match)(exchange);
      case 'conversation':
        return lookups.conversing(match)(exchange);
      case 'count':
        return counting(endpoint, askedBy(match))(exchange);
      case 'generate':
        return asksNothing(match) ? plain(exchange) : compose(onion(askedBy(match)), deps.call)(exchange);
      case 'compact':
        return compacting(exchange);
      case 'models':
        return lookups.models(exchange);
      case 'liveliness':
      case 'readiness':
        return health(exchange);
    }
  };

  return {
    async handle(request, context) {
      const found = findEndpoints(request.path);
      const match = found.find(
        ({ endpoint }) => endpoint.method === request.method || (request.method === 'HEAD' && endpoint.method === 'GET'),
      );
      const limit = limitedSignal(deps.now, context);
      const exchange = openExchange(deps, request, context, match ?? found[0], limit);
      await deps.dialects.load(exchange.dialect as DialectId);
      const reply = await terminalOf(match, found, exchange);
      void reply.done.then(limit.release);
      return reply;
    },
    async refuse(path, error) {
      const dialect = dialectOf(path, findEndpoints(path)[0]);
      await deps.dialects.load(dialect);
      return errorReply(error, renderError(dialect, error, newCallId(deps.now(), deps.random)));
    },
  };
}

const asksNothing = ({ model, endpoint }: Match): boolean => model === undefined && endpoint.stream === undefined;

const askedBy = ({ model, endpoint }: Match): Asked => ({
  ...(model === undefined ? {} : { model }),
  ...(endpoint.stream === undefined ? {} : { stream: endpoint.stream }),
});

/** Prefixes that only the clients of one dialect use, for errors at paths that lead nowhere. */
const PREFIXES: readonly (readonly [RegExp, DialectId])[] = [
  [/(^|\/)messages(\/|$)/, 'anthropic-messages'],
  [/^\/(gemini\/)?v1beta\//, 'gemini'],
  [/^\/(bedrock\/)?model\//, 'bedrock-converse'],
];

/** The dialect to answer in: the endpoint's, or that of whoever uses such paths, else OpenAI's. */
const dialectOf = (path: string, match: Match | undefined): DialectId =>
  match?.endpoint.dialect ?? PREFIXES.find(([prefix]) => prefix.test(path))?.[1] ?? 'openai-chat';

function nothingAt(request: HttpRequest, found: readonly Match[]): GatewayError {
  if (found.length === 0) {
    const known = endpoints.map(({ method, route }) => `${method} ${route}`).join(', ');
    return new GatewayError('not_found', `There is nothing at ${request.method} ${request.path}. Known routes: ${known}.`, {
      code: 'route_not_found',
    });
  }
  const allowed = [...new Set(found.map(({ endpoint }) => endpoint.method))].join(', ');
  return new GatewayError('method_not_allowed', `${request.method} is not allowed at ${request.path}; allowed: ${allowed}.`, {
    headers: { allow: allowed },
  });
}

function openExchange(
  deps: GatewayDeps,
  request: HttpRequest,
  context: ShellContext,
  match: Match | undefined,
  { signal, life }: Limit,
): Exchange {
  return {
    id: newCallId(context.receivedAt, deps.random),
    request,
    receivedAt: context.receivedAt,
    deadline: context.deadline,
    signal,
    life,
    route: match?.endpoint.route ?? request.path,
    dialect: dialectOf(request.path, match),
    body: {},
    removed: [],
    generate: NOTHING,
    modelName: '',
    plan: [],
    tags: [],
    tagged: [],
    warnings: [],
    admissions: 0,
    lost: [],
    attempts: 0,
    committed: false,
  };
}
