import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../lib/domain/model.ts';
import { GatewayError } from '../../../lib/errors.ts';
import { buildCall, providerOf } from '../../../lib/providers/index.ts';
import type { BuiltCall } from '../../../lib/providers/index.ts';
import type { Auth } from '../../../lib/providers/provider.ts';
import { deploymentOf } from './deployments.ts';

interface Setting {
  readonly deployment?: Partial<Deployment>;
  readonly credential?: string;
  readonly environment?: Record<string, string>;
}

function built(id: string, { deployment = {}, credential = 'key-1', environment = {} }: Setting = {}): BuiltCall {
  const provider = providerOf(id);
  const [api] = provider.generate;
  if (api === undefined) throw new Error('no api');
  const full = deploymentOf({ provider: id, ...deployment });
  return buildCall({ provider, deployment: full, model: full.model, credential, api, stream: false, environment });
}

const urlOf = (id: string, apiBase: string, more: Partial<Deployment> = {}): string =>
  built(id, { deployment: { apiBase, ...more } }).url;

describe('the address of a call', () => {
  it.each([
    ['openai', 'https://proxy.example/v1', 'https://proxy.example/v1/chat/completions'],
    ['openai', 'https://proxy.example/v1/', 'https://proxy.example/v1/chat/completions'],
    ['openai', 'https://proxy.example/v1/chat/completions', 'https://proxy.example/v1/chat/completions'],
    ['openai', 'http://127.0.0.1:9000', 'http://127.0.0.1:9000/chat/completions'],
    ['openai', 'https://proxy.example/v1?tenant=a', 'https://proxy.example/v1/chat/completions?tenant=a'],
    ['anthropic', 'https://proxy.example', 'https://proxy.example/v1/messages'],
    ['anthropic', 'https://proxy.example/v1', 'https://proxy.example/v1/messages'],
    ['anthropic', 'https://proxy.example/anthropic/v1/messages', 'https://proxy.example/anthropic/v1/messages'],
    ['mistral', 'https://proxy.example', 'https://proxy.example/v1/chat/completions'],
    ['mistral', 'https://proxy.example/v1', 'https://proxy.example/v1/chat/completions'],
    ['deepseek', 'https://proxy.example', 'https://proxy.example/chat/completions'],
    ['deepseek', 'https://proxy.example/beta', 'https://proxy.example/beta/chat/completions'],
    ['ollama', 'http://ollama:11434', 'http://ollama:11434/v1/chat/completions'],
    ['ollama', 'http://ollama:11434/v1', 'http://ollama:11434/v1/chat/completions'],
  ])('%s at %s is %s', (id, base, url) => {
    expect(urlOf(id, base)).toBe(url);
  });

  it('is the deployment’s before the environment’s before the row’s', () => {
    const environment = { OPENAI_BASE_URL: 'https://env.example/v1' };

    expect(built('openai', { deployment: { apiBase: 'https://own.example/v1' }, environment }).url).toMatch(
      'https://own.example/',
    );
    expect(built('openai', { environment }).url).toMatch('https://env.example/');
    expect(built('openai', { environment: { OPENAI_BASE_URL: '' } }).url).toMatch('https://api.openai.com/');
  });

  it.each([
    ['a missing base', 'hosted_vllm', {}, 'HOSTED_VLLM_API_BASE'],
    ['a base that is no address', 'openai', { apiBase: 'proxy.example/v1' }, 'http:// or https://'],
    ['another scheme', 'openai', { apiBase: 'file:///etc/passwd' }, 'http:// or https://'],
    ['a password in the base', 'openai', { apiBase: 'https://user:hunter2@proxy.example' }, 'without user name'],
    ['a fragment in the base', 'openai', { apiBase: 'https://proxy.example/#a' }, 'without a fragment'],
  ])('refuses %s, says what to do and repeats none of it', (_name, id, deployment, hint) => {
    let error: unknown;
    try {
      built(id, { deployment });
    } catch (thrown) {
      error = thrown;
    }

    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ kind: 'internal', retryable: false, message: expect.stringContaining(hint) as string });
    expect((error as GatewayError).message).not.toMatch(/proxy\.example|hunter2|passwd/);
  });
});

