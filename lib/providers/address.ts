/** Addresses of provider APIs. The base comes from the operator only: a deployment, the environment, or the row. */

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
 * whole path; the base's query stays.
 *
 * @example joinUrl('https://host/v1/', '/v1/messages') === 'https://host/v1/messages'
 */
export function joinUrl(base: string, path: string): string {
  const url = new URL(base);
  const before = segmentsOf(url.pathname);
  const after = segmentsOf(path);
  let overlap = Math.min(before.length, after.length);
  while (overlap > 0 && !after.slice(0, overlap).every((segment, i) => segment === before[before.length - overlap + i]))
    overlap -= 1;
  url.pathname = `/${[...before, ...after.slice(overlap)].join('/')}`;
  return url.href;
}

const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '');
