/** Proves tokens of identity providers. Loaded with the first token, jose along with it. */
import * as jose from 'jose';
import { GatewayError } from '../errors.ts';
import type { Headers } from '../transport/message.ts';
import type { Claims } from './claims.ts';
import { createKeySets, type KeySetDeps } from './key-sets.ts';
import type { TokenSettings } from './settings.ts';
import { callerOfClaims, type TokenCallerDeps, type TokenOutcome } from './token-caller.ts';

/** Signatures with a public key. One with a shared secret, or none, would let whoever knows a public key write tokens. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/** What tokens need. */
export interface TokenDeps extends KeySetDeps, TokenCallerDeps {}

/** From a token to its caller. */
export type TokenReader = (token: string, headers: Headers) => Promise<TokenOutcome>;

const refuse = (message: string, code: string, cause: unknown): GatewayError =>
  new GatewayError('authentication', message, { type: code === 'expired_token' ? 'expired_key' : 'auth_error', code, cause });

/** A fault of the token in words, which say nothing of what is in it. */
function explain(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof jose.errors.JWTExpired) return refuse('The token has expired.', 'expired_token', error);
  if (error instanceof jose.errors.JWTClaimValidationFailed) {
    return refuse(`The token's "${error.claim}" is not what this gateway accepts.`, 'invalid_token_claim', error);
  }
  if (error instanceof jose.errors.JWKSNoMatchingKey)
    return refuse('The token is signed with an unknown key.', 'invalid_token', error);
  if (error instanceof jose.errors.JOSEError) return refuse('The token is not valid.', 'invalid_token', error);
  return GatewayError.from(error);
}

/** A reader of tokens. */
export function createTokenReader(settings: TokenSettings, deps: TokenDeps): TokenReader {
  if (settings.audience === undefined)
    deps.log(
      'warn',
      'tokens: no audience is set, so every token of the identity provider opens the gateway, whatever it was made for',
    );
  const findKey = createKeySets(jose, settings.public_key_url, settings.public_key_ttl * 1000, deps);

  async function prove(token: string): Promise<Claims> {
    const options: jose.JWTVerifyOptions = {
      algorithms: ALGORITHMS,
      clockTolerance: settings.leeway,
      currentDate: new Date(deps.now()),
      requiredClaims: ['exp'],
      ...(settings.issuer === undefined ? {} : { issuer: settings.issuer }),
      ...(settings.audience === undefined ? {} : { audience: settings.audience }),
    };
    try {
      return (await jose.jwtVerify(token, findKey, options)).payload;
    } catch (error) {
      if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw error;
      // A token that names no key, and several that would fit.
      let last: unknown = error;
      for await (const key of error) {
        try {
          return (await jose.jwtVerify(token, key, options)).payload;
        } catch (fault) {
          last = fault;
          if (!(fault instanceof jose.errors.JWSSignatureVerificationFailed)) throw fault;
        }
      }
      throw last;
    }
  }

  return async function readToken(token, headers) {
    const claims = await prove(token).catch((error: unknown) => {
      throw explain(error);
    });
    return callerOfClaims(claims, headers, settings, deps);
  };
}
