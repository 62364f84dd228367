import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../lib/domain/model.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { aDeployment } from '../../support/exchange.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const SECRET = 'sk-proj-provider-secret-1234';

const add = (admin: Admin, params: object = {}, rest: object = {}): Promise<Answer> =>
  admin.call('POST', '/model/new', {
    body: { model_name: 'fast', litellm_params: { model: 'openai/gpt-4o-mini', ...params }, ...rest },
  });

/** The id of a new model. */
async function addedId(admin: Admin, params: object = {}, rest: object = {}): Promise<string> {
  const answer = await add(admin, params, rest);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return String(answer.body['model_id']);
}

const stored = (admin: Admin, id: string): Promise<Deployment | undefined> => admin.deps.models.get(id);

describe('/model/new', () => {
  it('stores a deployment and puts its key into the secret store only', async () => {
    const admin = createAdmin();
    const id = await addedId(admin, {
      api_key: SECRET,
      api_base: 'https://api.example.com/v1/',
      api_version: '2026-01-01',
      rpm: 10,
      tpm: '1000',
      weight: 2,
      timeout: 30,
      stream_timeout: '1.5',
      extra_headers: { 'x-team': 'a' },
      extra_body: { top_k: 1 },
      additional_drop_params: ['seed'],
      max_retries: 1,
      organization: 'org',
      input_cost_per_token: 0.000002,
      output_cost_per_token: '4e-6',
    });
    expect(await stored(admin, id)).toEqual({
      id,
      modelName: 'fast',
      provider: 'openai',
      model: 'gpt-4o-mini',
      credential: { type: 'secret', name: `model/${id}` },
      apiBase: 'https://api.example.com/v1',
      apiVersion: '2026-01-01',
      organization: 'org',
      rpm: 10,
      tpm: 1000,
      weight: 2,
      timeoutMs: 30_000,
      streamTimeoutMs: 1500,
      extraHeaders: { 'x-team': 'a' },
      extraBody: { top_k: 1 },
      dropParams: ['seed'],
      maxRetries: 1,
      price: { input_cost_per_token: 0.000002, output_cost_per_token: 0.000004 },
      info: {},
      source: 'store',
      createdAt: NOW,
      updatedAt: NOW,
      rev: 1,
    });
    expect(await admin.deps.secrets.get(`model/${id}`)).toBe(JSON.stringify({ api_key: SECRET }));
    expect(admin.outputs.join()).not.toContain(SECRET);
    expect(admin.changes.count).toBe(1);
  });

  it('answers as /model/info does', async () => {
    const admin = createAdmin();
    const answer = await add(
      admin,
      { api_key: 'os.environ/OPENAI_API_KEY' },
      { model_info: { id: 'my-id', mode: 'chat', team: 'x' } },
    );
    const info = await admin.call('GET', '/v1/model/info?litellm_model_id=my-id');
    const row = {
      model_name: 'fast',
      litellm_params: { model: 'openai/gpt-4o-mini', api_key: 'os.environ/OPENAI_API_KEY' },
      model_info: { id: 'my-id', db_model: true, mode: 'chat', team: 'x', litellm_provider: 'openai', key: 'gpt-4o-mini' },
    };
    expect(answer.body).toMatchObject({ model_id: 'my-id', ...row });
    expect(info.body).toMatchObject({ data: [row] });
    expect(answer.body['model_info']).toMatchObject({
      max_tokens: expect.any(Number),
      max_input_tokens: 128_000,
      input_cost_per_token: expect.any(Number),
      supports_vision: true,
    });
  });

  it.each([
    [{ model: 'nowhere/x' }, 'litellm_params.model', "'nowhere' names no provider"],
    [{ model: 'x', custom_llm_provider: 'nowhere' }, 'litellm_params.custom_llm_provider', 'groq'],
    [{ model: undefined }, 'litellm_params.model', 'got nothing'],
    [{ rpm: -1 }, 'litellm_params.rpm', 'expected a whole number'],
    [{ timeout: 0 }, 'litellm_params.timeout', 'expected seconds'],
    [{ weight: -1 }, 'litellm_params.weight', '0 or more'],
    [{ api_base: 'file:///etc/passwd' }, 'litellm_params.api_base', 'http'],
    [{ api_base: 'https://user:word@example.com' }, 'litellm_params.api_base', 'without user name'],
    [{ base_url: 'nonsense' }, 'litellm_params.base_url', 'http'],
    [{ api_key: 'os.environ/not a name' }, 'litellm_params.api_key', 'os.environ/NAME'],
    [{ api_key: 'os.environ/AWS_SECRET_ACCESS_KEY' }, 'litellm_params.api_key', 'os.environ/NAME'],
    [{ api_key: 'os.environ/TOLLGATE_MASTER_KEY' }, 'litellm_params.api_key', 'os.environ/NAME'],
    [{ api_key: 'a', litellm_credential_name: 'b' }, 'litellm_params.litellm_credential_name', "no credential 'b'"],
    [{ extra_headers: { Authorization: 'Bearer x' } }, 'litellm_params.extra_headers', 'looks like a credential'],
    [{ extra_headers: { 'a b': 'x' } }, 'litellm_params.extra_headers', 'HTTP forbids'],
    [{ extra_headers: { a: 'x\r\ny: z' } }, 'litellm_params.extra_headers.a', 'control characters'],
    [{ input_cost_per_token: -1 }, 'litellm_params.input_cost_per_token', '0 or more'],
    [{ input_cost_per_token: 'cheap' }, 'litellm_params.input_cost_per_token', '0 or more'],
    [{ tags: ['a'] }, 'litellm_params.tags', 'not supported yet'],
    [{ search_context_cost_per_query: { low: 1 } }, 'litellm_params.search_context_cost_per_query', 'search_context_size_low'],
    [{ tiered_pricing: [{ input_cost_per_token: 1 }] }, 'litellm_params.tiered_pricing[0]', 'a range'],
    [
      { tiered_pricing: [{ range: [0, 9], input_cost_per_token: -1 }] },
      'litellm_params.tiered_pricing[0].input_cost_per_token',
      '0 or more',
    ],
    [{ provider_specific_entry: { fast: 2 } }, 'litellm_params.provider_specific_entry', 'not supported yet'],
  ])('refuses %j', async (params, param, words) => {
    const admin = createAdmin();
    const answer = await add(admin, params);
    expect(answer).toMatchObject({ status: 400, body: { error: { param, message: expect.stringContaining(words) } } });
    expect(await admin.deps.models.list()).toEqual([]);
  });

  it('refuses a key and a credential together', async () => {
    const admin = createAdmin();
    await admin.call('POST', '/credentials', { body: { credential_name: 'b', credential_values: { api_key: SECRET } } });
    const answer = await add(admin, { api_key: 'a-key-of-its-own', litellm_credential_name: 'b' });
    expect(answer).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('not both') } } });
  });

  it('refuses what restricts who may call, and malformed parts', async () => {
    const admin = createAdmin();
    expect(await add(admin, {}, { model_info: { access_groups: ['a'] } })).toMatchObject({
      status: 400,
      body: { error: { param: 'model_info.access_groups' } },
    });
    expect(await add(admin, {}, { model_info: 'x' })).toMatchObject({ status: 400, body: { error: { param: 'model_info' } } });
    expect(await add(admin, {}, { litellm_params: [] })).toMatchObject({
      status: 400,
      body: { error: { param: 'litellm_params' } },
    });
    expect(await add(admin, {}, { model_name: '' })).toMatchObject({ status: 400, body: { error: { param: 'model_name' } } });
    expect(await add(admin, {}, { model_info: { id: 'a/b' } })).toMatchObject({
      status: 400,
      body: { error: { param: 'model_info.id' } },
    });
  });

  it('accepts null and empty parameters as said nothing', async () => {
    const admin = createAdmin();
    const id = await addedId(admin, { api_base: null, tags: [], use_in_pass_through: false, budget_duration: null, cache: '' });
    expect(await stored(admin, id)).toMatchObject({ credential: { type: 'none' } });
  });

  it('gives an id to one model only, fixed ones included, and leaves the first one its secret', async () => {
    const admin = createAdmin({}, [aDeployment({ id: 'fixed' })]);
    await add(admin, { api_key: SECRET }, { model_info: { id: 'one' } });
    for (const id of ['one', 'fixed']) {
      expect(await add(admin, { api_key: 'other' }, { model_info: { id } })).toMatchObject({ status: 409 });
    }
    expect(await admin.deps.secrets.get('model/one')).toContain(SECRET);
  });

  it('leaves no model behind when its secret cannot be stored', async () => {
    const secrets = {
      ...createAdmin().deps.secrets,
      put: () => Promise.reject(new Error('no')),
    };
    const admin = createAdmin({ secrets });
    expect(await add(admin, { api_key: SECRET })).toMatchObject({ status: 500 });
    expect(await admin.deps.models.list()).toEqual([]);
  });
});

