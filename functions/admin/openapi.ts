/**
 * The description of the whole API, OpenAPI 3.1: management from the route table, the schemas that check its bodies and those of its answers,
 * the data plane from its endpoints. Loaded when somebody asks for it.
 *
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
import * as z from 'zod/mini';
import { endpoints } from '../../lib/endpoints/index.ts';
import type { JsonObject } from '../../lib/kinds/json.ts';
import type { Audience } from '../../lib/management/rights.ts';
import { ANSWERS } from './answers/index.ts';
import { components, exampleOf, nameOf, refTo } from './answers/schemas.ts';
import { queryParameter } from './parameters.ts';
import { ERROR, ERROR_RESPONSE, errorResponses, refusalName, refusalsOf } from './refusals.ts';
import type { AdminRoute } from './route.ts';

type Endpoint = (typeof endpoints)[number];

/** Where a key may stand. */
const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A virtual key, the master key, or a token of a trusted identity provider.',
  },
  'x-litellm-api-key': { type: 'apiKey', in: 'header', name: 'x-litellm-api-key', description: 'Wins over all other places.' },
  'x-api-key': { type: 'apiKey', in: 'header', name: 'x-api-key', description: "As Anthropic's clients send it." },
  'api-key': { type: 'apiKey', in: 'header', name: 'api-key', description: "As Azure's clients send it." },
  'x-goog-api-key': { type: 'apiKey', in: 'header', name: 'x-goog-api-key', description: "As Google's clients send it." },
  key: {
    type: 'apiKey',
    in: 'query',
    name: 'key',
    description: 'Data plane only: in management the key of a query is the one a call is about.',
  },
} as const;

const MANAGEMENT_KEYS = Object.keys(SECURITY_SCHEMES).filter((name) => name !== 'key');

/** Audiences in words. */
const AUDIENCES: Readonly<Record<Audience, string>> = {
  admin: 'Proxy admins.',
  viewer: 'Proxy admins and proxy_admin_viewers.',
  own: 'Everybody, about what is their own.',
  'own-change': 'Everybody but viewers, about what is their own.',
  'team-member': 'Members of the team, org admins of its organization, and those who see everything.',
  'team-admin': 'Admins of the team, org admins of its organization, proxy admins.',
  'org-member': 'Members of the organization, and those who see everything.',
  'org-admin': 'Org admins of the organization, proxy admins.',
};

/** Families of routes, by the first segment of their paths. */
const TAGS: Readonly<Record<string, string>> = {
  calls: 'Models, in the dialect of the client.',
  key: 'Virtual keys.',
  user: 'Users.',
  team: 'Teams and their members.',
  invitation: 'Links by which users get a key of their own.',
  onboarding: 'What holders of such links do.',
  organization: 'Organizations and their members.',
  project: 'Projects, between team and key.',
  customer: 'Customers: end users of an application.',
  end_user: 'The same, under another name.',
  budget: 'Shared budgets.',
  tag: 'Tags, and who used what under them.',
  access_group: 'Names for lists of models.',
  model: 'Deployments.',
  model_group: 'Names over deployments.',
  public: 'For everybody.',
  reload: 'Prices from a price map.',
  schedule: 'When prices are fetched again.',
  credentials: 'Credentials of providers.',
  cost: 'What calls would cost.',
  spend: 'The ledger.',
  global: 'The whole house.',
  gateway: 'Calls of the whole gateway.',
  provider: 'Providers.',
  management: "LiteLLM's newer lists, and listings that are read on by cursors.",
  receipts: 'Signed receipts.',
  audit: 'Who changed what.',
  jwt: 'Tokens that stand for keys.',
  iam: 'Roles of AWS that stand for keys.',
  health: 'Whether it runs.',
};

const tagOf = (path: string): string => path.split('/').find((part) => part !== '' && !/^v\d+$/.test(part)) ?? 'management';

/** `POST /team/model/add` is `post_team_model_add`. */
const operationId = (method: string, path: string): string =>
  [method.toLowerCase(), ...path.split(/[^A-Za-z0-9]+/).filter((part) => part !== '')].join('_');

/** The parameters of a path, then those of its query. */
const parametersOf = (path: string, query: readonly string[]): readonly JsonObject[] => [
  ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
  ...query.map(queryParameter),
];

const keysOf = (names: readonly string[]): readonly JsonObject[] => names.map((name) => ({ [name]: [] }));

/** Schemas of bodies, each once, under the name of the first route that takes it. */
class Bodies {
  readonly schemas: Record<string, unknown> = { Error: ERROR };
  readonly #names = new Map<z.ZodMiniType, string>();

  refTo(schema: z.ZodMiniType, id: string): JsonObject {
    const name = this.#names.get(schema) ?? `${id}_body`;
    if (!this.#names.has(schema)) {
      this.#names.set(schema, name);
      const { $schema: _dialect, ...described } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
      this.schemas[name] = described;
    }
    return refTo(name);
  }
}

