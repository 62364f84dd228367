import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../lib/domain/model.ts';
import { buildCall, chooseApi, createAuthorizer, providerOf } from '../../../lib/providers/index.ts';
import type { HttpCall, HttpClient } from '../../../lib/transport/http.ts';
import { deploymentOf } from './deployments.ts';

const now = Date.UTC(2026, 10, 22);

/** A client that answers every call alike and remembers them. */
function scripted(text: string, status = 200): { readonly http: HttpClient; readonly calls: HttpCall[] } {
  const calls: HttpCall[] = [];
  const http: HttpClient = {
    send: async (call) => {
      calls.push(call);
      return {
        status,
        headers: {},
        body: (async function* () {})(),
        bytes: async () => Buffer.from(text),
        discard: () => {},
      };
    },
    close: async () => {},
  };
  return { http, calls };
}

interface Setting {
  readonly id: string;
  /** What is sent; an empty object where it does not matter. */
  readonly body?: object;
  readonly deployment?: Partial<Deployment>;
  readonly credential?: string | object;
  readonly environment?: Record<string, string>;
}

/** Signs a call as it is sent, `times` over, by one authorizer. */
async function signed(
  http: HttpClient,
  { id, body = {}, deployment = {}, credential, environment = {} }: Setting,
  refusals = 0,
) {
  const provider = providerOf(id);
  const full = deploymentOf({ provider: id, ...deployment });
  const chosen = chooseApi(provider, full.model, 'openai-chat');
  if (chosen === undefined) throw new Error('no api');
  const text = typeof credential === 'object' ? JSON.stringify(credential) : credential;
  const parts = { provider, deployment: full, model: chosen.model, environment };
  const { url, headers } = buildCall({ ...parts, api: chosen.api, credential: text, stream: false });
  const authorize = createAuthorizer({ http, environment, now: () => now });
  const request = {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(body)),
  };
  let proof = await authorize({ ...parts, credential: text, request, fresh: false });
  proof = await authorize({ ...parts, credential: text, request, fresh: false });
  for (let refusal = 0; refusal < refusals; refusal++) {
    proof = await authorize({ ...parts, credential: text, request, fresh: true });
  }
  return { url, headers: { ...headers, ...proof } as Record<string, string> };
}

const formOf = (call: HttpCall | undefined) => Object.fromEntries(new URLSearchParams(String(call?.body)));

