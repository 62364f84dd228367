import { Readable } from 'node:stream';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { replyToEvent, requestOfEvent } from '../../../lib/transport/function-url.ts';

function event(more: Partial<LambdaFunctionURLEvent> = {}): LambdaFunctionURLEvent {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/v1/models/openai%2Fgpt-5',
    rawQueryString: 'key=a%20b&x=1&x=2',
    headers: { 'content-type': 'application/json', 'X-Api-Key': 'k' },
    requestContext: {
      accountId: '123456789012',
      apiId: 'abc',
      domainName: 'abc.lambda-url.us-east-1.on.aws',
      domainPrefix: 'abc',
      http: { method: 'POST', path: '/v1/models/openai/gpt-5', protocol: 'HTTP/1.1', sourceIp: '203.0.113.9', userAgent: 'x' },
      requestId: 'id',
      routeKey: '$default',
      stage: '$default',
      time: '22/Nov/2026:10:00:00 +0000',
      timeEpoch: 1_795_341_600_000,
    },
    isBase64Encoded: false,
    ...more,
  };
}

async function* twoPieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('data: 1\n\n');
  yield Buffer.from('data: 2\n\n');
}

/** The event of a URL that checks signatures. */
const signed = (iam: object | null): LambdaFunctionURLEvent => {
  const plain = event();
  return { ...plain, requestContext: { ...plain.requestContext, authorizer: { iam } } } as LambdaFunctionURLEvent;
};

describe('who signed a request', () => {
  const iam = { userArn: 'arn:aws:sts::1:assumed-role/app/s', accountId: '1', callerId: 'A:s', principalOrgId: 'o-1' };

  it('is what Lambda says in the context of the request', () => {
    expect(requestOfEvent(signed({ ...iam, accessKey: 'AKIA', cognitoIdentity: null })).iam).toEqual(iam);
    expect(requestOfEvent(signed({ ...iam, principalOrgId: null })).iam).not.toHaveProperty('principalOrgId');
  });

  it('is nobody where Lambda says nothing, whatever the client says', () => {
    const claims = { authorizer: JSON.stringify({ iam }), 'x-amzn-iam-user-arn': iam.userArn, 'x-tollgate-iam': iam.userArn };
    for (const one of [
      event({ headers: claims }),
      event({ body: JSON.stringify({ requestContext: { authorizer: { iam } } }) }),
      signed(null),
      signed({ userArn: null }),
    ]) {
      expect(requestOfEvent(one)).not.toHaveProperty('iam');
    }
  });
});

const unexpected = (error: unknown): void => {
  throw error;
};

const textOf = async (body: string | Readable): Promise<string> => {
  if (typeof body === 'string') return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
};

describe('an event', () => {
  it('becomes a request', () => {
    const request = requestOfEvent(event({ body: '{"a":"é"}', cookies: ['a=1', 'b=2'] }));

    expect(request).toMatchObject({
      method: 'POST',
      path: '/v1/models/openai%2Fgpt-5',
      headers: { 'content-type': 'application/json', 'x-api-key': 'k', cookie: 'a=1; b=2' },
      ip: '203.0.113.9',
    });
    expect(request.query.getAll('x')).toEqual(['1', '2']);
    expect(request.query.get('key')).toBe('a b');
    expect(Buffer.from(request.body).toString()).toBe('{"a":"é"}');
  });

  it('keeps bytes that are no text', () => {
    const bytes = Buffer.from([0, 255, 128, 10]);

    const request = requestOfEvent(event({ body: bytes.toString('base64'), isBase64Encoded: true }));

    expect(Buffer.from(request.body)).toEqual(bytes);
  });

  it('without a body has an empty one', () => {
    expect(requestOfEvent(event()).body.byteLength).toBe(0);
  });
});

describe('a reply', () => {
  it('of bytes keeps them', async () => {
    const reply = replyToEvent({ status: 429, headers: { 'retry-after': '1' }, body: Buffer.from('{"é":1}') }, unexpected);

    expect(reply).toMatchObject({ statusCode: 429, headers: { 'retry-after': '1' } });
    expect(await textOf(reply.body)).toBe('{"é":1}');
  });

  it('without bytes is empty text', () => {
    expect(replyToEvent({ status: 204, headers: {}, body: new Uint8Array() }, unexpected).body).toBe('');
  });

  it('moves cookies to their place', () => {
    const reply = replyToEvent({ status: 200, headers: { 'set-cookie': 'a=1', x: 'y' }, body: new Uint8Array() }, unexpected);

    expect(reply).toMatchObject({ headers: { x: 'y' }, cookies: ['a=1'] });
    expect(reply.headers).not.toHaveProperty('set-cookie');
  });

  it('that streams, streams', async () => {
    const reply = replyToEvent({ status: 200, headers: {}, body: twoPieces() }, unexpected);

    expect(reply.body).toBeInstanceOf(Readable);
    expect(await textOf(reply.body)).toBe('data: 1\n\ndata: 2\n\n');
  });

  it('whose body throws ends without an error, which would kill the process', async () => {
    const errors: unknown[] = [];
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('data: 1\n\n');
      throw new Error('broke');
    }

    const reply = replyToEvent({ status: 200, headers: {}, body: broken() }, (error) => errors.push(error));

    expect(await textOf(reply.body)).toBe('data: 1\n\n');
    expect(errors).toEqual([new Error('broke')]);
  });
});
