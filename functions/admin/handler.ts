/** The management API behind a function URL: middy around a router around plain functions. */
import withMiddleware, { type MiddlewareObj } from '@middy/core';
import httpRouter from '@middy/http-router';
import type { APIGatewayProxyStructuredResultV2, Context, LambdaFunctionURLEvent } from 'aws-lambda';
import { newCallId } from '../../lib/domain/call-id.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import { requireAudience } from '../../lib/management/rights.ts';
import { requestOfEvent } from '../../lib/transport/function-url.ts';
import { answerError, answerJson, answerOf } from './answer.ts';
import { readCall } from './call.ts';
import type { AdminRoute } from './route.ts';
import { endsAmongWords, ROUTES, routesAt, routesLike } from './routes.ts';

type Event = LambdaFunctionURLEvent;
type Result = APIGatewayProxyStructuredResultV2;

/** Takes a function URL event (payload 2.0), gives the answer; rejects never. */
export type AdminHandler = (event: Event, context: Context) => Promise<Result>;

/**
 * The handler over its dependencies.
 *
 * @example const handler = createAdminHandler(compose(settings).management);
 */
export function createAdminHandler(deps: ManagementDeps): AdminHandler {
  const router = httpRouter<Event, Result>({
    routes: ROUTES.map((route) => ({
      method: route.method,
      path: route.path,
      handler: (event: Event) => serve(deps, route, event),
    })),
    notFoundResponse: ({ method, path }) => {
      throw unknownRoute(method, path);
    },
  });
  return withMiddleware<Event, Result>({ timeoutEarlyInMillis: 0 }).use(observe(deps)).handler(router);
}

/** One call of a known route. */
async function serve(deps: ManagementDeps, route: AdminRoute, event: Event): Promise<Result> {
  const request = requestOfEvent(event);
  if (route.open === true) {
    if (route.guarded === true) deps.requireDoor(request, route.path);
    return answerOf(await route.answer(deps, readCall(event, request)));
  }
  // A key in the query is the one a call is about.
  const caller = await deps.authenticate({ ...request, query: new URLSearchParams() }, route.path);
  requireAudience(route.who, caller);
  const changedBy = request.headers['litellm-changed-by'];
  const named = changedBy === undefined ? deps : { ...deps, changedBy };
  return answerOf(await route.answer(named, { ...readCall(event, request), caller }));
}

/**
 * The router knows only "not found"; a path that exists for other verbs is told apart here. `POST /team/nothing` does not: `PATCH
 * /team/{team_id}` would take it for the id of a team, and its caller did not mean one.
 */
function unknownRoute(method: string, path: string): GatewayError {
  const allowed = routesAt(path)
    .filter((route) => !endsAmongWords(route))
    .map((route) => route.method);
  if (allowed.length === 0) {
    const known = routesLike(path).map((route) => `${route.method} ${route.path}`);
    const told = known.length === 0 ? '/openapi.json lists all' : `there are ${known.join(', ')}`;
    return new GatewayError('not_found', `There is no such route in the management API; ${told}.`);
  }
  return new GatewayError('method_not_allowed', `${method} is not allowed here; allowed: ${allowed.join(', ')}`, {
    headers: { allow: allowed.join(', ') },
  });
}

/** Gives each call an id, renders what was thrown, and logs one line: the route's pattern, never the path, which may hold a key. */
function observe(deps: ManagementDeps): MiddlewareObj<Event, Result, Error, Context, { callId?: string; startedAt?: number }> {
  return {
    before({ internal }) {
      internal.startedAt = deps.now();
      internal.callId = newCallId(internal.startedAt, deps.random);
    },
    after(request) {
      finish(request.event, request.internal, request.response ?? answerJson(null), {});
    },
    onError(request) {
      const error = GatewayError.from(request.error);
      const cause = error.status < 500 ? {} : { cause: traceOf(error.detail.cause) };
      request.response = finish(request.event, request.internal, answerError(error), { error: error.kind, ...cause });
    },
  };

  function finish(event: Event, internal: { callId?: string; startedAt?: number }, response: Result, facts: object): Result {
    const { callId = '', startedAt = deps.now() } = internal;
    const { http } = event.requestContext;
    deps.log((response.statusCode ?? 200) >= 500 ? 'error' : 'info', 'management', {
      id: callId,
      method: http.method,
      route: routesAt(http.path)[0]?.path ?? 'unknown',
      status: response.statusCode,
      durationMs: deps.now() - startedAt,
      ...facts,
    });
    response.headers = { ...response.headers, 'x-litellm-call-id': callId };
    return response;
  }
}

/** Name and places of something thrown, without its message: a service may repeat there what it was sent. */
function traceOf(thrown: unknown): { readonly name: string; readonly at: readonly string[] } {
  if (!(thrown instanceof Error)) return { name: typeof thrown, at: [] };
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { name: thrown.name, at: frames.slice(0, 5).map((line) => line.trim()) };
}
