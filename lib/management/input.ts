/**
 * The door of the management API: every field that comes in is checked here, and a fault names the field, what is allowed and,
 * where it cannot be a secret, the value seen.
 */
import * as z from 'zod/mini';
import { faultOfId, LONGEST_ID } from '../domain/id.ts';
import { parseUsd } from '../domain/money.ts';
import { GatewayError } from '../errors.ts';

/** Fields whose value is never repeated in an error. */
const SECRET_FIELD = /key|token|secret|password|credential|headers/i;

/** What may be said of a value in an error: short and harmless ones are shown, others described. */
function describe(value: unknown, path: string): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value !== 'string') return 'an object';
  const harmless = value.length <= 16 && !SECRET_FIELD.test(path) && !value.startsWith('sk-');
  return harmless ? JSON.stringify(value) : `a string of ${value.length} characters`;
}

/** The value at a path of `root`. */
const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | null | undefined)?.[step], root);

/** `models[0]`, `litellm_params.api_base`. */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? String(step) : `.${String(step)}`))
    .join('');

/**
 * The value as the schema has it. `at` is the name of the field the value came from; absent for a whole body.
 *
 * @throws GatewayError `invalid_request` for the first fault: `max_budget: expected an amount in USD, got -1`.
 */
export function check<T>(schema: z.ZodMiniType<T>, value: unknown, at?: string): T {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const inner = issue?.path ?? [];
  const path = pathText(at === undefined ? inner : [at, ...inner]);
  const name = path === '' ? 'body' : path;
  const fault = `${name}: ${issue?.message ?? 'not valid'}, got ${describe(valueAt(value, inner), path)}`;
  throw new GatewayError('invalid_request', fault, { param: name });
}

/** Non-empty text of at most `max` characters, without control characters and halves of characters. */
export const text = (max = 256): z.ZodMiniType<string> => {
  const expected = `expected a text of 1 to ${max} characters without control characters`;
  return z
    .string(expected)
    .check(z.minLength(1, expected), z.maxLength(max, expected), z.regex(/^[^\p{Cc}\p{Cs}]*$/u, expected));
};

/** What is wrong with an id; `expected` where something else is no id at all. */
export const idFault =
  (expected: string) =>
  ({ input }: { readonly input?: unknown }): string =>
    (typeof input === 'string' ? faultOfId(input) : undefined) ?? expected;

/** An id of an owner, or the name of a model: text that the keys of stored items have room for. */
export const ownerId = (): z.ZodMiniType<string> =>
  text(LONGEST_ID).check(z.refine((value) => faultOfId(value) === undefined, { error: idFault('expected an id') }));

/** A JSON number, or its text in the form of `pattern`, that passes `isValid`. */
const numeric = (expected: string, pattern: RegExp, isValid: (value: number) => boolean) =>
  z
    .union([z.number(), z.string().check(z.regex(pattern, expected))], expected)
    .check(z.refine((value) => isValid(Number(value)), expected));

/** A whole number, 0 or more; digits in a string count too. */
export const count: z.ZodMiniType<number> = z.pipe(
  numeric('expected a whole number, 0 or more', /^\d{1,15}$/, (value) => Number.isSafeInteger(value) && value >= 0),
  z.transform(Number),
);

/**
 * A whole number of a query.
 *
 * @throws GatewayError `invalid_request` when it is none from 1 to `most`
 */
export function numberIn(value: string | undefined, param: string, initial: number, most: number): number {
  if (value === undefined) return initial;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number >= 1 && number <= most) return number;
  throw new GatewayError('invalid_request', `${param}: expected a whole number from 1 to ${most}`, { param });
}

const MAX_USD = 1e12;

/** An amount in USD, as 1e-12 USD. The text form is bounded, so that no exponent makes a number of a million digits. */
export const usd: z.ZodMiniType<bigint> = z.pipe(
  numeric(
    `expected an amount in USD between 0 and ${MAX_USD}`,
    /^\d{1,13}(\.\d{1,20})?([eE][+-]?\d{1,2})?$/,
    (value) => value >= 0 && value <= MAX_USD,
  ),
  z.transform(parseUsd),
);

/** Seconds, as milliseconds. */
export const seconds: z.ZodMiniType<number> = z.pipe(
  numeric('expected seconds, more than 0 and at most 86400', /^\d{1,5}(\.\d{1,9})?$/, (value) => value > 0 && value <= 86_400),
  z.transform((value) => Math.max(1, Math.round(Number(value) * 1000))),
);

/** true or false. */
export const flag: z.ZodMiniType<boolean> = z.boolean('expected true or false');

/** A list of texts. */
export const names: z.ZodMiniType<string[]> = z
  .array(text(LONGEST_ID), 'expected a list of texts')
  .check(z.maxLength(1000, 'expected a list of at most 1000 texts'));

/** A list of ids. */
export const ownerIds: z.ZodMiniType<string[]> = z
  .array(ownerId(), 'expected a list of texts')
  .check(z.maxLength(1000, 'expected a list of at most 1000 texts'));

/** A map from names to models. */
export const modelMap: z.ZodMiniType<Record<string, string>> = z.record(z.string(), ownerId(), 'expected an object of texts');

/** A map from text to text. */
export const textMap: z.ZodMiniType<Record<string, string>> = z.record(z.string(), text(2048), 'expected an object of texts');

const FREE_BYTES = 65_536;

/** A free JSON object of at most 64 KiB. */
export const freeObject: z.ZodMiniType<Record<string, unknown>> = z
  .record(z.string(), z.unknown(), 'expected an object')
  .check(
    z.refine((value) => Buffer.byteLength(JSON.stringify(value)) <= FREE_BYTES, 'expected an object of at most 65536 bytes'),
  );

/** True for what clients send to say nothing: null, false, 0-length text, list or object. */
export function saysNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  if (typeof value !== 'object') return false;
  return Object.keys(value).length === 0;
}

/** The refusal of a field that nobody would honour. */
export const unsupported = (param: string, reason: string): GatewayError =>
  new GatewayError(
    'invalid_request',
    `${param}: not supported (${reason}); leave it out (null and empty values are accepted)`,
    { param },
  );
