/** Parameters that a request has to carry: the gateway's, and those of the key. */
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';

/** True when the body has a field, by its path: `user`, `metadata.generation_name`. */
function has(body: JsonObject, path: string): boolean {
  let value: unknown = body;
  for (const step of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return false;
    value = value[step];
  }
  return value !== undefined && value !== null;
}

/**
 * Checks a body as it was sent. The master key is bound by the gateway's list alone.
 *
 * @param always paths that every request has to carry
 * @throws GatewayError `invalid_request` naming the first that is missing
 */
export function requireParams({ caller }: Exchange, body: JsonObject, always: readonly string[] = []): void {
  const own = caller?.type === 'key' ? (caller.key.enforcedParams ?? []) : [];
  const missing = [...always, ...own].find((path) => !has(body, path));
  if (missing === undefined) return;
  throw new GatewayError('invalid_request', `BadRequest please pass param=${missing} in request body`, {
    param: missing,
    code: 'missing_required_param',
  });
}