describe('a call to AWS', () => {
  const parameters = { aws_region_name: 'eu-west-1' };
  const own = { aws_access_key_id: 'AKOWN', aws_secret_access_key: 'hush' };
  const role = {
    AWS_ACCESS_KEY_ID: 'AKROLE',
    AWS_SECRET_ACCESS_KEY: 'hush',
    AWS_SESSION_TOKEN: 'session',
    AWS_REGION: 'eu-central-1',
  };

  it('is signed with the keys of the deployment', async () => {
    const { headers, url } = await signed(scripted('').http, { id: 'bedrock', deployment: { parameters }, credential: own });

    expect(url).toBe('https://bedrock-runtime.eu-west-1.amazonaws.com/model/some-model/converse');
    expect(headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=AKOWN\/20261122\/eu-west-1\/bedrock\/aws4_request/);
    expect(headers).not.toHaveProperty('x-amz-security-token');
  });

  it('is signed with the role this runs as, in the region of the model, its own, or that of the environment', async () => {
    const at = async (model: string) => signed(scripted('').http, { id: 'bedrock', deployment: { model }, environment: role });

    const near = await at('anthropic.claude-v2');
    expect(near.url).toContain('bedrock-runtime.eu-central-1.');
    expect(near.headers).toMatchObject({ 'x-amz-security-token': 'session' });
    expect((await at('us-west-2/anthropic.claude-v2')).headers['authorization']).toContain('/us-west-2/bedrock/');
    const arn = 'arn:aws:bedrock:ap-south-1:123456789012:inference-profile/apac.x';
    expect((await at(arn)).url).toBe(
      `https://bedrock-runtime.ap-south-1.amazonaws.com/model/${encodeURIComponent(arn)}/converse`,
    );
  });

  it('has a bearer token where there is one', async () => {
    const { headers } = await signed(scripted('').http, {
      id: 'bedrock',
      deployment: { parameters },
      credential: 'bedrock-key',
    });

    expect(headers['authorization']).toBe('Bearer bedrock-key');
    expect(headers).not.toHaveProperty('x-amz-date');
  });

  it('is never signed with the role for a foreign address', async () => {
    const deployment = { parameters, apiBase: 'https://evil.example' };
    const failing = signed(scripted('').http, { id: 'bedrock', deployment, environment: role });

    await expect(failing).rejects.toMatchObject({ kind: 'internal', message: expect.stringMatching(/none of AWS/) as string });
    const vpce = { parameters, apiBase: 'https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com' };
    expect((await signed(scripted('').http, { id: 'bedrock', deployment: vpce, environment: role })).headers).toHaveProperty(
      'x-amz-date',
    );
  });

  it('says what it lacks', async () => {
    await expect(signed(scripted('').http, { id: 'bedrock' })).rejects.toThrow(
      /aws_region_name, or the variable AWS_REGION_NAME/,
    );
    await expect(signed(scripted('').http, { id: 'bedrock', deployment: { parameters } })).rejects.toThrow(/aws_access_key_id/);
  });

  it('may assume a role, once for as long as its keys last', async () => {
    const xml = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKTEMP</AccessKeyId>
      <SecretAccessKey>s</SecretAccessKey><SessionToken>temporary</SessionToken><Expiration>2026-11-22T01:00:00Z</Expiration>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>`;
    const { http, calls } = scripted(xml);
    const assumed = { ...parameters, aws_role_name: 'arn:aws:iam::1:role/r', aws_external_id: 'x1' };
    const { headers } = await signed(http, { id: 'bedrock', deployment: { parameters: assumed }, credential: own });

    expect(headers['authorization']).toContain('Credential=AKTEMP/');
    expect(headers['x-amz-security-token']).toBe('temporary');
    expect(calls).toHaveLength(1);
    expect(calls[0]?.url).toBe('https://sts.eu-west-1.amazonaws.com/');
    expect(calls[0]?.headers['authorization']).toContain('Credential=AKOWN/20261122/eu-west-1/sts/');
    expect(formOf(calls[0])).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: assumed.aws_role_name,
      ExternalId: 'x1',
      RoleSessionName: 'tollgate',
    });
  });

  it('is not made when the role may not be assumed', async () => {
    const deployment = { parameters: { ...parameters, aws_role_name: 'r' } };
    await expect(signed(scripted('', 403).http, { id: 'bedrock', deployment, credential: own })).rejects.toMatchObject({
      detail: { code: 'credential_refused' },
    });
    await expect(signed(scripted('<x/>').http, { id: 'bedrock', deployment, credential: own })).rejects.toThrow(/without keys/);
  });
});

describe('a call to Vertex AI', () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const account = {
    type: 'service_account',
    client_email: 'a@b',
    private_key: privateKey,
    token_uri: 'http://127.0.0.1:1/token',
  };
  const parameters = { vertex_project: 'p', vertex_location: 'global' };
  const token = '{"access_token":"ya29","expires_in":3599}';

  it.each([
    ['itself', account],
    ['in its field', { vertex_credentials: JSON.stringify(account) }],
  ])('has a token for the service account, given %s', async (_name, credential) => {
    const { http, calls } = scripted(token);
    const deployment = { model: 'gemini-2.5-pro', parameters };
    const { headers, url } = await signed(http, { id: 'vertex_ai', deployment, credential }, 1);

    expect(url).toBe(
      'https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-pro:generateContent',
    );
    expect(headers['authorization']).toBe('Bearer ya29');
    expect(headers).not.toHaveProperty('x-goog-api-key');
    expect(calls).toHaveLength(2);
  });

  it('finds the account where GOOGLE_APPLICATION_CREDENTIALS points', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'account-'));
    const path = join(folder, 'account.json');
    writeFileSync(path, JSON.stringify(account));
    const { headers } = await signed(scripted(token).http, { id: 'vertex_ai', deployment: { parameters }, credential: path });
    rmSync(folder, { recursive: true });

    expect(headers).toEqual({ authorization: 'Bearer ya29' });
  });

  it.each([
    ['eu', 'https://aiplatform.eu.rep.googleapis.com/'],
    ['us-east5', 'https://us-east5-aiplatform.googleapis.com/'],
  ])('goes to the host of its location: %s', async (location, host) => {
    const deployment = { parameters: { ...parameters, vertex_location: location }, model: 'meta/llama-4' };
    const { url, headers } = await signed(scripted('').http, { id: 'vertex_ai', deployment, credential: 'AIza1' });

    expect(url).toBe(`${host}v1/projects/p/locations/${location}/endpoints/openapi/chat/completions`);
    expect(headers).toEqual({ 'x-goog-api-key': 'AIza1' });
  });

  it('goes nowhere for a location that is none', async () => {
    const deployment = { parameters: { ...parameters, vertex_location: 'evil.example/' } };
    await expect(signed(scripted('').http, { id: 'vertex_ai', deployment, credential: 'k' })).rejects.toThrow(
      /vertex_location/,
    );
  });

  it('reads the file that a config names, but none for a deployment added at run time', async () => {
    const credential = { vertex_credentials: '/nowhere/account.json' };
    const deployment = { parameters };
    await expect(signed(scripted('').http, { id: 'vertex_ai', deployment, credential })).rejects.toThrow(/cannot be read/);
    await expect(
      signed(scripted('').http, { id: 'vertex_ai', deployment: { ...deployment, source: 'store' }, credential }),
    ).rejects.toThrow(/the JSON text itself/);
    await expect(signed(scripted('').http, { id: 'vertex_ai', deployment })).rejects.toThrow(/set vertex_credentials/);
  });
});

describe('a call to Azure', () => {
  const deployment = { apiBase: 'https://a.openai.azure.com', parameters: { tenant_id: 't', client_id: 'c' } };

  it('has a token of Entra ID where the deployment has an application', async () => {
    const { http, calls } = scripted('{"access_token":"entra","expires_in":3599}');
    const { headers } = await signed(http, { id: 'azure', deployment, credential: { client_secret: 's' } });

    expect(headers).toEqual({ authorization: 'Bearer entra' });
    expect(calls.map(({ url }) => url)).toEqual(['https://login.microsoftonline.com/t/oauth2/v2.0/token']);
    expect(formOf(calls[0])).toMatchObject({
      client_id: 'c',
      client_secret: 's',
      scope: 'https://cognitiveservices.azure.com/.default',
    });
  });

  it.each([
    ['agents/asst_1', {}, 'https://ai.azure.com/.default'],
    ['agents/asst_1', { azure_scope: 'https://own.example/.default' }, 'https://own.example/.default'],
    ['Phi-4', {}, 'https://cognitiveservices.azure.com/.default'],
  ])('has the scope of what it calls: %s with %j', async (model, parameters, scope) => {
    const { http, calls } = scripted('{"access_token":"entra","expires_in":3599}');
    const foundry = {
      model,
      apiBase: 'https://r.services.ai.azure.com',
      parameters: { ...deployment.parameters, ...parameters },
    };
    await signed(http, { id: 'azure_ai', deployment: foundry, credential: { client_secret: 's' } });

    expect(formOf(calls[0])['scope']).toBe(scope);
  });

  it('takes the application of the environment only for addresses of the operator’s own files', async () => {
    const environment = { AZURE_CLIENT_SECRET: 's' };
    const { http } = scripted('{"access_token":"entra"}');

    expect((await signed(http, { id: 'azure', deployment, environment })).headers).toEqual({ authorization: 'Bearer entra' });
    const stored = { ...deployment, source: 'store' } as const;
    await expect(signed(http, { id: 'azure', deployment: stored, environment })).rejects.toThrow(
      /wants api_key or client_secret/,
    );
  });
});

describe('a call to Oracle Cloud', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const parameters = { oci_user: 'u', oci_fingerprint: 'aa:bb', oci_tenancy: 't', oci_compartment_id: 'c' };
  const deployment = { model: 'xai.grok-4', parameters };
  const host = 'inference.generativeai.us-ashburn-1.oci.oraclecloud.com';

  it.each([
    ['of its field', { oci_key: privateKey }],
    ['of an environment, with its line ends spelled out', privateKey.replaceAll('\n', '\\n')],
  ])('is signed over method, path, host, date and body with the key %s', async (_where, credential) => {
    const { http, calls } = scripted('');
    const { headers } = await signed(http, { id: 'oci', deployment, credential });

    const digest = createHash('sha256').update('{}').digest('base64');
    const text = [
      'date: Sun, 22 Nov 2026 00:00:00 GMT',
      '(request-target): post /20231130/actions/chat',
      `host: ${host}`,
      'content-length: 2',
      'content-type: application/json',
      `x-content-sha256: ${digest}`,
    ].join('\n');
    const [, signature = ''] = /signature="([^"]+)"$/.exec(headers['authorization'] ?? '') ?? [];
    expect(verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))).toBe(true);
    expect(headers).toMatchObject({ date: 'Sun, 22 Nov 2026 00:00:00 GMT', 'x-content-sha256': digest });
    expect(headers['authorization']).toContain(
      'Signature version="1",keyId="t/u/aa:bb",algorithm="rsa-sha256",' +
        'headers="date (request-target) host content-length content-type x-content-sha256"',
    );
    expect(calls).toEqual([]);
  });

  it('finds the key in a file, but not for a deployment added at run time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'key-'));
    const path = join(folder, 'key.pem');
    writeFileSync(path, privateKey);
    const inFile = { ...deployment, parameters: { ...parameters, oci_key_file: path } };
    const { headers } = await signed(scripted('').http, { id: 'oci', deployment: inFile });
    const stored = signed(scripted('').http, { id: 'oci', deployment: { ...inFile, source: 'store' } });
    await expect(stored).rejects.toThrow(/the text of the key itself/);
    rmSync(folder, { recursive: true });

    expect(headers['authorization']).toMatch(/^Signature /);
    await expect(signed(scripted('').http, { id: 'oci', deployment: inFile })).rejects.toThrow(/cannot be read/);
  });

  it('says what it lacks', async () => {
    const failing = (facts: Partial<Deployment>, credential?: string) =>
      expect(signed(scripted('').http, { id: 'oci', deployment: facts, ...(credential === undefined ? {} : { credential }) }))
        .rejects;

    await failing({}, privateKey).toThrow(/set oci_user, oci_fingerprint and oci_tenancy/);
    await failing(deployment).toThrow(/set oci_key or oci_key_file/);
    await failing(deployment, '-----BEGIN nothing').toThrow(/expected a private key in PEM/);
  });

  it.each([
    ['cohere.command-r-plus', 'oci-cohere'],
    ['cohere.command-a-vision-07-2025', 'oci-cohere-v2'],
    ['cohere/ocid1.generativeaiendpoint.oc1.x', 'oci-cohere'],
    ['meta.llama-4-scout', 'oci-generic'],
  ])('speaks the format of its model: %s', (model, variant) => {
    expect(chooseApi(providerOf('oci'), model, 'openai-chat')?.api.variant).toBe(variant);
  });
});

describe('other exchanges', () => {
  it('sap: a client, or the JSON of a service key, for a token; the group beside it', async () => {
    const { http, calls } = scripted('{"access_token":"sap-token","expires_in":43199}');
    const deployment = {
      apiBase: 'https://api.ai.example',
      parameters: { deployment_id: 'd1', client_id: 'c', auth_url: 'https://t.authentication.example/' },
    };
    const { headers } = await signed(http, { id: 'sap', deployment, credential: { client_secret: 's' } });

    expect(headers).toEqual({ authorization: 'Bearer sap-token', 'ai-resource-group': 'default' });
    expect(calls.map(({ url }) => url)).toEqual(['https://t.authentication.example/oauth/token']);
    expect(formOf(calls[0])).toEqual({ grant_type: 'client_credentials', client_id: 'c', client_secret: 's' });
    const key = { clientid: 'k', clientsecret: 'ks', url: 'https://k.example', serviceurls: { AI_API_URL: 'x' } };
    const bare = { apiBase: 'https://api.ai.example', parameters: { deployment_id: 'd1', resource_group: 'team' } };
    expect((await signed(http, { id: 'sap', deployment: bare, credential: key })).headers).toMatchObject({
      'ai-resource-group': 'team',
    });
    expect(formOf(calls[1])).toMatchObject({ client_id: 'k', client_secret: 'ks' });
    await expect(signed(http, { id: 'sap', deployment: bare })).rejects.toThrow(/client_secret/);
  });

  it('gigachat: an authorization key for a token, asked for once in its life', async () => {
    const { http, calls } = scripted(`{"access_token":"giga","expires_at":${now + 1_800_000}}`);
    const { headers } = await signed(http, { id: 'gigachat', credential: 'a2V5' });

    expect(headers).toEqual({ authorization: 'Bearer giga' });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      url: 'https://ngw.devices.sberbank.ru:9443/api/v2/oauth',
      headers: {
        authorization: 'Basic a2V5',
        rquid: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/) as string,
      },
    });
    expect(formOf(calls[0])).toEqual({ scope: 'GIGACHAT_API_PERS' });
    await expect(signed(http, { id: 'gigachat' })).rejects.toThrow(/authorization key/);
    await expect(signed(scripted('{}').http, { id: 'gigachat', credential: 'k' })).rejects.toThrow(/without a token/);
  });

  it('watsonx: an API key for a token of IAM', async () => {
    const { http, calls } = scripted('{"access_token":"iam","expires_in":3600}');
    const { headers } = await signed(http, { id: 'watsonx', credential: 'ibm-key' });

    expect(headers).toEqual({ authorization: 'Bearer iam' });
    expect(formOf(calls[0])).toEqual({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey: 'ibm-key' });
    expect((await signed(http, { id: 'watsonx', credential: { zen_api_key: 'z' } })).headers).toEqual({
      authorization: 'ZenApiKey z',
    });
    expect((await signed(http, { id: 'watsonx', credential: { token: 't' } })).headers).toEqual({ authorization: 'Bearer t' });
    await expect(signed(http, { id: 'watsonx' })).rejects.toThrow(/set api_key/);
    const deployed = await signed(http, { id: 'watsonx', deployment: { model: 'deployment/d1' }, credential: 'k' });
    expect(deployed.url).toBe('https://us-south.ml.cloud.ibm.com/ml/v1/deployments/d1/text/chat?version=2024-03-13');
  });

  it('databricks: a service principal for a token of its workspace', async () => {
    const { http, calls } = scripted('{"access_token":"dbx"}');
    const deployment = { apiBase: 'https://acme.cloud.databricks.com', parameters: { client_id: 'sp' } };
    const { headers } = await signed(http, { id: 'databricks', deployment, credential: { client_secret: 's' } });

    expect(headers).toEqual({ authorization: 'Bearer dbx' });
    expect(calls[0]?.url).toBe('https://acme.cloud.databricks.com/oidc/v1/token');
    expect(await signed(http, { id: 'databricks', deployment, credential: 'pat' })).toMatchObject({
      headers: { authorization: 'Bearer pat' },
    });
  });

  it('github_copilot: the token of a user for one of Copilot', async () => {
    const { http, calls } = scripted(`{"token":"tid=1","expires_at":${now / 1000 + 1800}}`);
    const { headers } = await signed(http, { id: 'github_copilot', credential: 'gho_1' });

    expect(headers['authorization']).toBe('Bearer tid=1');
    expect(calls).toHaveLength(1);
    expect(calls[0]?.headers['authorization']).toBe('token gho_1');
    await expect(signed(scripted('{}').http, { id: 'github_copilot', credential: 'g' })).rejects.toThrow(/without a token/);
    await expect(signed(http, { id: 'github_copilot' })).rejects.toThrow(/OAuth token of a user/);
  });

  it.each([
    ['a question', { messages: [{ role: 'user', content: 'Hi' }] }, { 'x-initiator': 'user' }],
    [
      'a conversation',
      {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Yes?' },
        ],
      },
      { 'x-initiator': 'agent' },
    ],
    [
      'items of Responses',
      { input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] },
      { 'x-initiator': 'agent' },
    ],
    [
      'a picture',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] },
      { 'x-initiator': 'user', 'copilot-vision-request': 'true' },
    ],
    ['text alone', { input: 'Hi' }, { 'x-initiator': 'user' }],
  ])('github_copilot: is told who began and what is seen, for %s', async (_what, body, expected) => {
    const { http } = scripted(`{"token":"tid=1","expires_at":${now / 1000 + 1800}}`);
    const { headers } = await signed(http, { id: 'github_copilot', credential: 'gho_1', body });

    expect(headers).toMatchObject(expected);
    expect(headers['copilot-vision-request']).toBe((expected as Record<string, string>)['copilot-vision-request']);
  });

  it('chatgpt: the token of a sign-in with the account it was made for, until it expires', async () => {
    const claims = (exp: number) => {
      const said = { exp, 'https://api.openai.com/auth': { chatgpt_account_id: 'acct-1' } };
      return `eyJ.${Buffer.from(JSON.stringify(said)).toString('base64url')}.x`;
    };
    const good = claims(now / 1000 + 60);
    const { http, calls } = scripted('');
    const { headers } = await signed(http, { id: 'chatgpt', credential: good });

    expect(headers).toMatchObject({ authorization: `Bearer ${good}`, 'chatgpt-account-id': 'acct-1' });
    expect(
      (await signed(http, { id: 'chatgpt', credential: { access_token: 'plain', account_id: 'a2' } })).headers,
    ).toMatchObject({
      authorization: 'Bearer plain',
      'chatgpt-account-id': 'a2',
    });
    await expect(signed(http, { id: 'chatgpt', credential: claims(now / 1000) })).rejects.toThrow(
      /has expired.*--sign-in chatgpt/,
    );
    await expect(signed(http, { id: 'chatgpt' })).rejects.toThrow(/access token of a sign-in/);
    expect(calls).toEqual([]);
  });

  it('none for rows whose scheme says everything', async () => {
    const { http, calls } = scripted('');

    expect((await signed(http, { id: 'groq', credential: 'k' })).headers).toEqual({ authorization: 'Bearer k' });
    expect(calls).toEqual([]);
  });
});
