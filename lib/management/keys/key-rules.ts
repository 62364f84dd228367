/** The operator's rules for new keys: defaults for what is not said, and bounds of what may be (LiteLLM's `..._key_generate_params`). */
import * as z from 'zod/mini';
import { addDuration, parseDuration } from '../../domain/duration.ts';
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';

const amount = z.number('expected a number').check(z.nonnegative('expected a number, 0 or more'));
const span = z.string('expected a duration such as 30d').check(z.refine(isSpan, 'expected a duration such as 30d'));

/** Bounds by field; a field without one is free. */
export const keyBounds = z.strictObject(
  {
    max_budget: z.optional(amount),
    rpm_limit: z.optional(amount),
    tpm_limit: z.optional(amount),
    max_parallel_requests: z.optional(amount),
    budget_duration: z.optional(span),
    duration: z.optional(span),
  },
  'expected {max_budget, rpm_limit, tpm_limit, max_parallel_requests, budget_duration, duration}',
);

/** Rules for keys. */
export interface KeyRules {
  /** Fields of `/key/generate` that hold where a caller says nothing. */
  readonly defaults?: JsonObject;
  readonly bounds?: z.infer<typeof keyBounds>;
}

function isSpan(value: string): boolean {
  try {
    return lengthOf(value) > 0;
  } catch {
    return false;
  }
}

/** Milliseconds of a duration from the epoch on; LiteLLM's `-1` never ends. */
const lengthOf = (value: string): number => (value === '-1' ? Infinity : addDuration(0, parseDuration(value)));

const measure = (name: string, value: unknown): number => (name.endsWith('duration') ? lengthOf(String(value)) : Number(value));

/**
 * A body with defaults filled in, and bounds for what is not said.
 *
 * @throws GatewayError `invalid_request` for a value above its bound
 */
export function ruledBody(body: JsonObject, { defaults = {}, bounds = {} }: KeyRules): JsonObject {
  const said = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null && value !== undefined));
  const full = { ...bounds, ...defaults, ...said };
  requireBounds(full, bounds);
  return full;
}

/**
 * Checks changes of a key: what is set must be within bounds, and what has one cannot be taken away.
 *
 * @throws GatewayError `invalid_request`
 */
export function requireBounds(body: JsonObject, bounds: KeyRules['bounds'] = {}): void {
  for (const [name, bound] of Object.entries(bounds)) {
    if (!(name in body) || body[name] === undefined) continue;
    const value = body[name];
    if (value !== null && measure(name, value) <= measure(name, bound)) continue;
    const shown = JSON.stringify(value)?.slice(0, 40);
    const fault = `${name} is over max limit set in config - user_value=${shown}; max_value=${String(bound)}`;
    throw new GatewayError('invalid_request', fault, { param: name });
  }
  requireTotal(body, bounds.max_budget);
}

/** What a budget is increased by for a while counts with it; what is not said beside it may be all that is allowed. */
function requireTotal({ max_budget: own, temp_budget_increase: increase }: JsonObject, bound: number | undefined): void {
  if (bound === undefined || increase === undefined || increase === null || Number(increase) === 0) return;
  if (Number(own ?? bound) + Number(increase) <= bound) return;
  const fault = `temp_budget_increase: expected max_budget beside it, and both together at most ${bound}, the limit set in config`;
  throw new GatewayError('invalid_request', fault, { param: 'temp_budget_increase' });
}
