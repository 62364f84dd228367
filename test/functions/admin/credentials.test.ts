import { describe, expect, it } from 'vitest';
import { aDeployment } from '../../support/exchange.ts';
import { createAdmin, type Admin, type Answer } from './support.ts';

const SECRET = 'sk-ant-provider-secret-1234';

const create = (admin: Admin, over: object = {}): Promise<Answer> =>
  admin.call('POST', '/credentials', {
    body: {
      credential_name: 'main',
      credential_values: { api_key: SECRET, api_base: 'https://api.example.com' },
      credential_info: { custom_llm_provider: 'anthropic', description: 'ours' },
      ...over,
    },
  });

const MAIN = {
  credential_name: 'main',
  credential_values: { api_key: '********', api_base: '********' },
  credential_info: { custom_llm_provider: 'anthropic', description: 'ours' },
};

describe('/credentials', () => {
  it('keeps values in the secret store and shows their names only', async () => {
    const admin = createAdmin();
    expect(await create(admin)).toMatchObject({
      status: 200,
      body: { success: true, message: 'Credential created successfully' },
    });
    expect((await admin.call('GET', '/credentials')).body).toEqual({ success: true, credentials: [MAIN] });
    expect((await admin.call('GET', '/credentials/main')).body).toEqual(MAIN);
    expect((await admin.call('GET', '/credentials/by_name/main')).body).toEqual(MAIN);
    expect(await admin.deps.secrets.get('credential/main')).toBe(
      JSON.stringify({ api_key: SECRET, api_base: 'https://api.example.com' }),
    );
    expect(await admin.deps.credentials.get('main')).toMatchObject({ provider: 'anthropic', fields: ['api_key', 'api_base'] });
    expect(admin.outputs.join()).not.toContain(SECRET);
  });

  it('tells of which kind the credential of a deployment is, wherever it is kept', async () => {
    const config = {
      ...aDeployment({ apiBase: 'https://api.example.com' }),
      id: 'fixed',
      credential: { type: 'value', value: 'sk-of-a-file' },
    } as const;
    const variable = { ...config, id: 'env', credential: { type: 'env', name: 'OPENAI_API_KEY' }, apiVersion: '2026' } as const;
    const admin = createAdmin({}, [config, variable, { ...config, id: 'bare', credential: { type: 'none' } }]);
    await create(admin);
    const make = (id: string, litellm_params: object) =>
      admin.call('POST', '/model/new', { body: { model_name: id, litellm_params, model_info: { id } } });
    await make('named', { model: 'anthropic/m', litellm_credential_name: 'main' });
    await make('own', { model: 'openai/m', api_key: SECRET });
    const fieldsOf = async (id: string) => {
      const { body } = await admin.call('GET', `/credentials/by_model/${id}`);
      return Object.keys(body['credential_values'] as object).toSorted();
    };

    expect((await admin.call('GET', '/credentials/by_model/own')).body).toEqual({
      credential_name: 'own-credential-own',
      credential_values: { api_key: '********' },
      credential_info: {},
    });
    expect(await fieldsOf('named')).toEqual(['api_base', 'api_key']);
    expect(await fieldsOf('fixed')).toEqual(['api_base', 'api_key']);
    expect(await fieldsOf('env')).toEqual(['api_base', 'api_key', 'api_version']);
    expect(await fieldsOf('bare')).toEqual(['api_base']);
    expect(await admin.call('GET', '/credentials/by_model/none')).toMatchObject({ status: 404 });
    expect(admin.outputs.join()).not.toMatch(/sk-ant|sk-of-a-file/);
  });

  it('holds the fields of any provider, and models copy those that are no secrets', async () => {
    const admin = createAdmin();
    const values = { aws_region_name: 'eu-west-1', aws_access_key_id: 'AKIAEXAMPLE', aws_secret_access_key: 'hush' };
    await create(admin, { credential_values: values, credential_info: { custom_llm_provider: 'bedrock' } });
    const litellm_params = { model: 'bedrock/m', litellm_credential_name: 'main' };
    const { body } = await admin.call('POST', '/model/new', { body: { model_name: 'm', litellm_params } });
    expect(await admin.deps.models.get(String(body['model_id']))).toMatchObject({
      parameters: { aws_region_name: 'eu-west-1' },
      credential: { type: 'secret', name: 'credential/main' },
    });
    expect(admin.outputs.join()).not.toMatch(/hush|AKIA/);
    const json = { vertex_credentials: '{\n  "type": "service_account"\n}' };
    expect((await create(admin, { credential_name: 'google', credential_values: json })).status).toBe(200);
    expect((await create(admin, { credential_name: 'empty', credential_values: { client_secret: '' } })).status).toBe(400);
  });

  it.each([
    [{ credential_name: 'a/b' }, 'credential_name'],
    [{ credential_name: undefined }, 'credential_name'],
    [{ credential_values: {} }, 'credential_values'],
    [{ credential_values: { api_key: 5 } }, 'credential_values.api_key'],
    [{ credential_values: { acme_role: 'x' } }, 'credential_values.acme_role'],
    [{ credential_values: { api_base: 'ftp://x' } }, 'credential_values.api_base'],
    [{ credential_info: { custom_llm_provider: 'nowhere' } }, 'credential_info.custom_llm_provider'],
    [{ credential_info: [] }, 'credential_info'],
    [{ model_id: 'x' }, 'model_id'],
  ])('refuses %j', async (over, param) => {
    const admin = createAdmin();
    expect(await create(admin, over)).toMatchObject({ status: 400, body: { error: { param } } });
    expect(await admin.deps.credentials.list()).toEqual([]);
  });

  it('takes a name once', async () => {
    const admin = createAdmin();
    await create(admin);
    expect(await create(admin, { credential_values: { api_key: 'other' } })).toMatchObject({ status: 409 });
    expect(await admin.deps.secrets.get('credential/main')).toContain(SECRET);
  });

  it('merges what PATCH gives, and removes what is null', async () => {
    const admin = createAdmin();
    await create(admin);
    const answer = await admin.call('PATCH', '/credentials/main', {
      body: { credential_values: { api_key: 'sk-ant-second', api_base: null }, credential_info: { custom_llm_provider: null } },
    });
    expect(answer).toMatchObject({ status: 200, body: { success: true } });
    expect(await admin.deps.secrets.get('credential/main')).toBe('{"api_key":"sk-ant-second"}');
    const stored = await admin.deps.credentials.get('main');
    expect(stored).toMatchObject({ fields: ['api_key'], info: { description: 'ours' } });
    expect(stored?.provider).toBeUndefined();
  });

  it('changes no address that models have copied', async () => {
    const admin = createAdmin();
    await create(admin);
    const params = { model: 'anthropic/claude-sonnet-4-5', litellm_credential_name: 'main' };
    await admin.call('POST', '/model/new', { body: { model_name: 'claude', litellm_params: params } });
    const patch = (values: object) => admin.call('PATCH', '/credentials/main', { body: { credential_values: values } });
    expect(await patch({ api_base: 'https://other.example.com' })).toMatchObject({
      status: 409,
      body: { error: { message: expect.stringContaining('claude') } },
    });
    expect(await patch({ api_base: 'https://api.example.com', api_key: 'sk-ant-rotated' })).toMatchObject({ status: 200 });
  });

  it('starts afresh when the secret is gone, and reads one made by hand', async () => {
    const admin = createAdmin();
    await create(admin);
    await admin.deps.secrets.delete('credential/main');
    await admin.call('PATCH', '/credentials/main', { body: { credential_values: { api_key: 'k1' } } });
    expect(await admin.deps.secrets.get('credential/main')).toBe('{"api_key":"k1"}');
    for (const byHand of ['k2', '"k2"']) {
      await admin.deps.secrets.put('credential/main', byHand);
      await admin.call('PATCH', '/credentials/main', { body: { credential_values: { api_version: 'v' } } });
      expect(await admin.deps.secrets.get('credential/main')).toContain('k2');
    }
  });

  it('deletes facts and values', async () => {
    const admin = createAdmin();
    await create(admin);
    expect(await admin.call('DELETE', '/credentials/main')).toMatchObject({ status: 200, body: { success: true } });
    expect(await admin.deps.secrets.get('credential/main')).toBeUndefined();
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      expect(await admin.call(method, '/credentials/main', { body: {} })).toMatchObject({
        status: 404,
        body: { error: { type: 'not_found_error', param: 'credential_name' } },
      });
    }
  });
});
