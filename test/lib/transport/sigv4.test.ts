import { SignatureV4 } from '@smithy/signature-v4';
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signV4, type SignableRequest } from '../../../lib/transport/sigv4.ts';

/** Keys and moment of AWS's own test suite. */
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const now = Date.UTC(2015, 7, 30, 12, 36, 0);
const scope = { keys, region: 'us-east-1', service: 'service', now };

const keyOf = (secret: string | ArrayBuffer | ArrayBufferView): string | Uint8Array => {
  if (typeof secret === 'string') return secret;
  return ArrayBuffer.isView(secret)
    ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
    : new Uint8Array(secret);
};

/** The hash that the SDK's signer is given. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(secret));
  }

  update(chunk: string | Uint8Array): void {
    this.#hash.update(chunk);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

async function signedBySdk(request: SignableRequest, sessionToken?: string): Promise<Record<string, string>> {
  const url = new URL(request.url);
  const signer = new SignatureV4({
    credentials: { ...keys, ...(sessionToken === undefined ? {} : { sessionToken }) },
    region: 'eu-west-1',
    service: 'bedrock',
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...request.headers, host: url.host },
      body: request.body,
    },
    { signingDate: new Date(now) },
  );
  return signed.headers;
}

describe('a signature of version 4', () => {
  it.each([
    ['GET', '/', {}, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['POST', '/', {}, '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    ['GET', '/?Param2=value2&Param1=value1', {}, '', 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
    [
      'POST',
      '/',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'Param1=value1',
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('is that of the test suite of AWS: %s %s', (method, path, headers, body, signature) => {
    const signed = signV4({ method, url: `https://example.amazonaws.com${path}`, headers, body }, scope);

    expect(signed['x-amz-date']).toBe('20150830T123600Z');
    expect(signed['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20150830\/us-east-1\/service\/aws4_request, SignedHeaders=(content-type;)?host;x-amz-date, Signature=/,
    );
    expect(signed['authorization']?.split('Signature=')[1]).toBe(signature);
  });

  it('is that of the SDK, whatever model, body, header and session', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 200 }),
        fc.stringMatching(/^[a-z0-9 ]{1,20}$/),
        fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{8,40}$/), { nil: undefined }),
        fc.dictionary(fc.stringMatching(/^[A-Za-z~*'()-]{1,8}$/), fc.string({ maxLength: 8 }), { maxKeys: 3 }),
        async (model, body, header, sessionToken, query) => {
          const url = new URL(
            `https://bedrock-runtime.eu-west-1.amazonaws.com/model/${encodeURIComponent(`m${model}`)}/converse`,
          );
          for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
          const headers = { 'content-type': 'application/json', 'x-amzn-own': 'unsigned', 'x-amz-own': header };
          const request = { method: 'POST', url: url.href, headers, body };

          const own = signV4(request, {
            keys: { ...keys, ...(sessionToken === undefined ? {} : { sessionToken }) },
            region: 'eu-west-1',
            service: 'bedrock',
            now,
          });
          const { 'x-amzn-own': _unsigned, ...signable } = headers;
          const theirs = await signedBySdk({ ...request, headers: signable }, sessionToken);

          expect(own['authorization']).toBe(theirs['authorization']);
          expect(own['x-amz-security-token']).toBe(theirs['x-amz-security-token']);
        },
      ),
    );
  });
});
