import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalConfig, loadConfig } from '../../../lib/local/config.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const path = (name = 'config.yaml'): string => join(folder, name);
const write = (text: string, name?: string): string => {
  writeFileSync(path(name), text);
  return path(name);
};
const load = (text: string, environment: Record<string, string> = {}): LocalConfig => loadConfig(write(text), environment);
/** Warnings and errors with the folder's own name taken out. */
const plain = (text: string): string => text.replaceAll(`${folder}/`, '');
const warningsOf = (config: LocalConfig): string[] => config.warnings.map(plain);
function faultOf(text: string, environment: Record<string, string> = {}): string {
  try {
    load(text, environment);
  } catch (error) {
    return plain((error as Error).message);
  }
  throw new Error('the config was accepted');
}

describe('models', () => {
  it('become deployments, with references kept for keys and resolved for the rest', () => {
    const config = load(
      `
model_list:
  - model_name: fast
    litellm_params:
      model: groq/llama-3.1-8b-instant
      api_key: os.environ/GROQ_API_KEY
      rpm: 60
      weight: 2
      timeout: 30
  - model_name: gpt-4o
    litellm_params:
      model: azure/our-gpt-4o
      api_base: os.environ/AZURE_API_BASE
      api_version: "2024-10-21"
      api_key: plain-key
      input_cost_per_token: 1e-6
      output_cost_per_token: 0.000002
      extra_headers: {x-team: os.environ/TEAM}
    model_info:
      base_model: azure/gpt-4o
      max_output_tokens: 4096
      owner: platform
  - model_name: openai/*
    litellm_params: {model: openai/*, api_key: os.environ/OPENAI_API_KEY}
`,
      { GROQ_API_KEY: 'gsk', OPENAI_API_KEY: 'sk', AZURE_API_BASE: 'https://us.openai.azure.com/', TEAM: 'core' },
    );

    expect(config.warnings).toEqual([]);
    expect(config.deployments).toMatchObject([
      {
        modelName: 'fast',
        provider: 'groq',
        model: 'llama-3.1-8b-instant',
        credential: { type: 'env', name: 'GROQ_API_KEY' },
        rpm: 60,
        weight: 2,
        timeoutMs: 30_000,
        source: 'config',
      },
      {
        modelName: 'gpt-4o',
        provider: 'azure',
        model: 'our-gpt-4o',
        apiBase: 'https://us.openai.azure.com',
        apiVersion: '2024-10-21',
        credential: { type: 'value', value: 'plain-key' },
        price: { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
        extraHeaders: { 'x-team': 'core' },
        baseModel: 'azure/gpt-4o',
        maxOutputTokens: 4096,
        info: { owner: 'platform' },
      },
      { modelName: 'openai/*', provider: 'openai', model: '*', credential: { type: 'env', name: 'OPENAI_API_KEY' } },
    ]);
  });

  it('keep their ids over restarts, new keys and new entries, and share none', () => {
    const entry = (name: string, key: string): string =>
      `  - {model_name: ${name}, litellm_params: {model: openai/gpt-4o, api_key: ${key}}}\n`;
    const first = load(`model_list:\n${entry('a', 'one')}${entry('a', 'two')}${entry('b', 'one')}`);
    const second = load(`model_list:\n${entry('new', 'x')}${entry('a', 'three')}${entry('a', 'two')}${entry('b', 'four')}`);
    const ids = (config: LocalConfig): string[] => config.deployments.map(({ id }) => id);

    expect(ids(second).slice(1)).toEqual(ids(first));
    expect(new Set(ids(second)).size).toBe(4);
  });

  it('have the id they are given', () => {
    const text = `model_list:\n  - {model_name: a, litellm_params: {model: openai/gpt-4o}, model_info: {id: mine}}\n`;

    expect(load(text).deployments[0]?.id).toBe('mine');
    expect(faultOf(text + text.slice(text.indexOf('\n') + 1))).toMatch(
      /^config.yaml:3: model_info.id: "mine" is the id of another/,
    );
  });

  it('of unknown providers, or without an address, are left out and the others work', () => {
    const config = load(
      `
model_list:
  - {model_name: gemini, litellm_params: {model: acme_ai/gemini-2.5-pro, vertex_project: p}}
  - {model_name: claude, litellm_params: {model: acme_ml/anthropic.claude-v2}}
  - {model_name: named, litellm_params: {model: x, custom_llm_provider: acme_ml}}
  - {model_name: local, litellm_params: {model: openai/mine, api_base: os.environ/LOCAL_BASE, api_key: none}}
  - {model_name: works, litellm_params: {model: openai/gpt-4o, api_key: k}}
`,
    );

    expect(config.deployments.map(({ modelName }) => modelName)).toEqual(['works']);
    expect(warningsOf(config)).toEqual([
      'environment variable LOCAL_BASE is not set (config.yaml:6)',
      expect.stringMatching(/^config.yaml:3: model "gemini" is left out: litellm_params.model: 'acme_ai' names no provider/),
      expect.stringMatching(/^config.yaml:4: model "claude" is left out: litellm_params.model: 'acme_ml' names no provider/),
      expect.stringMatching(/^config.yaml:5: model "named" is left out: litellm_params.custom_llm_provider: 'acme_ml'/),
      'config.yaml:6: model "local" is left out, for want of its api_base',
    ]);
  });

  it('without a key take the one of their provider, but never to a foreign address', () => {
    const config = load(
      `
model_list:
  - {model_name: own, litellm_params: {model: openai/gpt-4o}}
  - {model_name: same-host, litellm_params: {model: openai/gpt-4o, api_base: https://api.openai.com/v1}}
  - {model_name: foreign, litellm_params: {model: openai/gpt-4o, api_base: http://elsewhere.example}}
  - {model_name: azure, litellm_params: {model: azure/x, api_base: https://us.openai.azure.com}}
`,
      { OPENAI_API_KEY: 'sk', AZURE_API_KEY: 'az' },
    );

    expect(config.deployments.map(({ credential }) => credential)).toEqual([
      { type: 'env', name: 'OPENAI_API_KEY' },
      { type: 'env', name: 'OPENAI_API_KEY' },
      { type: 'none' },
      { type: 'env', name: 'AZURE_API_KEY' },
    ]);
  });

  it('whose variables are not set are named once, with the places', () => {
    const entry =
      '  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: os.environ/NOBODY, organization: os.environ/ORG}}\n';
    const config = load(`model_list:\n${entry.repeat(5)}`);

    expect(config.deployments).toHaveLength(5);
    expect(warningsOf(config)).toEqual([
      'environment variable ORG is not set (config.yaml:2, config.yaml:3, config.yaml:4 and 2 more)',
      'environment variable NOBODY is not set (config.yaml:2, config.yaml:3, config.yaml:4 and 2 more)',
    ]);
  });

  it('written as * stand for every provider whose key is there', () => {
    const text = `model_list:\n  - {model_name: "*", litellm_params: {model: "*"}}\n`;

    const config = load(text, { GROQ_API_KEY: 'gsk' });

    expect(config.deployments).toMatchObject([{ modelName: 'groq/*', provider: 'groq', source: 'config' }]);
    expect(warningsOf(load(text))).toEqual(['config.yaml:2: model "*" is left out: no provider\'s key is in the environment']);
  });
});

describe('settings', () => {
  it('are read where Tollgate has them', () => {
    const config = load(
      `
general_settings:
  master_key: os.environ/MY_MASTER
  disable_spend_logs: true
  max_request_size_mb: 1.5
litellm_settings:
  num_retries: 1
  request_timeout: 600
  drop_params: true
  include_cost_in_streaming_usage: on
  cost_discount_config: {openai: 0.05, vertex_ai: 0.1}
  cost_margin_config: {global: 0.05, anthropic: {percentage: 0.08, fixed_amount: 0.0005}}
router_settings:
  num_retries: 4
  disable_cooldowns: yes
  routing_strategy: simple-shuffle
  model_group_alias:
    gpt-4: gpt-4o
    dated: {model: openai/gpt-4o-mini}
    nowhere: no-such-model
model_list:
  - {model_name: gpt-4o, litellm_params: {model: openai/gpt-4o, api_key: k, timeout: 5}}
  - {model_name: openai/*, litellm_params: {model: openai/*, api_key: k}}
`,
      { MY_MASTER: 'sk-master' },
    );

    expect(config.masterKey).toBe('sk-master');
    expect(config.settings).toEqual({
      TOLLGATE_COST_DISCOUNTS: '{"openai":0.05,"vertex_ai":0.1}',
      TOLLGATE_COST_MARGINS: '{"global":0.05,"anthropic":{"percentage":0.08,"fixed_amount":0.0005}}',
      TOLLGATE_DISABLE_LEDGER: 'true',
      TOLLGATE_MAX_BODY_BYTES: '1572864',
      TOLLGATE_NUM_RETRIES: '4',
      TOLLGATE_RESPONSE_COST_IN_STREAM: 'true',
    });
    expect(config.deployments.map(({ modelName, model, timeoutMs }) => [modelName, model, timeoutMs])).toEqual([
      ['gpt-4o', 'gpt-4o', 5000],
      ['openai/*', '*', 600_000],
      ['gpt-4', 'gpt-4o', 5000],
      ['dated', 'gpt-4o-mini', 600_000],
    ]);
    expect(new Set(config.deployments.map(({ id }) => id)).size).toBe(4);
    expect(config.warnings).toEqual(['router_settings.model_group_alias: "nowhere" leads to no model: "no-such-model"']);
  });

  it('that are not supported are named in one line, and empty ones not at all', () => {
    const config = load(
      `
litellm_settings:
  callbacks: [langfuse]
  set_verbose: false
router_settings:
  routing_strategy: least-busy
  redis_host: os.environ/REDIS
  model_group_alias: {old: {model: a, hidden: true}}
general_settings:
  alerting: []
guardrails:
  - guardrail_name: pii
mcp_servers: {}
model_list:
  - model_name: a
    litellm_params: {model: openai/gpt-4o, api_key: k, tags: [free], mock_response: hi}
    model_info: {access_groups: [beta]}
    priority: 2
  - {model_name: b, litellm_params: {model: openai/gpt-4o, api_key: k, tags: [paid]}}
`,
    );

    expect(warningsOf(config)).toEqual([
      'not supported yet, and ignored: guardrails (config.yaml:11), litellm_settings.callbacks (config.yaml:3), ' +
        'router_settings.routing_strategy: least-busy (config.yaml:6), router_settings.redis_host (config.yaml:7), ' +
        'router_settings.model_group_alias: hidden (config.yaml:8), model_list[].priority (config.yaml:18), ' +
        'litellm_params.tags (config.yaml:16, config.yaml:19), litellm_params.mock_response (config.yaml:16), ' +
        'model_info.access_groups (config.yaml:17)',
    ]);
  });

  it('of the environment reach references and win over the process', () => {
    const config = load(
      `
environment_variables:
  GROQ_API_KEY: from-file
  OTHER: os.environ/GIVEN
  PORT_NUMBER: 8080
  ABSENT: os.environ/NOBODY
general_settings: {master_key: os.environ/OTHER}
`,
      { GROQ_API_KEY: 'from-process', GIVEN: 'sk-given' },
    );

    expect(config.masterKey).toBe('sk-given');
    expect(config.environment).toMatchObject({ GROQ_API_KEY: 'from-file', OTHER: 'sk-given', PORT_NUMBER: '8080' });
    expect(warningsOf(config)).toEqual(['environment variable NOBODY is not set (config.yaml:6)']);
  });
});

describe('files', () => {
  it('include others, whose models are added and whose settings win', () => {
    mkdirSync(path('parts'));
    write('model_list:\n  - {model_name: b, litellm_params: {model: openai/gpt-4o, api_key: k}}\n', 'parts/models.yaml');
    write('litellm_settings: {num_retries: 7, callbacks: [x]}\n', 'parts/settings.yaml');
    const config = load(`
include: [parts/models.yaml, parts/settings.yaml]
litellm_settings: {num_retries: 1, request_timeout: 9}
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k}}
`);

    expect(config.deployments.map(({ modelName }) => modelName)).toEqual(['a', 'b']);
    expect(config.settings).toEqual({ TOLLGATE_NUM_RETRIES: '7' });
    expect(warningsOf(config)).toEqual(['not supported yet, and ignored: litellm_settings.callbacks (parts/settings.yaml:1)']);
  });

  it('are read as PyYAML reads them', () => {
    const config = load(`
defaults: &defaults {api_key: k, rpm: 10}
model_list:
  - model_name: a
    litellm_params:
      <<: *defaults
      model: openai/gpt-4o
`);

    expect(config.deployments[0]).toMatchObject({ rpm: 10, credential: { type: 'value', value: 'k' } });
    expect(warningsOf(config)).toEqual(['not supported yet, and ignored: defaults (config.yaml:2)']);
  });

  it('may be empty', () => {
    expect(load('')).toMatchObject({ deployments: [], settings: {}, warnings: [] });
    expect(load('model_list:\ngeneral_settings:\n')).toMatchObject({ deployments: [], warnings: [] });
  });

  it.each([
    ['broken YAML', 'model_list:\n  - a: [1\nb: 2\n', /^config.yaml:\d: \S/],
    ['a key twice', 'model_list: []\nmodel_list: []\n', /^config.yaml:2: Map keys must be unique/],
    ['an alias to nothing', 'a: *b\n', /^config.yaml:?1?: .*b/],
    ['no mapping', '- a\n', /^config.yaml:1: expected a mapping with keys such as model_list/],
    ['models that are no list', '\nmodel_list: {a: b}\n', /^config.yaml:2: model_list: expected a list of models/],
    ['a model that is text', 'model_list:\n  - gpt-4o\n', /^config.yaml:2: model_list\[0\]: expected a mapping/],
    [
      'a model without name',
      'model_list:\n  - {litellm_params: {model: openai/x}}\n',
      /^config.yaml:2: .*model_name: expected/,
    ],
    [
      'a model without parameters',
      'model_list:\n  - {model_name: a}\n',
      /^config.yaml:2: .*litellm_params: expected an object/,
    ],
    [
      'a wrong limit',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: openai/x\n      rpm: many\n',
      /^config.yaml:5: model_list\[0\]: litellm_params.rpm: expected a whole number, 0 or more, got "many"$/,
    ],
    [
      'an address that is none',
      'model_list:\n  - model_name: a\n    litellm_params:\n      model: openai/x\n      api_base: here\n',
      /^config.yaml:5: .*litellm_params.api_base: expected an address/,
    ],
    [
      'a discount that is none',
      'litellm_settings:\n  cost_discount_config: {openai: 5}\n',
      /^config.yaml:2: litellm_settings.cost_discount_config.openai: expected a number between 0 and 1, got 5$/,
    ],
    [
      'a margin for nobody',
      'litellm_settings:\n  cost_margin_config: {opnai: 0.1}\n',
      /^config.yaml:2: litellm_settings.cost_margin_config: expected names of providers/,
    ],
    [
      'a wrong setting',
      'litellm_settings:\n  num_retries: -1\n',
      /^config.yaml:2: litellm_settings.num_retries: expected .* got -1$/,
    ],
    ['settings that are a list', 'router_settings: [a]\n', /^config.yaml:1: router_settings: expected a mapping of settings/],
    ['variables that are a list', 'environment_variables: [a]\n', /^config.yaml:1: environment_variables: expected a mapping/],
    [
      'a variable that is a list',
      'environment_variables:\n  A: 1\n  B: [2]\n',
      /^config.yaml:3: environment_variables.B: expected a text, a number or true or false/,
    ],
    [
      'a master key that is not set',
      'general_settings:\n  master_key: os.environ/NOBODY\n',
      /^config.yaml:2: general_settings.master_key: environment variable NOBODY is not set$/,
    ],
    ['an include that is no list', 'include: a.yaml\n', /^config.yaml:1: include: expected a list of file names/],
    ['an include of itself', 'include:\n  - config.yaml\n', /^config.yaml:2: include: config.yaml includes itself/],
    ['an include of nothing', 'include:\n  - other.yaml\n', /^config file other.yaml: there is no such file/],
    ['an include of a folder', 'include: [./]\n', /^config file .*: it is a folder/],
  ])('with %s stop the start in one line', (_, text, expected) => {
    const fault = faultOf(text);

    expect(fault).toMatch(expected);
    expect(fault).not.toContain('\n');
  });
});

describe('tokens of an identity provider', () => {
  const text = `
general_settings:
  enable_jwt_auth: true
  litellm_jwtauth: {user_id_jwt_field: sub, audience: mine}
`;

  it('are read as LiteLLM has them, with its variables for keys, issuer and audience', () => {
    const { settings } = load(text, {
      JWT_PUBLIC_KEY_URL: 'https://idp.example/keys',
      JWT_ISSUER: 'idp',
      JWT_AUDIENCE: 'theirs',
    });
    expect(JSON.parse(settings.TOLLGATE_JWT_AUTH ?? '{}')).toEqual({
      public_key_url: 'https://idp.example/keys',
      issuer: 'idp',
      audience: 'mine',
      user_id_jwt_field: 'sub',
    });
  });

  it('are left alone until they are switched on', () => {
    expect(load(text.replace('true', 'false')).settings).not.toHaveProperty('TOLLGATE_JWT_AUTH');
  });
});

describe('lists of addresses, routes and parameters', () => {
  it('become our variables', () => {
    const { settings } = load(`
general_settings:
  allowed_ips: ["10.0.0.0/8", "::1"]
  allowed_routes: [llm_api_routes]
  enforced_params: [metadata.job]
  enforce_user_param: true
litellm_settings: {max_end_user_budget_id: free}
`);
    expect(settings).toMatchObject({
      TOLLGATE_ALLOWED_IPS: '10.0.0.0/8,::1',
      TOLLGATE_ALLOWED_ROUTES: 'llm_api_routes',
      TOLLGATE_REQUIRED_PARAMS: 'metadata.job,user',
      TOLLGATE_CUSTOMER_BUDGET_ID: 'free',
    });
  });
});
