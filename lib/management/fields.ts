/** Bodies of management: what a family of routes knows, what is kept without a meaning here, and what is refused. */
import type * as z from 'zod/mini';
import { GatewayError } from '../errors.ts';
import type { JsonObject } from '../kinds/json.ts';
import { check, freeObject, saysNothing } from './input.ts';

/** Fields of LiteLLM about things this gateway has none of: nobody is promised anything by keeping them. */
const KEPT: ReadonlySet<string> = new Set([
  'object_permission',
  'prompts',
  'allowed_vector_store_indexes',
  'allowed_passthrough_routes',
]);

/** Values that ask for nothing but what happens anyway; kept so that clients read what they wrote. */
export const HARMLESS: ReadonlyMap<string, readonly unknown[]> = new Map([
  ['rpm_limit_type', ['best_effort_throughput']],
  ['tpm_limit_type', ['best_effort_throughput']],
]);

/** Names of fields that a record keeps and shows as they were given. */
export const KEPT_FIELDS: readonly string[] = [...KEPT, ...HARMLESS.keys()];

/** Entries of `metadata` that LiteLLM acts upon; kept without an effect they would promise something. */
const METADATA_RULES = ['guardrails', 'disable_global_guardrails', 'policies', 'logging', 'tag_rpm_limit', 'max_iterations'];

/** Entries of `metadata` under which LiteLLM keeps limits: they count as given beside it. */
const METADATA_LIMITS = ['model_rpm_limit', 'model_tpm_limit'];

type Shape = Readonly<Record<string, z.ZodMiniType>>;

/** A body, taken apart. */
export interface Body<T> {
  readonly fields: T;
  /** Fields to keep as they are; null takes one away. */
  readonly kept: JsonObject;
}

const refuse = (param: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: not supported yet; leave it out (null and empty values are accepted)`, {
    param,
  });

/** The refusal of a value that asks for more than what happens anyway; undefined for a field of another kind. */
export function refuseValue(param: string, value: unknown): GatewayError | undefined {
  const allowed = HARMLESS.get(param)?.join(', ');
  if (allowed === undefined) return undefined;
  const fault = `${param}: not supported: ${JSON.stringify(value)}; allowed is ${allowed}, limits hold as they are given`;
  return new GatewayError('invalid_request', fault, { param });
}

/**
 * Checks a body against the schema of its route. Fields the schema does not know are refused, unless they ask for nothing.
 *
 * @throws GatewayError `invalid_request` that names the field
 */
export function readBody<S extends Shape>(schema: z.ZodMiniObject<S>, body: JsonObject): Body<z.infer<z.ZodMiniObject<S>>> {
  const { shape } = schema.def;
  const kept: Record<string, unknown> = {};
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (Object.hasOwn(shape, name)) known[name] = value;
    else if (KEPT.has(name) || HARMLESS.get(name)?.includes(value) === true) kept[name] = saysNothing(value) ? null : value;
    else if (!saysNothing(value)) throw refuseValue(name, value) ?? refuse(name);
  }
  check(freeObject, kept, 'object_permission');
  if ('metadata' in shape) liftLimits(known, shape);
  return { fields: check(schema, known), kept };
}

/** Moves limits out of `metadata`, and refuses what is left of LiteLLM's rules there. */
function liftLimits(known: Record<string, unknown>, shape: Shape): void {
  const { metadata } = known;
  if (typeof metadata !== 'object' || metadata === null) return;
  const rest: Record<string, unknown> = { ...metadata };
  for (const name of METADATA_LIMITS) {
    if (!(name in shape) || rest[name] === undefined) continue;
    known[name] ??= rest[name];
    delete rest[name];
  }
  for (const name of METADATA_RULES) if (!saysNothing(rest[name])) throw refuse(`metadata.${name}`);
  known['metadata'] = rest;
}

/** What a record keeps after a change. */
export function keptAfter(old: JsonObject | undefined, change: JsonObject): { readonly kept?: JsonObject } {
  const kept = Object.fromEntries(Object.entries({ ...old, ...change }).filter(([, value]) => value !== null));
  return Object.keys(kept).length === 0 ? {} : { kept };
}
