import { describe, expect, it } from 'vitest';
import { deploymentOf } from '../../../lib/management/models/deployment.ts';
import { infoOf, modelRow, paramsOf } from '../../../lib/management/models/model-answer.ts';
import { providers } from '../../../lib/providers/index.ts';

const read = (params: object, info: unknown = {}, source: 'config' | 'store' = 'config') =>
  deploymentOf({ modelName: 'fast', params, info, source, id: 'd1' });

describe('deploymentOf', () => {
  it('keeps the key of a config file in memory, as a value', () => {
    const { deployment, secrets, unsupported } = read({ model: 'groq/llama-3.1-8b-instant', api_key: 'gsk-secret' });
    expect(deployment).toEqual({
      id: 'd1',
      modelName: 'fast',
      provider: 'groq',
      model: 'llama-3.1-8b-instant',
      credential: { type: 'value', value: 'gsk-secret' },
      info: {},
      source: 'config',
    });
    expect(secrets).toEqual({ api_key: 'gsk-secret' });
    expect(unsupported).toEqual([]);
  });

  it('leaves a reference to the environment a reference', () => {
    const { deployment, secrets } = read({ model: 'gpt-4o', api_key: 'os.environ/OPENAI_API_KEY' });
    expect(deployment.credential).toEqual({ type: 'env', name: 'OPENAI_API_KEY' });
    expect(secrets).toBeUndefined();
  });

  it('allows a config file its own headers, since it is not stored', () => {
    expect(read({ model: 'gpt-4o', extra_headers: { Authorization: 'x' } }).deployment.extraHeaders).toEqual({
      Authorization: 'x',
    });
    expect(() => read({ model: 'gpt-4o', extra_headers: { Authorization: 'x' } }, {}, 'store')).toThrow(
      /looks like a credential/,
    );
  });

  it('lets custom_llm_provider win over a prefix', () => {
    const params = { model: 'openai/gpt-oss-120b', custom_llm_provider: 'groq' };
    expect(read(params).deployment).toMatchObject({ provider: 'groq', model: 'openai/gpt-oss-120b' });
    expect(read({ model: 'groq/x', custom_llm_provider: 'groq' }).deployment).toMatchObject({ provider: 'groq', model: 'x' });
  });

  it('keeps wildcards', () => {
    expect(read({ model: 'openai/*' }).deployment).toMatchObject({ provider: 'openai', model: '*' });
  });

  it('takes prices from both parts, the parameters first, and limits from model_info', () => {
    const info = {
      input_cost_per_token: 1,
      output_cost_per_token: 2,
      base_model: 'azure/gpt-4o',
      max_input_tokens: 1000,
      max_tokens: 50,
      mode: 'chat',
      id: 'ignored',
      db_model: true,
    };
    const { deployment } = read({ model: 'azure/mine', api_base: 'https://a.example.com', input_cost_per_token: 3 }, info);
    expect(deployment).toMatchObject({
      price: { input_cost_per_token: 3, output_cost_per_token: 2 },
      baseModel: 'azure/gpt-4o',
      maxInputTokens: 1000,
      maxOutputTokens: 50,
      info: { mode: 'chat' },
    });
    expect(infoOf(deployment)).toEqual({
      mode: 'chat',
      base_model: 'azure/gpt-4o',
      max_input_tokens: 1000,
      max_output_tokens: 50,
    });
  });

  it('lists what it does not understand, and only what says something', () => {
    const { unsupported } = read(
      { model: 'gpt-4o', tags: ['a'], temperature: 0, mock_response: '', drop_params: false, tiered_pricing: [] },
      { access_groups: ['x'], team_id: null, file_search_cost_per_1k_calls: { low: 1 }, anything: 1 },
    );
    expect(unsupported).toEqual([
      'litellm_params.tags',
      'litellm_params.temperature',
      'model_info.access_groups',
      'model_info.file_search_cost_per_1k_calls',
    ]);
  });

  it('wants an address where the provider has none of its own', () => {
    const homeless = [...providers.values()].filter((row) => row.base === undefined && row.envBases.length === 0);
    for (const { id } of homeless) {
      expect(() => read({ model: `${id}/x` })).toThrow(/api_base/);
      expect(read({ model: `${id}/x`, api_base: 'http://127.0.0.1:8000/v1' }).deployment.apiBase).toBe(
        'http://127.0.0.1:8000/v1',
      );
    }
  });

  it('gives the same deployment again from its own parameters', () => {
    const params = {
      model: 'openai/gpt-4o',
      api_base: 'https://a.example.com',
      api_version: 'v',
      organization: 'o',
      rpm: 1,
      tpm: 2,
      weight: 0.5,
      timeout: 1.5,
      stream_timeout: 2,
      extra_headers: { a: 'b' },
      extra_body: { c: 1 },
      additional_drop_params: ['d'],
      max_retries: 0,
      input_cost_per_token: 1e-6,
    };
    const { deployment } = read(params, { mode: 'chat' });
    expect(paramsOf(deployment)).toEqual(params);
    expect(read(paramsOf(deployment), infoOf(deployment)).deployment).toEqual(deployment);
  });

  it('keeps parts of an address with the deployment, and secrets of a provider apart', () => {
    const params = {
      model: 'bedrock/us-east-1/anthropic.claude-v2',
      aws_region_name: 'eu-west-1',
      aws_role_name: 'arn:aws:iam::1:role/r',
      aws_access_key_id: 'AKIAEXAMPLE',
      aws_secret_access_key: 'hush',
      aws_bedrock_runtime_endpoint: 'https://vpce.example/',
    };
    const { deployment, secrets, unsupported } = read(params);
    expect(deployment).toMatchObject({
      provider: 'bedrock',
      model: 'us-east-1/anthropic.claude-v2',
      apiBase: 'https://vpce.example',
      parameters: { aws_region_name: 'eu-west-1', aws_role_name: 'arn:aws:iam::1:role/r' },
    });
    const { aws_access_key_id: id, aws_secret_access_key: secret } = params;
    expect(secrets).toEqual({ aws_access_key_id: id, aws_secret_access_key: secret });
    expect(deployment.credential).toEqual({ type: 'value', value: JSON.stringify(secrets) });
    expect(unsupported).toEqual([]);
    expect(read(params, {}, 'store').deployment.credential).toEqual({ type: 'secret', name: 'model/d1' });
    expect(JSON.stringify(paramsOf(deployment))).not.toMatch(/hush|AKIA/);
    const { credential: _credential, ...rest } = deployment;
    expect(read(paramsOf(deployment)).deployment).toMatchObject(rest);
  });

  it('takes numbers as text and JSON as an object', () => {
    const account = { type: 'service_account', private_key: 'a\nb' };
    const vertex = read({ model: 'vertex_ai/gemini-2.5-pro', vertex_project: 12, vertex_credentials: account });
    expect(vertex.deployment.parameters).toEqual({ vertex_project: '12' });
    expect(vertex.secrets).toEqual({ vertex_credentials: JSON.stringify(account) });
  });

  it('names fields that belong to other providers, and secrets in two places', () => {
    expect(read({ model: 'gpt-4o', aws_region_name: 'eu-west-1', vertex_credentials: 'x' }).unsupported).toEqual([
      'litellm_params.aws_region_name',
      'litellm_params.vertex_credentials',
    ]);
    const bedrock = { model: 'bedrock/m', aws_access_key_id: 'AKIAEXAMPLE' };
    expect(() => read({ ...bedrock, api_key: 'os.environ/BEDROCK_KEY' })).toThrow(/aws_access_key_id: give it together with/);
    expect(() => read({ ...bedrock, litellm_credential_name: 'aws' })).toThrow(/aws_access_key_id: give it together with/);
    expect(() => read({ ...bedrock, aws_secret_access_key: 'os.environ/X' })).toThrow(/in a config file only/);
    expect(() => read({ ...bedrock, aws_secret_access_key: 7 })).toThrow(/aws_secret_access_key: expected a text/);
    expect(() => read({ model: 'bedrock/m', aws_region_name: ['x'] })).toThrow(
      /litellm_params.aws_region_name: expected a text/,
    );
  });

  it('does not repeat a secret in an error', () => {
    for (const params of [
      { model: 'gpt-4o', api_key: ['sk-secret'] },
      { model: 'gpt-4o', api_key: '', api_base: 'http://u:sk-secret@h' },
    ]) {
      expect(() => read(params)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('sk-secret') }));
    }
  });
});

describe('modelRow', () => {
  it('does without facts of the catalog', () => {
    const { deployment } = read({ model: 'openai/unheard-of', api_key: 'secret-value' });
    const row = modelRow(deployment, undefined);
    expect(row).toEqual({
      model_name: 'fast',
      litellm_params: { model: 'openai/unheard-of' },
      model_info: expect.objectContaining({
        id: 'd1',
        db_model: false,
        litellm_provider: 'openai',
        input_cost_per_token: null,
      }),
    });
  });
});
