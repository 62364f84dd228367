/** Answers of management against what `/openapi.json` says of them: no field more, none less, and no status that is not there. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describeApi } from '../../functions/admin/openapi.ts';
import { ROUTES, routesAt } from '../../functions/admin/routes.ts';

/** An answer as it came. */
export interface Answered {
  readonly method: string;
  /** May have a query. */
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
}

interface Response {
  readonly $ref?: string;
  readonly content?: { readonly 'application/json': { readonly schema: { readonly $ref?: string } } };
}
interface Published {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Response>> }>>>
  >;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('date-time', /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
ajv.addFormat('date', /^\d{4}-\d{2}-\d{2}$/);

/** Made once, when the first answer comes. */
let document: Published | undefined;
function published(): Published {
  if (document === undefined) {
    document = describeApi(ROUTES) as unknown as Published;
    ajv.addSchema(document, 'api');
  }
  return document;
}

const validatorOf = (reference: string): ValidateFunction => {
  published();
  const validator = ajv.getSchema(`api${reference}`);
  if (validator === undefined) throw new Error(`${reference} is no schema`);
  return validator;
};

function requireShape(reference: string, body: unknown, of: string): void {
  const validator = validatorOf(reference);
  if (validator(body)) return;
  const faults = (validator.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
  throw new Error(`${of} is not what /openapi.json says (${reference}):\n${[...new Set(faults)].slice(0, 20).join('\n')}`);
}

/** Throws where an answer is not as published. */
export function requirePublished({ method, path, status, body }: Answered): void {
  const of = `the answer ${status} of ${method} ${path}`;
  const route = routesAt(path.split('?')[0] ?? path).find((one) => one.method === method);
  if (status !== 200) requireShape('#/components/schemas/Error', body, of);
  if (route === undefined) return;
  const responses = published().paths[route.path]?.[method.toLowerCase()]?.responses ?? {};
  if (status < 500 && responses[status] === undefined) {
    throw new Error(`${of} is no status that /openapi.json knows: ${Object.keys(responses).join(', ')}`);
  }
  const reference = responses[200]?.content?.['application/json'].schema.$ref;
  if (reference === undefined)
    throw new Error(`${method} ${route.path}: its answer is not described in functions/admin/answers`);
  if (status === 200) requireShape(reference, body, of);
}
