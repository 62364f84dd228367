/**
 * Cross-origin calls: which pages in browsers may call the gateway and read its answers.
 *
 * Keys are bearer tokens that a page has to know; nothing a browser adds by itself (cookies, client certificates) says who calls. So
 * credentials are never allowed, and with that any origin may be.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
import type { Headers, HttpReply } from './message.ts';

/** What pages of other origins are told. */
export interface Cors {
  /** The answer to a browser that asks before it calls; undefined for other requests, and for pages that may not call. */
  preflight(method: string, headers: Headers): HttpReply | undefined;
  /** The headers of an answer, and those that let a page of this origin read it; as they are where it may not. */
  shown(headers: Headers, origin: string | undefined): Headers;
}

/** How long a browser may remember the answer, seconds: the most that Chrome does. */
const MAX_AGE = '7200';
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/**
 * The rules for these origins (`https://chat.example.com`); `*` stands for all.
 *
 * @returns undefined where no page of another origin may call
 */
export function createCors(origins: readonly string[]): Cors | undefined {
  if (origins.length === 0) return undefined;
  const any = origins.includes('*');
  const listed = new Set(origins);

  const shown = (headers: Headers, origin: string | undefined): Headers => {
    if (origin === undefined || !(any || listed.has(origin))) return headers;
    const allowed = any
      ? { 'access-control-allow-origin': '*' }
      : { 'access-control-allow-origin': origin, vary: withOrigin(headers['vary']) };
    return { ...headers, ...allowed, 'access-control-expose-headers': '*' };
  };

  return {
    shown,
    preflight(method, headers) {
      const { origin } = headers;
      const isAsked = method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
      if (!isAsked || origin === undefined || !(any || listed.has(origin))) return undefined;
      // `*` would leave out `authorization`: the headers that are asked for are named again.
      const wanted = headers['access-control-request-headers'];
      return {
        status: 204,
        headers: {
          ...shown({}, origin),
          'access-control-allow-methods': METHODS,
          ...(wanted === undefined ? {} : { 'access-control-allow-headers': wanted }),
          'access-control-max-age': MAX_AGE,
        },
        body: new Uint8Array(),
      };
    },
  };
}

/** What an answer varies with, and the page's origin. */
const withOrigin = (vary: string | undefined): string => (vary === undefined || vary === '' ? 'origin' : `${vary}, origin`);
