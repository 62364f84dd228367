/** What a token says, once its signature is proven. */
import { isObject } from '../kinds/json.ts';

/** The claims of a token. */
export type Claims = Readonly<Record<string, unknown>>;

/** The value of a claim, by its name or its path: `email`, `https://corp.example/team`, `resource_access.gateway.roles`. */
export function claimAt(claims: Claims, path: string | undefined): unknown {
  if (path === undefined) return undefined;
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const step of path.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** Longest id taken from a claim, characters. */
const LONGEST = 256;

const textOf = (value: unknown): string | undefined => {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  return text === '' || text.length > LONGEST ? undefined : text;
};

/** A claim as one text; of a list, its first. */
export const claimText = (claims: Claims, path: string | undefined): string | undefined => {
  const value = claimAt(claims, path);
  return textOf(Array.isArray(value) ? value[0] : value);
};

/** A claim as a list of texts. */
export function claimTexts(claims: Claims, path: string | undefined): readonly string[] {
  const value = claimAt(claims, path);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((item) => textOf(item) ?? []);
}

/** Scopes of a token: `scope` (words, or a list), or `scp` as Microsoft and Okta have it. */
export function scopesOf(claims: Claims): readonly string[] {
  const given = claims['scope'] ?? claims['scp'];
  if (typeof given === 'string') return given.split(/\s+/).filter((scope) => scope !== '');
  return Array.isArray(given) ? given.filter((scope) => typeof scope === 'string') : [];
}