function managementOperation(route: AdminRoute, bodies: Bodies): JsonObject {
  const { method, path, summary, query = [], body } = route;
  const id = operationId(method, path);
  const isOpen = route.open === true;
  const schema = body === undefined ? undefined : bodies.refTo(body, id);
  return {
    operationId: id,
    tags: [tagOf(path)],
    summary,
    ...(isOpen ? {} : { description: `For: ${AUDIENCES[route.who]}`, 'x-tollgate-audience': route.who }),
    security: isOpen ? [] : keysOf(MANAGEMENT_KEYS),
    parameters: parametersOf(path, query),
    ...(schema === undefined
      ? {}
      : { requestBody: { required: method === 'POST', content: { 'application/json': { schema } } } }),
    responses: {
      200: { description: 'Done.', content: answerContent(route, id) },
      ...Object.fromEntries(
        refusalsOf(route).map((status) => [status, { $ref: `#/components/responses/${refusalName(status)}` }]),
      ),
      default: ERROR_RESPONSE,
    },
  };
}

/** The answer of a route; as a table too, where it can be asked for. */
function answerContent({ method, path, query = [] }: AdminRoute, id: string): JsonObject {
  const answered = ANSWERS[`${method} ${path}`];
  const schema = answered === undefined ? {} : refTo(nameOf(answered.ok, `${id}_answer`));
  return {
    'application/json': { schema },
    ...(query.includes('format') ? { 'text/csv': { schema: { type: 'string' } } } : {}),
  };
}

/** Adds to each answer the example that its schema makes. */
function exemplify(operation: JsonObject, schemas: Readonly<Record<string, JsonObject>>): JsonObject {
  const { responses } = operation as { readonly responses: Readonly<Record<string, JsonObject>> };
  const content = responses['200']?.['content'] as Readonly<Record<string, JsonObject>>;
  const json = content['application/json'] as { readonly schema: JsonObject };
  const shown = { ...json, example: exampleOf(json.schema, schemas) };
  return {
    ...operation,
    responses: { ...responses, 200: { ...responses['200'], content: { ...content, 'application/json': shown } } },
  };
}

/** What an endpoint of the data plane is for. */
const KINDS: Readonly<Record<Endpoint['kind'], string>> = {
  generate: 'Ask a model.',
  compact: 'Make a conversation shorter.',
  count: 'Count the input tokens of a request.',
  models: 'Models the caller may use.',
  'stored-response': 'A response that was kept.',
  conversation: 'Conversations and their items.',
  liveliness: 'Alive?',
  readiness: 'Ready to serve?',
};

function dataOperation({ route, method, kind, dialect, paths, stream }: Endpoint): JsonObject {
  const isOpen = kind === 'liveliness' || kind === 'readiness';
  const others = paths.map((path) => path.replace('{rest}', '{model}')).filter((path) => path !== route);
  const content = { 'application/json': { schema: { type: 'object' } } };
  const streams = kind === 'generate' && stream !== false;
  return {
    operationId: operationId(method, route),
    tags: ['calls'],
    summary: KINDS[kind],
    description: [
      `In the dialect ${dialect}; bodies and errors are those of its documentation.`,
      ...(others.length === 0 ? [] : [`Also at: ${others.join(', ')}.`]),
    ].join(' '),
    security: isOpen ? [] : keysOf(Object.keys(SECURITY_SCHEMES)),
    parameters: parametersOf(route, []),
    ...(method === 'POST' ? { requestBody: { required: true, content } } : {}),
    responses: {
      200: {
        description: 'The answer.',
        content: streams ? { ...content, 'text/event-stream': { schema: { type: 'string' } } } : content,
      },
      default: { description: "An error, in the dialect's form.", content },
    },
  };
}

/** The document over a route table. */
export function describeApi(routes: readonly AdminRoute[]): JsonObject {
  const bodies = new Bodies();
  const managed = routes.map((route) => ({ route, operation: managementOperation(route, bodies) }));
  // Once every answer has its name.
  const schemas = components();
  const paths: Record<string, Record<string, unknown>> = {};
  const add = (path: string, method: string, operation: JsonObject): void => {
    (paths[path] ??= {})[method.toLowerCase()] ??= operation;
  };
  for (const { route, operation } of managed) add(route.path, route.method, exemplify(operation, schemas));
  for (const endpoint of endpoints) add(endpoint.route, endpoint.method, dataOperation(endpoint));
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tollgate',
      version: '1',
      description:
        "An AI gateway: calls in every client's own dialect, and LiteLLM's management routes. On AWS calls and management are two " +
        'addresses; on one machine they are one.',
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { ...schemas, ...bodies.schemas },
      securitySchemes: SECURITY_SCHEMES,
      responses: errorResponses(),
    },
  };
}
