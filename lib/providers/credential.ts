/** Credentials as rows read them: one key, or several fields in one JSON object. */
import { isObject } from '../kinds/json.ts';
import type { Provider, Values } from './provider.ts';

/**
 * The fields of a credential: the texts of a JSON object, or the whole text as `api_key`.
 *
 * @example fieldsOf('sk-1') // { api_key: 'sk-1' }
 */
export function fieldsOf(credential: string | undefined): Values {
  const text = credential?.trim() ?? '';
  if (text === '') return {};
  if (!text.startsWith('{')) return { api_key: text };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { api_key: text };
  }
  if (!isObject(value)) return { api_key: text };
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''),
  );
}

/** Everything in a credential that must not be seen, also as a part of headers and addresses. */
export function secretsIn(credential: string | undefined): readonly string[] {
  if (credential === undefined) return [];
  const values = [credential, ...Object.values(fieldsOf(credential))];
  return [...new Set(values.flatMap((value) => [value, encodeURIComponent(value)]))];
}

/** True for a row that wants the credential whole, since it may have several fields. */
export const wantsFields = ({ secrets }: Provider): boolean => secrets !== undefined;
