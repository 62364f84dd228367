/** Errors as the document tells them: their shape, and which statuses a route can answer. */
import type { JsonObject } from '../../lib/kinds/json.ts';
import { ANSWERS } from './answers/index.ts';
import { refTo } from './answers/schemas.ts';
import type { AdminRoute } from './route.ts';

/** LiteLLM's shape of errors. */
export const ERROR: JsonObject = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string', description: 'What is wrong, the value seen, what is allowed.' },
        type: { type: 'string' },
        param: { type: ['string', 'null'], description: 'The field that is wrong.' },
        code: { type: 'string', description: 'The HTTP status, as text.' },
      },
    },
  },
};

/** Refusals in words, and an example of each: status, type, message, field. */
const REFUSALS: Readonly<
  Record<number, readonly [name: string, description: string, type: string, message: string, param?: string]>
> = {
  400: [
    'Invalid',
    'A field or parameter is wrong, or not supported.',
    'invalid_request_error',
    'max_budget: expected an amount in USD between 0 and 1000000000000, got -1',
    'max_budget',
  ],
  401: ['Unauthenticated', 'No key, or one that is unknown, blocked or expired.', 'auth_error', 'No API key was sent.'],
  403: [
    'Forbidden',
    'The caller may not do this, or not see that.',
    'auth_error',
    'You may not change this team. A proxy admin can.',
  ],
  404: ['NotFound', 'There is no such thing.', 'not_found_error', "team not found: 't' does not exist.", 'team_id'],
  409: [
    'Conflict',
    'There is one already, or others changed it at the same time: then the call may be repeated.',
    'invalid_request_error',
    "team_id: a team with id 't' exists already",
    'team_id',
  ],
  413: ['TooLarge', 'The body is longer than 1 MiB.', 'invalid_request_error', 'body: at most 1048576 bytes, got 2000000'],
  503: ['Unavailable', 'Not now; the call may be repeated.', 'internal_server_error', 'The database did not answer.'],
};

const ERROR_SCHEMA = refTo('Error');
/** For every status that is not told apart. */
export const ERROR_RESPONSE = { $ref: '#/components/responses/Error' };

/** Answers that are errors, as components. */
export const errorResponses = (): JsonObject => ({
  Error: { description: 'An error.', content: { 'application/json': { schema: ERROR_SCHEMA } } },
  ...Object.fromEntries(
    Object.entries(REFUSALS).map(([code, [name, description, type, message, param = null]]) => [
      name,
      {
        description,
        content: { 'application/json': { schema: ERROR_SCHEMA, example: { error: { message, type, param, code } } } },
      },
    ]),
  ),
});

/** Name of the component of a status. */
export const refusalName = (status: number): string => REFUSALS[status]?.[0] ?? 'Error';

/** Statuses that a route can answer besides 200: those that follow from what it takes, and its own. */
export function refusalsOf(route: AdminRoute): readonly number[] {
  const { method, path, query = [] } = route;
  const hasBody = method !== 'GET';
  const takes = hasBody || query.length > 0 || path.includes('{');
  const own = ANSWERS[`${method} ${path}`]?.refusals ?? [];
  if (route.open === true && route.guarded !== true) return own;
  const door = route.open === true ? [403] : [401, 403];
  return [...(takes ? [400] : []), ...door, ...(hasBody ? [413] : []), ...own].toSorted((one, other) => one - other);
}
