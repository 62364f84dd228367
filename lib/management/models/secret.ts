/** How provider credentials are written in the secret store: a JSON object of LiteLLM's field names, `{"api_key": "..."}`. */
import { isObject } from '../../kinds/json.ts';

/** Values by field name: `api_key`, `api_base`, ... */
export type SecretValues = Readonly<Record<string, string>>;

/** Text for the secret store. */
export const writeSecret = (values: SecretValues): string => JSON.stringify(values);

/** Values of a secret. Text that is no JSON object is an `api_key`, so that a secret made by hand works too. */
export function readSecret(stored: string): SecretValues {
  let parsed: unknown;
  try {
    parsed = JSON.parse(stored);
  } catch {
    return { api_key: stored.trim() };
  }
  if (!isObject(parsed)) return { api_key: stored.trim() };
  return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