describe('the address at Azure', () => {
  const version = { apiVersion: '2025-01-01' };

  it.each([
    [
      'https://a.openai.azure.com',
      version,
      'https://a.openai.azure.com/openai/deployments/some-model/chat/completions?api-version=2025-01-01',
    ],
    [
      'https://a.openai.azure.com',
      {},
      'https://a.openai.azure.com/openai/deployments/some-model/chat/completions?api-version=2024-10-21',
    ],
    [
      'https://a.openai.azure.com/openai/deployments/d1',
      version,
      'https://a.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2025-01-01',
    ],
    [
      'https://a.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-06-01',
      version,
      'https://a.openai.azure.com/openai/deployments/d1/chat/completions?api-version=2024-06-01',
    ],
    ['https://a.openai.azure.com/openai/v1', {}, 'https://a.openai.azure.com/openai/v1/chat/completions'],
    [
      'https://a.openai.azure.com/openai/v1/',
      { apiVersion: 'preview' },
      'https://a.openai.azure.com/openai/v1/chat/completions?api-version=preview',
    ],
  ])('%s', (base, more, url) => {
    expect(urlOf('azure', base, more)).toBe(url);
  });

  it('escapes the name of the deployment', () => {
    expect(urlOf('azure', 'https://a.openai.azure.com', { model: 'a/../b?c' })).toContain('/deployments/a%2F..%2Fb%3Fc/chat');
  });
});

describe('the signature of a call', () => {
  it.each([
    ['openai', 'sk-1', { authorization: 'Bearer sk-1' }],
    ['anthropic', 'sk-ant-api03-1', { 'x-api-key': 'sk-ant-api03-1', 'anthropic-version': '2023-06-01' }],
    ['anthropic', 'sk-ant-oat01-1', { authorization: 'Bearer sk-ant-oat01-1', 'anthropic-version': '2023-06-01' }],
    ['azure', '0123456789abcdef', { 'api-key': '0123456789abcdef' }],
    ['azure', 'eyJhbGciOiJSUzI1NiJ9.e30.x', { authorization: 'Bearer eyJhbGciOiJSUzI1NiJ9.e30.x' }],
    ['demo', 'ignored', {}],
  ])('%s with %s', (id, credential, headers) => {
    expect(built(id, { credential, deployment: { apiBase: 'https://h.example' } }).headers).toEqual(headers);
  });

  it('is a bearer token where ANTHROPIC_AUTH_TOKEN gave it', () => {
    const deployment = { credential: { type: 'env', name: 'ANTHROPIC_AUTH_TOKEN' } } as const;

    expect(built('anthropic', { credential: 'proxy-token', deployment }).headers).toMatchObject({
      authorization: 'Bearer proxy-token',
    });
  });

  it('may be absent where a server needs none', () => {
    expect(built('ollama', { credential: '' }).headers).toEqual({});
  });

  it('may not be absent elsewhere', () => {
    expect(() => built('groq', { credential: '' })).toThrow(/set api_key, or GROQ_API_KEY/);
  });

  it('yields to the deployment’s own headers', () => {
    const deployment = { organization: 'org-1', extraHeaders: { Authorization: 'Custom 1', 'X-Trace': 'a' } };

    expect(built('openai', { deployment }).headers).toEqual({
      authorization: 'Custom 1',
      'openai-organization': 'org-1',
      'x-trace': 'a',
    });
    expect(built('groq', { deployment }).headers).not.toHaveProperty('openai-organization');
  });
});

describe('a signature of any scheme', () => {
  const schemed = (auth: Auth): BuiltCall => {
    const provider = { ...providerOf('openai'), auth };
    const [api] = provider.generate;
    if (api === undefined) throw new Error('no api');
    const parts = {
      provider,
      deployment: deploymentOf({}),
      model: 'm',
      credential: 'user:k y',
      api,
      stream: true,
      environment: {},
    };
    return buildCall(parts);
  };

  it('may be HTTP Basic', () => {
    expect(schemed({ type: 'basic' }).headers).toEqual({ authorization: 'Basic dXNlcjprIHk=' });
  });

  it('may be a part of the query', () => {
    const { url, headers } = schemed({ type: 'query', name: 'key' });

    expect(url).toBe('https://api.openai.com/v1/chat/completions?key=user%3Ak+y');
    expect(headers).toEqual({});
  });
});

describe('a header of any scheme', () => {
  it('puts its prefix before the key', () => {
    const provider = { ...providerOf('openai'), auth: { type: 'header', name: 'authorization', prefix: 'Key ' } } as const;
    const [api] = provider.generate;
    if (api === undefined) throw new Error('no api');

    const { headers } = buildCall({
      provider,
      deployment: deploymentOf({}),
      model: 'm',
      credential: 'k',
      api,
      stream: true,
      environment: {},
    });

    expect(headers).toEqual({ authorization: 'Key k' });
  });
});