describe('/model/info', () => {
  it('lists every deployment, those of the configuration too, without secrets', async () => {
    const fixed = [
      aDeployment({
        id: 'c1',
        credential: { type: 'value', value: SECRET },
        extraHeaders: { Authorization: SECRET, 'x-team': 'a' },
        price: { input_cost_per_token: 1 },
        baseModel: 'gpt-4o',
      }),
      aDeployment({ id: 'c2', modelName: 'openai/*', model: '*' }),
    ];
    const admin = createAdmin({}, fixed);
    await add(admin, { api_key: SECRET });
    const { body } = await admin.call('GET', '/model/info');
    expect(body).toMatchObject({
      data: [
        { model_info: { db_model: true } },
        {
          model_name: 'gpt-4o-mini',
          litellm_params: { extra_headers: { Authorization: '********', 'x-team': 'a' } },
          model_info: { id: 'c1', db_model: false, base_model: 'gpt-4o', key: 'gpt-4o', input_cost_per_token: 1 },
        },
        { model_name: 'openai/*', litellm_params: { model: 'openai/*' }, model_info: { id: 'c2' } },
      ],
    });
    expect(JSON.stringify(body)).not.toContain(SECRET);
  });

  it('knows the price of a model whose name also says which API or region to call', async () => {
    const model = 'converse/us.anthropic.claude-sonnet-4-20250514-v1:0';
    const admin = createAdmin({}, [aDeployment({ provider: 'bedrock', model })]);

    const { body } = await admin.call('GET', '/v1/model/info');

    expect(body).toMatchObject({ data: [{ model_info: { input_cost_per_token: 3e-6, cache_read_input_token_cost: 3e-7 } }] });
  });

  it('has the fields of every row where nothing is known, as null', async () => {
    const admin = createAdmin({}, [aDeployment({ provider: 'hosted_vllm', model: 'own-model' })]);

    const { body } = await admin.call('GET', '/model/info');

    const unknown = { key: null, mode: null, max_tokens: null, input_cost_per_token: null, supports_vision: null };
    expect(body).toMatchObject({ data: [{ model_info: unknown }] });
  });

  it("shows prices with an inside, the operator's over those of the catalog", async () => {
    const admin = createAdmin();
    const ranges = [
      { range: [0, 1000], input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
      { range: [1000, 9000], input_cost_per_token: 3e-6, output_cost_per_token: 4e-6 },
    ];
    const searches = { search_context_size_low: 0.5 };
    await addedId(admin, {
      model: 'openai/gpt-4o-search-preview',
      search_context_cost_per_query: searches,
      tiered_pricing: ranges,
    });

    const { body } = await admin.call('GET', '/model/info');
    const info = { tiered_pricing: ranges, search_context_cost_per_query: { ...searches, search_context_size_high: 0.05 } };
    expect(body).toMatchObject({ data: [{ model_info: info, litellm_params: { tiered_pricing: ranges } }] });
    const estimate = { model: 'fast', input_tokens: 2000, output_tokens: 0 };
    // 2000 * 3/M, and the search of every call at 0.035
    expect((await admin.call('POST', '/cost/estimate', { body: estimate })).body).toMatchObject({ cost_per_request: 0.041 });
  });

  it('shows a key the models it may call, and nothing of where they are', async () => {
    const address = 'http://10.1.2.3:8000';
    const admin = createAdmin({}, [
      aDeployment({ id: 'c1', modelName: 'fast', apiBase: address, extraHeaders: { 'x-team': 'a' } }),
      aDeployment({ id: 'c2', modelName: 'slow' }),
    ]);
    const { body } = await admin.call('POST', '/key/generate', { body: { models: ['fast'] } });
    const key = String(body['key']);

    for (const path of ['/model/info', '/v1/model/info', '/v2/model/info']) {
      const { body: shown } = await admin.call('GET', path, { key });
      expect(shown['data']).toEqual([
        {
          model_name: 'fast',
          litellm_params: { model: 'openai/gpt-4o-mini' },
          model_info: expect.objectContaining({ id: 'c1', key: 'gpt-4o-mini' }),
        },
      ]);
    }
    expect(await admin.call('GET', '/model/info?litellm_model_id=c2', { key })).toMatchObject({ status: 404 });
  });

  it('comes by page, searched and in order', async () => {
    const models = ['c', 'a', 'b', 'other'].map((modelName) => aDeployment({ id: `id-${modelName}`, modelName }));
    const admin = createAdmin({}, models);
    const names = async (query: string) => {
      const { body } = await admin.call('GET', `/v2/model/info?${query}`);
      return [
        (body['data'] as { model_name: string }[]).map((row) => row.model_name),
        body['total_count'],
        body['total_pages'],
      ];
    };

    expect(await names('page=1&size=3&sortBy=model_name&sortOrder=desc')).toEqual([['other', 'c', 'b'], 4, 2]);
    expect(await names('page=2&size=3&sortBy=model_name&sortOrder=desc')).toEqual([['a'], 4, 2]);
    expect(await names('search=OTH')).toEqual([['other'], 1, 1]);
    expect(await names('modelId=id-a&model=a')).toEqual([['a'], 1, 1]);
    expect(await admin.call('GET', '/v2/model/info?sortBy=color')).toMatchObject({ status: 400 });
  });

  it('knows no unknown id', async () => {
    expect(await createAdmin().call('GET', '/model/info?litellm_model_id=x')).toMatchObject({
      status: 404,
      body: { error: { type: 'not_found_error' } },
    });
  });
});

describe('/model/update', () => {
  it('changes what is given and keeps the rest, the key too', async () => {
    const admin = createAdmin();
    const id = await addedId(
      admin,
      { api_key: SECRET, rpm: 10, timeout: 5, input_cost_per_token: 1e-6 },
      { model_info: { mode: 'chat' } },
    );
    admin.clock.now = NOW + 1;
    const before = await stored(admin, id);
    const answer = await admin.call('PATCH', `/model/${id}/update`, {
      body: { litellm_params: { rpm: null, tpm: 5 }, model_info: { max_tokens: 100 } },
    });
    const { rpm: _gone, ...rest } = before ?? aDeployment();
    expect(answer).toMatchObject({ status: 200, body: { model_id: id, model_info: { max_tokens: 100, mode: 'chat' } } });
    expect(await stored(admin, id)).toEqual({ ...rest, tpm: 5, maxOutputTokens: 100, updatedAt: NOW + 1, rev: 2 });
    expect(await admin.deps.secrets.get(`model/${id}`)).toContain(SECRET);
  });

  it('takes a change under the other name of a field', async () => {
    const admin = createAdmin();
    const params = { api_base: 'https://one.example.com', input_cost_per_token: 1e-6 };
    const id = await addedId(admin, params, { model_info: { max_output_tokens: 10 } });
    await admin.call('PATCH', `/model/${id}/update`, {
      body: {
        litellm_params: { base_url: 'https://two.example.com' },
        model_info: { max_tokens: 20, input_cost_per_token: 2e-6 },
      },
    });
    expect(await stored(admin, id)).toMatchObject({
      apiBase: 'https://two.example.com',
      maxOutputTokens: 20,
      price: { input_cost_per_token: 2e-6 },
    });
    await admin.call('PATCH', `/model/${id}/update`, {
      body: { model_info: { max_tokens: null, input_cost_per_token: null } },
    });
    expect(await stored(admin, id)).not.toHaveProperty('price');
    expect(await stored(admin, id)).not.toHaveProperty('maxOutputTokens');
  });

  it('takes what /model/info told as input', async () => {
    const admin = createAdmin();
    const id = await addedId(admin, { api_key: SECRET, extra_headers: { 'x-team': 'a' }, timeout: 2.5 });
    const before = await stored(admin, id);
    const { body } = await admin.call('GET', `/model/info?litellm_model_id=${id}`);
    const [row] = body['data'] as [{ litellm_params: object; model_info: object; model_name: string }];
    const answer = await admin.call('POST', '/model/update', {
      body: { model_name: row.model_name, litellm_params: row.litellm_params, model_info: { id } },
    });
    expect(answer.status).toBe(200);
    expect(await stored(admin, id)).toEqual({ ...before, rev: 2 });
  });

  it('moves to another model, name and key', async () => {
    const admin = createAdmin();
    const id = await addedId(admin, { api_key: SECRET });
    const answer = await admin.call('POST', '/model/update', {
      body: {
        model_name: 'slow',
        litellm_params: { model: 'groq/llama-3.3-70b-versatile', api_key: 'gsk-other' },
        model_info: { id },
      },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { model_name: 'slow', litellm_params: { model: 'groq/llama-3.3-70b-versatile' } },
    });
    expect(await admin.deps.secrets.get(`model/${id}`)).toBe('{"api_key":"gsk-other"}');
  });

  it('changes one of several secrets, removes one by null, and all of them', async () => {
    const admin = createAdmin();
    const keys = { aws_access_key_id: 'AKIAEXAMPLE', aws_secret_access_key: 'first', aws_session_token: 'session' };
    const id = await addedId(admin, { model: 'bedrock/m', aws_region_name: 'eu-west-1', ...keys });
    const change = (params: object) => admin.call('PATCH', `/model/${id}/update`, { body: { litellm_params: params } });
    const held = async (): Promise<unknown> => JSON.parse((await admin.deps.secrets.get(`model/${id}`)) ?? 'null');

    expect(await held()).toEqual(keys);
    expect((await change({ aws_secret_access_key: 'another-secret', aws_session_token: null })).status).toBe(200);
    expect(await held()).toEqual({ aws_access_key_id: 'AKIAEXAMPLE', aws_secret_access_key: 'another-secret' });
    await change({ aws_region_name: 'us-east-1' });
    expect(await stored(admin, id)).toMatchObject({
      parameters: { aws_region_name: 'us-east-1' },
      credential: { type: 'secret', name: `model/${id}` },
    });
    await change({ aws_access_key_id: null, aws_secret_access_key: null });
    expect(await held()).toBeNull();
    expect(await stored(admin, id)).toMatchObject({ credential: { type: 'none' } });
    expect(admin.outputs.join()).not.toMatch(/AKIAEXAMPLE|another-secret/);
  });

  it('drops its own key when it goes over to a named credential', async () => {
    const admin = createAdmin();
    await admin.call('POST', '/credentials', {
      body: { credential_name: 'shared', credential_values: { api_key: 'k', api_base: 'https://shared.example.com' } },
    });
    const id = await addedId(admin, { api_key: SECRET });
    const answer = await admin.call('PATCH', `/model/${id}/update`, {
      body: { litellm_params: { litellm_credential_name: 'shared' } },
    });
    expect(answer).toMatchObject({
      body: { litellm_params: { litellm_credential_name: 'shared', api_base: 'https://shared.example.com' } },
    });
    expect(await stored(admin, id)).toMatchObject({ credential: { type: 'secret', name: 'credential/shared' } });
    expect(await admin.deps.secrets.get(`model/${id}`)).toBeUndefined();
  });

  it('refuses unknown ids, those of the configuration, and none', async () => {
    const admin = createAdmin({}, [aDeployment({ id: 'fixed' })]);
    const update = (id: unknown) =>
      admin.call('POST', '/model/update', { body: { litellm_params: { rpm: 1 }, model_info: { id } } });
    expect(await update('unknown')).toMatchObject({ status: 404 });
    expect(await update('fixed')).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('config file') } },
    });
    expect(await update(undefined)).toMatchObject({ status: 400, body: { error: { param: 'model_info.id' } } });
  });

  it('says so when the model is deleted meanwhile', async () => {
    const models = open().models;
    const admin = createAdmin({
      models: { ...models, put: async (one, how) => (how === 'existing' ? 'conflict' : models.put(one, how)) },
    });
    const id = await addedId(admin);
    expect(await admin.call('PATCH', `/model/${id}/update`, { body: {} })).toMatchObject({ status: 404 });
  });
});

