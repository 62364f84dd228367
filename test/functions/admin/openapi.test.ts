import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../../functions/admin/routes.ts';
import { endpoints } from '../../../lib/endpoints/index.ts';
import { createAdmin, type Answer } from './support.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>> };
}
interface Document {
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

  it('describes the body of every route that takes one', () => {
    const silent = ROUTES.filter(({ method, body }) => method !== 'GET' && body === undefined);
    expect(silent.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(BODILESS);
  });
});

/** Routes without a body, or whose body is free. */
const BODILESS: readonly string[] = [
  'DELETE /access_group/{name}/delete',
  'DELETE /credentials/{name}',
  'DELETE /v1/access_group/{id}',
  'POST /global/spend/end_users',
  'POST /key/health',
  'POST /spend/calculate',
];
