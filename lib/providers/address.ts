/** Addresses of provider APIs. The base comes from the operator only: a deployment, the environment, or the row. */
import { GatewayError } from '../errors.ts';

/**
 * What is wrong with a base URL, for the operator who wrote it; undefined when nothing is.
 *
 * @example faultOfBase('ftp://x') === 'expected an address that begins with http:// or https://'
 */
export function faultOfBase(base: string): string | undefined {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return 'expected an address that begins with http:// or https://';
  }
  if (url.username !== '' || url.password !== '') return 'expected an address without user name and password; use api_key';
  if (url.hash !== '') return 'expected an address without a fragment (#)';
  return undefined;
}

/**
 * Base and path as one address. Segments at the seam that both have are written once, so a base may end with `/v1` or with the
 * whole path; the base's query stays, that of the path is added.
 *
 * @example joinUrl('https://host/v1/', '/v1/messages') === 'https://host/v1/messages'
 */
export function joinUrl(base: string, path: string): string {
  const url = new URL(base);
  const [bare = '', query = ''] = path.split('?', 2);
  const before = segmentsOf(url.pathname);
  const after = segmentsOf(bare);
  let overlap = Math.min(before.length, after.length);
  while (overlap > 0 && !after.slice(0, overlap).every((segment, i) => segment === before[before.length - overlap + i]))
    overlap -= 1;
  url.pathname = `/${[...before, ...after.slice(overlap)].join('/')}`;
  for (const [name, value] of new URLSearchParams(query)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * A base with a model's name below it, whose slashes stay: `org/model`.
 *
 * @throws GatewayError `invalid_request` for a name that leads elsewhere.
 */
export function belowBase(base: string, model: string): string {
  const segments = model.split('/');
  if (segments.some((segment) => /^\.{0,2}$/.test(segment))) {
    throw new GatewayError('invalid_request', 'model: expected names between its slashes.', { param: 'model' });
  }
  return joinUrl(base, `/${segments.map(encodeURIComponent).join('/').replaceAll('%40', '@')}`);
}

/** What may stand in a host for an account or a region; nothing that ends the host or begins another part of the address. */
const HOST_PART = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i;

const PLACE = /\{([a-z_]+)\}/g;

type Values = Readonly<Record<string, string>>;

/**
 * A base with `{name}` replaced. A value that could lead to another host counts as missing.
 *
 * @param missing makes the error for a name without a usable value
 */
export const fillHost = (template: string, values: Values, missing: (name: string) => Error): string =>
  template.replace(PLACE, (_place, name: string) => {
    const value = values[name];
    if (value === undefined || !HOST_PART.test(value)) throw missing(name);
    return value;
  });

/**
 * A path with `{name}` replaced by its value, percent-encoded so that it stays one segment.
 *
 * @param missing makes the error for a name without a value
 */
export const fillPath = (template: string, values: Values, missing: (name: string) => Error): string =>
  template.replace(PLACE, (_place, name: string) => {
    const value = values[name];
    if (value === undefined || value === '' || value === '.' || value === '..') throw missing(name);
    return encodeURIComponent(value);
  });

const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '');
