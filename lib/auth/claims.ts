/** What a token says, once its signature is proven. */
import { LONGEST_ID, requireId } from '../domain/id.ts';
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

/** Longest word taken from a claim, characters. */
const LONGEST = LONGEST_ID;

const wordOf = (value: unknown): string | undefined =>
  (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined;

const textOf = (value: unknown): string | undefined => {
  const word = wordOf(value);
  return word === undefined || word.length > LONGEST ? undefined : word;
};

/** A claim as one text; of a list, its first. */
export const claimText = (claims: Claims, path: string | undefined): string | undefined => {
  const value = claimAt(claims, path);
  return textOf(Array.isArray(value) ? value[0] : value);
};

/**
 * A claim as the id of an owner; of a list, its first.
 *
 * @throws GatewayError `invalid_request` for one that can be no id: a caller without its owner would be one without the owner's limits
 */
export function claimedId(claims: Claims, path: string | undefined): string | undefined {
  const value = claimAt(claims, path);
  const word = wordOf(Array.isArray(value) ? value[0] : value);
  return word === undefined ? undefined : requireId(word, path ?? '');
}

/** A claim as a list of texts; those that are too long to name anything here are left out. */
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
