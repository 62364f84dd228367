/** Signing in with a code on another device, as OAuth has it (RFC 8628). */
import { GatewayError } from '../errors.ts';
import { answered, checkTokenUrl, FORM, formOf } from '../transport/oauth.ts';
import type { SignInContext } from './provider.ts';

/** An OAuth client that may ask for codes. */
export interface DeviceClient {
  /** Where codes come from, and where they are exchanged. */
  readonly codeUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly scope: string;
}

/** Seconds between two questions where the server says nothing, and those added where it is too often (section 3.5). */
const INTERVAL_S = 5;

/** How long a code lives whose server does not say: seconds. */
const LIFE_S = 900;

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/**
 * An access token of the person who enters the code.
 *
 * @throws GatewayError `permission` when it is refused, `timeout` when nobody enters the code while it is good, `upstream` for answers
 * that say nothing.
 */
export async function deviceToken(client: DeviceClient, context: SignInContext): Promise<string> {
  const { http, now, wait, tell } = context;
  const { codeUrl, tokenUrl, clientId: client_id, scope } = client;
  for (const url of [codeUrl, tokenUrl]) checkTokenUrl(url);
  const ask = async (url: string, fields: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> =>
    answered(await http({ method: 'POST', url, headers: FORM, body: formOf(fields) }), url);
  const code = await ask(codeUrl, { client_id, scope });
  const { device_code, user_code: shown, verification_uri: page } = code;
  if (typeof device_code !== 'string' || typeof shown !== 'string' || typeof page !== 'string') {
    throw new GatewayError('upstream', `The server at ${new URL(codeUrl).host} answered without a code.`);
  }
  tell(`Open ${page} and enter the code ${shown}`);
  const end = now() + seconds(code['expires_in'], LIFE_S) * 1000;
  let interval = seconds(code['interval'], INTERVAL_S);
  while (now() < end) {
    await wait(interval * 1000);
    const answer = await ask(tokenUrl, { client_id, device_code, grant_type: GRANT });
    const { access_token: token, error } = answer;
    if (typeof token === 'string' && token !== '') return token;
    if (error === 'slow_down') interval = seconds(answer['interval'], interval + INTERVAL_S);
    else if (error !== 'authorization_pending') throw refusal(error);
  }
  throw late();
}

const seconds = (value: unknown, otherwise: number): number => (typeof value === 'number' && value > 0 ? value : otherwise);

const refusal = (error: unknown): GatewayError =>
  new GatewayError('permission', `The sign-in was refused: ${typeof error === 'string' ? error : 'no reason was given'}.`);

/** Nobody entered the code. */
export const late = (): GatewayError => new GatewayError('timeout', 'Nobody entered the code while it was good. Start again.');
