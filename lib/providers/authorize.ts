/** Runs a row's `authorize`: signatures over the whole request, and tokens got in exchange for a credential. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Deployment } from '../domain/model.ts';
import { GatewayError } from '../errors.ts';
import type { HttpClient } from '../transport/http.ts';
import type { Headers } from '../transport/message.ts';
import { createTokenCache, type TokenHttp } from '../transport/oauth.ts';
import { firstOf, parametersOf } from './build-call.ts';
import { fieldsOf } from './credential.ts';
import type { AuthContext, Provider, SigningRequest, Values } from './provider.ts';

/** What signing needs of the process. */
export interface AuthorizerDeps {
  readonly http: HttpClient;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A call about to be sent, and whose it is. */
export interface Unsigned {
  readonly provider: Provider;
  readonly deployment: Deployment;
  /** The provider's name of the model. */
  readonly model: string;
  readonly credential: string | undefined;
  readonly request: SigningRequest;
  /** The provider refused what was signed last: tokens held are no good. */
  readonly fresh: boolean;
}

/** Headers to set; none for rows that need no more than their `auth`. */
export type Authorizer = (call: Unsigned) => Promise<Headers>;

/** Time limit of one exchange, milliseconds. */
const EXCHANGE_LIMIT_MS = 10_000;

/** Largest answer of a token endpoint, bytes. */
const ANSWER_LIMIT = 256 * 1024;

/** An authorizer. Tokens are kept for all its calls, by a hash of their credential. */
export function createAuthorizer(deps: AuthorizerDeps): Authorizer {
  const tokens = createTokenCache(deps.now);
  const http = tokenHttp(deps.http);

  return async function authorize({ provider, deployment, model, credential, request, fresh }) {
    if (provider.authorize === undefined) return {};
    const { environment, now } = deps;
    const ambient = isAmbient(provider, deployment);
    const given = fieldsOf(credential);
    const context: AuthContext = {
      ...(credential === undefined ? {} : { credential }),
      fields: ambient && credential === undefined ? secretsOf(provider, environment) : given,
      parameters: parametersOf({ provider, deployment, model, environment }),
      environment,
      ambient,
      now,
      http,
      token: (parts, obtain) => tokens.get(keyOf([provider.id, credential ?? '', ...parts]), obtain, { fresh }),
      ...(deployment.source === 'store' ? {} : { readFile: (path: string) => readFile(path, 'utf8') }),
    };
    const proof = await provider.authorize(request, context);
    const isSigned = Object.keys(proof).length > 0 || context.fields['api_key'] !== undefined;
    if (!isSigned) throw unsigned(provider, deployment);
    return proof;
  };
}

/** A row that found nothing to sign with, and no key that was sent already. */
const unsigned = (provider: Provider, { id }: Deployment): GatewayError => {
  const names = ['api_key', ...Object.keys(provider.secrets ?? {})].join(' or ');
  return new GatewayError('internal', `The deployment '${id}' cannot be called: provider ${provider.id} wants ${names}.`, {
    code: 'misconfigured_deployment',
  });
};

/** Where a row has no address of its own, the one in the operator's own files is as good as one. */
const isAmbient = ({ base }: Provider, { apiBase, source }: Deployment): boolean =>
  apiBase === undefined || (base === undefined && source !== 'store');

/** Secrets of a row that are in the environment. */
const secretsOf = (provider: Provider, environment: AuthorizerDeps['environment']): Values =>
  Object.fromEntries(
    Object.entries(provider.secrets ?? {}).flatMap(([name, { env = [] }]) => {
      const value = firstOf(environment, env);
      return value === undefined ? [] : [[name, value]];
    }),
  );

const keyOf = (parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('base64');

/** Calls to token endpoints, with a time limit and a limit of size. */
export const tokenHttp =
  (http: HttpClient): TokenHttp =>
  async (call) => {
    const limit = new AbortController();
    const late = new GatewayError('timeout', `The token endpoint of the provider took longer than ${EXCHANGE_LIMIT_MS} ms.`);
    const timer = setTimeout(() => limit.abort(late), EXCHANGE_LIMIT_MS);
    try {
      const answer = await http.send({ ...call, signal: limit.signal });
      return { status: answer.status, text: Buffer.from(await answer.bytes(ANSWER_LIMIT)).toString('utf8') };
    } finally {
      clearTimeout(timer);
    }
  };
