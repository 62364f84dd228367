/** Sber's GigaChat: tokens for half an hour, got in exchange for an authorization key. */
import { createHash } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Headers } from '../transport/message.ts';
import { answered, checkTokenUrl, FORM, formOf, type Lease } from '../transport/oauth.ts';
import type { AuthContext, Provider, SigningRequest } from './provider.ts';

async function authorize(_request: SigningRequest, context: AuthContext): Promise<Headers> {
  const { fields, parameters, http, now } = context;
  const { api_key: key } = fields;
  const { gigachat_auth_url: url = '', gigachat_scope: scope = '' } = parameters;
  if (key === undefined) {
    const fault =
      'This model of GigaChat cannot be called: set api_key to an authorization key, or the variable GIGACHAT_CREDENTIALS.';
    throw new GatewayError('internal', fault, { code: 'misconfigured_deployment' });
  }
  const token = await context.token(['gigachat', url, scope], async (): Promise<Lease<string>> => {
    checkTokenUrl(url);
    const headers = { ...FORM, authorization: `Basic ${key}`, rquid: requestId(key, now()) };
    const answer = answered(await http({ method: 'POST', url, headers, body: formOf({ scope }) }), url);
    const { access_token: value, expires_at: expiresAt } = answer;
    if (typeof value !== 'string' || typeof expiresAt !== 'number') {
      throw new GatewayError('upstream', 'GigaChat answered without a token.');
    }
    return { value, expiresAt };
  });
  return { authorization: `Bearer ${token}` };
}

/** The id that the token endpoint wants of each request: a UUID that no other moment and key has. */
function requestId(key: string, now: number): string {
  const hash = createHash('sha256').update(`${now} ${key}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/**
 * Where GigaChat is and how it is spoken to. Its certificates are of Russia's own authority, which Node.js does not know: name its root
 * in `NODE_EXTRA_CA_CERTS`.
 */
export const gigachat: Provider = {
  id: 'gigachat',
  name: 'GigaChat (Sber)',
  base: 'https://gigachat.devices.sberbank.ru/api/v1',
  envKeys: ['GIGACHAT_CREDENTIALS', 'GIGACHAT_API_KEY'],
  envBases: ['GIGACHAT_API_BASE', 'GIGACHAT_BASE_URL'],
  auth: { type: 'none' },
  generate: [{ dialect: 'openai-kin', variant: 'gigachat', path: '/chat/completions' }],
  structuredOutput: 'tool',
  parameters: {
    gigachat_scope: { env: ['GIGACHAT_SCOPE'], fallback: 'GIGACHAT_API_PERS' },
    gigachat_auth_url: { env: ['GIGACHAT_AUTH_URL'], fallback: 'https://ngw.devices.sberbank.ru:9443/api/v2/oauth' },
  },
  secrets: {},
  authorize,
  docs: 'https://developers.sber.ru/docs/ru/gigachat/api/reference/rest/post-chat',
  checked: '2026-11-28',
};
