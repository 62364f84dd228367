import { expect, it } from 'vitest';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { GatewayError } from '../../../lib/errors.ts';
import { createDispatcher, eventOfRequest } from '../../../lib/local/dispatcher.ts';
import { requestOfEvent } from '../../../lib/transport/function-url.ts';
import type { HttpRequest } from '../../../lib/transport/message.ts';

const request: HttpRequest = {
  method: 'POST',
  path: '/credentials/a%2Fb',
  query: new URLSearchParams('page=1&name=a%26b'),
  headers: { 'content-type': 'application/json', cookie: 'a=1; b=2', host: 'gateway.local:4000' },
  body: Buffer.from('{"name":"ü"}'),
  ip: '127.0.0.2',
};

it('makes of a request the event that the function shell reads back as the same request', () => {
  const event = eventOfRequest(request, 1_700_000_000_000);

  const read = requestOfEvent(event);

  expect({ ...read, query: String(read.query), body: Buffer.from(read.body).toString() }).toEqual({
    ...request,
    query: String(request.query),
    body: '{"name":"ü"}',
  });
  expect(event.requestContext).toMatchObject({ timeEpoch: 1_700_000_000_000, domainPrefix: 'gateway' });
});

it('sends management to its function and everything else to the gateway', async () => {
  const seen: [APIGatewayProxyEventV2, Context][] = [];
  const context = { receivedAt: Date.now(), deadline: Date.now() + 60_000 };
  const dispatcher = createDispatcher({
    gateway: {
      handle: (given) =>
        Promise.resolve({
          status: 200,
          headers: {},
          body: Buffer.from(given.path),
          done: Promise.resolve({ status: 'success' as const }),
        }),
      refuse: async (path, error) => ({ status: error.status, headers: {}, body: Buffer.from(path) }),
    },
    admin: (event, lambda) => {
      seen.push([event, lambda]);
      return Promise.resolve({ statusCode: 201, headers: { 'X-Answer': 7 }, body: 'b2s=', isBase64Encoded: true });
    },
    isManagement: (path) => path.startsWith('/credentials'),
  });

  const managed = await dispatcher.handle(request, context);
  const served = await dispatcher.handle({ ...request, path: '/v1/models' }, context);

  expect(managed).toEqual({ status: 201, headers: { 'x-answer': '7' }, body: Buffer.from('ok') });
  expect(served.body).toEqual(Buffer.from('/v1/models'));
  expect(seen).toHaveLength(1);
  expect(seen[0]?.[1].getRemainingTimeInMillis()).toBeGreaterThan(0);
  expect((await dispatcher.refuse('/x', new GatewayError('too_large', 'too large'))).status).toBe(413);
});
