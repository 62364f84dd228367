/** Oracle Cloud: Generative AI of a tenancy, with requests signed by a key of a user. */
import { createHash, createPrivateKey, sign as signWith, type KeyObject } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Headers } from '../transport/message.ts';
import type { Api, AuthContext, Provider, SigningRequest } from './provider.ts';

const misconfigured = (fault: string): GatewayError =>
  new GatewayError('internal', `This model of Oracle Cloud cannot be called: ${fault}.`, { code: 'misconfigured_deployment' });

/** Headers that are signed, in their order. */
const SIGNED = ['date', '(request-target)', 'host', 'content-length', 'content-type', 'x-content-sha256'] as const;

/**
 * The signature of a request with a body, by a user's key (draft-cavage-http-signatures-08).
 *
 * @see https://docs.oracle.com/en-us/iaas/Content/API/Concepts/signingrequests.htm
 */
async function authorize({ method, url, headers, body }: SigningRequest, context: AuthContext): Promise<Headers> {
  const { oci_user: user, oci_fingerprint: fingerprint, oci_tenancy: tenancy } = context.parameters;
  if (user === undefined || fingerprint === undefined || tenancy === undefined) {
    throw misconfigured(
      'set oci_user, oci_fingerprint and oci_tenancy, or the variables OCI_USER, OCI_FINGERPRINT and OCI_TENANCY',
    );
  }
  const key = keyOf(await pemOf(context));
  const { pathname, search, host } = new URL(url);
  const said: Record<(typeof SIGNED)[number], string> = {
    date: new Date(context.now()).toUTCString(),
    '(request-target)': `${method.toLowerCase()} ${pathname}${search}`,
    host,
    'content-length': String(body.byteLength),
    'content-type': headers['content-type'] ?? 'application/json',
    'x-content-sha256': createHash('sha256').update(body).digest('base64'),
  };
  const text = SIGNED.map((name) => `${name}: ${said[name]}`).join('\n');
  const signature = signWith('sha256', Buffer.from(text), key).toString('base64');
  const keyId = `${tenancy}/${user}/${fingerprint}`;
  return {
    date: said.date,
    'x-content-sha256': said['x-content-sha256'],
    authorization: `Signature version="1",keyId="${keyId}",algorithm="rsa-sha256",headers="${SIGNED.join(' ')}",signature="${signature}"`,
  };
}

/** The key as text: given, or in a file of the operator's. Line ends may be spelled out, as environments have them. */
async function pemOf({ fields, parameters, readFile }: AuthContext): Promise<string> {
  const given = (fields['oci_key'] ?? fields['api_key'])?.replaceAll('\\n', '\n');
  if (given?.includes('-----BEGIN') === true) return given;
  const path = given ?? parameters['oci_key_file'];
  if (path === undefined) throw misconfigured('set oci_key or oci_key_file, or the variable OCI_KEY or OCI_KEY_FILE');
  if (readFile === undefined) throw misconfigured('oci_key: expected the text of the key itself');
  try {
    return await readFile(path);
  } catch {
    throw misconfigured('the file of its key cannot be read');
  }
}

function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw misconfigured('oci_key: expected a private key in PEM, without a pass phrase');
  }
}

const speaking = (variant: string, more: Partial<Api> = {}): Api => ({
  dialect: 'openai-kin',
  variant,
  path: '/20231130/actions/chat',
  bodyParameters: { compartmentId: 'oci_compartment_id' },
  ...more,
});

/** Cohere's models that take its newer format only. */
const NEWER = /^cohere\.command-a-(?:vision|reasoning)/;

/**
 * Models are `xai.grok-4`, `cohere.command-a-03-2025`, or the OCID of an endpoint; behind an endpoint, `cohere/<ocid>` asks for Cohere's
 * format.
 */
export const oci: Provider = {
  id: 'oci',
  name: 'Oracle Cloud (OCI) Generative AI',
  base: 'https://inference.generativeai.{oci_region}.oci.oraclecloud.com',
  envKeys: ['OCI_KEY', 'OCI_KEY_FILE'],
  envBases: [],
  auth: { type: 'none' },
  generate: [
    speaking('oci-cohere-v2', { serves: (model) => NEWER.test(model) }),
    speaking('oci-cohere', { serves: (model) => model.startsWith('cohere.'), forcedBy: 'cohere/' }),
    speaking('oci-generic'),
  ],
  parameters: {
    oci_region: { env: ['OCI_REGION'], fallback: 'us-ashburn-1' },
    oci_user: { env: ['OCI_USER'] },
    oci_fingerprint: { env: ['OCI_FINGERPRINT'] },
    oci_tenancy: { env: ['OCI_TENANCY'] },
    oci_compartment_id: { env: ['OCI_COMPARTMENT_ID'] },
    oci_key_file: { env: ['OCI_KEY_FILE'] },
  },
  secrets: { oci_key: { env: ['OCI_KEY'] } },
  authorize,
  docs: 'https://docs.oracle.com/en-us/iaas/api/#/en/generative-ai-inference/20231130/ChatResult/Chat',
  checked: '2026-11-28',
};