describe('/model/delete', () => {
  it('deletes the model and its secret', async () => {
    const admin = createAdmin();
    const id = await addedId(admin, { api_key: SECRET });
    expect(await admin.call('POST', '/model/delete', { body: { id } })).toMatchObject({
      status: 200,
      body: { message: `Model: ${id} deleted successfully` },
    });
    expect(await admin.deps.secrets.get(`model/${id}`)).toBeUndefined();
    expect(await admin.call('POST', '/model/delete', { body: { id } })).toMatchObject({ status: 404 });
  });

  it('leaves a shared credential alone', async () => {
    const admin = createAdmin();
    await admin.call('POST', '/credentials', { body: { credential_name: 'shared', credential_values: { api_key: 'k' } } });
    const id = await addedId(admin, { litellm_credential_name: 'shared' });
    await admin.call('POST', '/model/delete', { body: { id } });
    expect(await admin.deps.secrets.get('credential/shared')).toBeDefined();
  });

  it('says so when somebody else was faster', async () => {
    const admin = createAdmin();
    const id = await addedId(admin);
    const models = { ...admin.deps.models, delete: async () => undefined };
    expect(await createAdmin({ ...admin.deps, models }).call('POST', '/model/delete', { body: { id } })).toMatchObject({
      status: 404,
    });
  });
});
