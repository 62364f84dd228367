import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, it } from 'vitest';
import { ANSWERS } from '../../../functions/admin/answers/index.ts';
import { ROUTES } from '../../../functions/admin/routes.ts';
import { endpoints } from '../../../lib/endpoints/index.ts';
import { requirePublished } from '../../support/published.ts';
import { createAdmin, type Answer } from './support.ts';

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<
      string,
      { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string }; readonly example: unknown }>> }
    >
  >;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>> };
}
interface Document {
  readonly tags: readonly { readonly name: string }[];
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
  };
}

let answer: Answer;
let api: Document;
beforeAll(async () => {
  answer = await createAdmin().call('GET', '/openapi.json', { key: null });
  api = answer.body as unknown as Document;
});

describe('/openapi.json', () => {
  it('is a valid document of OpenAPI 3.1, for everybody', async () => {
    expect(answer.status).toBe(200);
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(answer.body) as Record<string, unknown>);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('has every route of management and every endpoint of the data plane', () => {
    const described = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const all = [
      ...ROUTES.map(({ method, path }) => `${method} ${path}`),
      ...endpoints.map(({ method, route }) => `${method} ${route}`),
    ];
    expect(described.toSorted()).toEqual([...new Set(all)].toSorted());
  });

  it('names each operation once, and every parameter of its path', () => {
    const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids).toEqual([...new Set(ids)]);
    for (const { path, operation } of operations) {
      const named = operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
      expect(named, path).toEqual(path.match(/\{\w+\}/g) ?? []);
    }
  });

  it('says of every family of routes what it is', () => {
    const said = new Set(api.tags.map(({ name }) => name));
    const used = Object.values(api.paths).flatMap((methods) => Object.values(methods).flatMap(({ tags }) => tags));
    expect([...new Set(used)].filter((tag) => !said.has(tag))).toEqual(['openapi.json']);
  });

  it('asks for a key wherever a route does', () => {
    for (const route of ROUTES) {
      const operation = api.paths[route.path]?.[route.method.toLowerCase()];
      expect((operation?.security ?? []).length > 0, route.path).toBe(route.open !== true);
    }
  });

  it('tells bodies field by field, from the schemas that check them', () => {
    const reference = api.paths['/team/new']?.['post']?.requestBody?.content['application/json']?.schema.$ref ?? '';
    const schema = api.components.schemas[reference.replace('#/components/schemas/', '')];
    expect(schema?.properties).toMatchObject({ team_alias: {}, max_budget: {}, members_with_roles: {}, model_rpm_limit: {} });
    expect(reference).toBe(api.paths['/team/update']?.['post']?.requestBody?.content['application/json']?.schema.$ref);
  });

  it('tells the answer of every route, with an example that is as it says and has no secret', () => {
    expect(Object.keys(ANSWERS).toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
    for (const { method, path } of ROUTES) {
      const { schema, example } = api.paths[path]?.[method.toLowerCase()]?.responses[200]?.content['application/json'] ?? {};
      expect(schema?.$ref, path).toMatch(/^#\/components\/schemas\/\w+$/);
      requirePublished({ method, path: path.replaceAll(/\{\w+\}/g, 'x'), status: 200, body: example });
      expect(JSON.stringify(example), path).not.toMatch(/sk-\w{8,}|-----BEGIN/);
    }
  });

  it('takes no answer that has a field too many or too few, or another status', () => {
    const answer = { method: 'GET', path: '/global/spend', status: 200 };
    const body = { spend: 1, max_budget: null, unpriced_requests: 0 };
    const { spend: _missing, ...less } = body;

    expect(() => requirePublished({ ...answer, body })).not.toThrow();
    expect(() => requirePublished({ ...answer, body: { ...body, more: 1 } })).toThrow(
      'additional properties {"additionalProperty":"more"}',
    );
    expect(() => requirePublished({ ...answer, body: less })).toThrow("required property 'spend'");
    expect(() => requirePublished({ ...answer, body: { ...body, spend: '1' } })).toThrow('/spend must be number');
    const error = { error: { message: 'no', type: 'x', param: null, code: '409' } };
    expect(() => requirePublished({ ...answer, status: 409, body: error })).toThrow('is no status that /openapi.json knows');
    expect(() => requirePublished({ ...answer, status: 403, body: {} })).toThrow("required property 'error'");
  });

  it('has what answers share once, with units', () => {
    const { schemas } = api.components;
    expect(Object.keys(schemas)).toEqual(
      expect.arrayContaining([
        'Key',
        'Team',
        'User',
        'Organization',
        'Project',
        'Customer',
        'Budget',
        'Tag',
        'SpendEntry',
        'Receipt',
      ]),
    );
    const described = JSON.stringify(schemas['get_team_info_answer']);
    for (const name of ['Team', 'Key', 'TeamMember']) expect(described).toContain(`#/components/schemas/${name}"`);
    expect(schemas['Key']?.properties).toMatchObject({
      spend: { description: expect.stringMatching(/USD\.$/) as string },
      expires: { description: expect.stringContaining('ISO 8601') as string, format: 'date-time' },
    });
    expect(schemas['SpendEntry']?.properties).toMatchObject({
      total_tokens: { type: 'integer', description: expect.stringContaining('tokens') as string },
      request_duration_ms: { description: expect.stringContaining('milliseconds') as string },
    });
  });

  it('describes the body of every route that takes one', () => {
    const silent = ROUTES.filter(({ method, body }) => method !== 'GET' && body === undefined);
    expect(silent.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(BODILESS);
  });
});

/** Routes without a body, or whose body is free. */
const BODILESS: readonly string[] = [
  'DELETE /access_group/{name}/delete',
  'DELETE /credentials/{name}',
  'DELETE /schedule/model_cost_map_reload',
  'DELETE /v1/access_group/{id}',
  'POST /global/spend/end_users',
  'POST /global/spend/refresh',
  'POST /key/health',
  'POST /reload/model_cost_map',
  'POST /schedule/model_cost_map_reload',
  'POST /spend/calculate',
  'POST /team/{team_id}/disable_logging',
];
