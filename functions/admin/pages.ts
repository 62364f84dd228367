/** Management that pages of other origins may call from browsers. */
import type { Cors } from '../../lib/transport/cors.ts';
import type { Headers } from '../../lib/transport/message.ts';
import type { AdminHandler } from './handler.ts';

/** The handler, with answers that browsers show to pages that may call. Function URLs have header names in lower case. */
export function openToPages(handler: AdminHandler, cors: Cors | undefined): AdminHandler {
  if (cors === undefined) return handler;
  return async (event, context) => {
    const asked = cors.preflight(event.requestContext.http.method, event.headers as Headers);
    if (asked !== undefined) return { statusCode: asked.status, headers: { ...asked.headers } };
    const result = await handler(event, context);
    return { ...result, headers: cors.shown((result.headers ?? {}) as Headers, event.headers['origin']) };
  };
}
