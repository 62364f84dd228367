/** A service that pages of other origins may call from browsers. */
import type { Cors } from '../../lib/transport/cors.ts';
import type { HttpReply } from '../../lib/transport/message.ts';
import type { Service } from './shell.ts';

/** The service, with answers that browsers show to pages that may call; requests that come from no page go straight to it. */
export function openToPages(service: Service, cors: Cors | undefined): Service {
  if (cors === undefined) return service;
  const shown = <R extends HttpReply>(reply: R, origin: string): R => ({
    ...reply,
    headers: cors.shown(reply.headers, origin),
  });
  return {
    handle(request, context) {
      const { origin } = request.headers;
      if (origin === undefined) return service.handle(request, context);
      const asked = cors.preflight(request.method, request.headers);
      if (asked !== undefined) return Promise.resolve(asked);
      return service.handle(request, context).then((reply) => shown(reply, origin));
    },
    refuse(path, error, origin) {
      const reply = service.refuse(path, error);
      return origin === undefined ? reply : reply.then((refusal) => shown(refusal, origin));
    },
  };
}
