/** An identity provider on loopback: signs tokens, and publishes its keys. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

/** A running provider. */
export interface IdentityProvider {
  readonly url: string;
  /** Address of its key set. */
  readonly jwks: string;
  /** Requests for the key set so far. */
  readonly asked: { count: number };
  /** Status of its answers; 200 until a test says otherwise. */
  readonly answers: { status: number };
  /** A token; `by` names another key than the newest, `lifetime` is in seconds from `at` (milliseconds since the epoch); null for ever. */
  token(
    claims: JWTPayload,
    options?: { readonly by?: string; readonly at?: number; readonly lifetime?: number | null },
  ): Promise<string>;
  /** Signs with a new key from now on; `published` says whether the key set has it. */
  rotate(published?: boolean): Promise<string>;
  close(): Promise<void>;
}

/** Starts it with one key. */
export async function startIdentityProvider(algorithm = 'RS256'): Promise<IdentityProvider> {
  const pairs = new Map<string, Awaited<ReturnType<typeof generateKeyPair>>>();
  const published = new Set<string>();
  const asked = { count: 0 };
  const answers = { status: 200 };
  let newest = '';
  const server = createServer((request, response) => {
    void documentAt(request.url, request.headers.host).then((body) => {
      response.writeHead(answers.status, { 'content-type': 'application/json' });
      return response.end(JSON.stringify(body));
    });
  });
  async function documentAt(path: string | undefined, host: string | undefined): Promise<object> {
    if (path === '/.well-known/openid-configuration') return { jwks_uri: `http://${host}/keys` };
    asked.count++;
    const keys = [...pairs].filter(([kid]) => published.has(kid));
    const shown = keys.map(async ([kid, { publicKey }]) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg: algorithm,
      use: 'sig',
    }));
    return { keys: await Promise.all(shown) };
  }
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const rotate = async (isPublished = true): Promise<string> => {
    newest = `key-${pairs.size}`;
    pairs.set(newest, await generateKeyPair(algorithm, { extractable: true }));
    if (isPublished) published.add(newest);
    return newest;
  };
  await rotate();
  return {
    url,
    jwks: `${url}/keys`,
    asked,
    answers,
    rotate,
    async token(claims, { by = newest, at = Date.now(), lifetime = 300 } = {}) {
      const pair = pairs.get(by);
      if (pair === undefined) throw new Error(`no key ${by}`);
      const now = Math.floor(at / 1000);
      const token = new SignJWT({ iss: url, sub: 'ann', ...claims })
        .setProtectedHeader({ alg: algorithm, kid: by })
        .setIssuedAt(now);
      return (lifetime === null ? token : token.setExpirationTime(now + lifetime)).sign(pair.privateKey);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
