import { describe, expect, it } from 'vitest';
import type { DialectId } from '../../../lib/kinds/generate.ts';
import { chooseApi, placeOf, providerOf, withoutPrefix } from '../../../lib/providers/index.ts';

const chosen = (id: string, model: string, client: DialectId) => {
  const choice = chooseApi(providerOf(id), model, client);
  return choice === undefined ? undefined : [choice.api.dialect, choice.model];
};

describe('the API of a call', () => {
  it.each<[string, string, DialectId, string, string]>([
    ['openai', 'gpt-5', 'openai-chat', 'openai-chat', 'gpt-5'],
    ['openai', 'gpt-5', 'anthropic-messages', 'openai-chat', 'gpt-5'],
    ['openai', 'gpt-5', 'openai-responses', 'openai-responses', 'gpt-5'],
    ['openai', 'responses/gpt-5', 'openai-chat', 'openai-responses', 'gpt-5'],
    ['azure', 'responses/prod', 'anthropic-messages', 'openai-responses', 'prod'],
    ['groq', 'openai/gpt-oss-120b', 'openai-responses', 'openai-chat', 'openai/gpt-oss-120b'],
    ['vertex_ai', 'gemini-2.5-pro', 'openai-chat', 'gemini', 'gemini-2.5-pro'],
    ['vertex_ai', 'claude-opus-4-5', 'openai-chat', 'anthropic-messages', 'claude-opus-4-5'],
    ['vertex_ai', 'meta/llama-4', 'gemini', 'openai-chat', 'meta/llama-4'],
    ['azure_ai', 'claude-opus-4-5', 'openai-chat', 'anthropic-messages', 'claude-opus-4-5'],
    ['bedrock', 'converse/us.anthropic.claude', 'openai-chat', 'bedrock-converse', 'converse/us.anthropic.claude'],
    ['watsonx', 'deployment/d1', 'openai-chat', 'openai-chat', 'd1'],
    ['ragflow', 'agent/a1/m', 'openai-chat', 'openai-chat', 'a1/m'],
  ])('%s/%s from a client of %s is %s', (id, model, client, dialect, name) => {
    expect(chosen(id, model, client)).toEqual([dialect, name]);
  });

  it('is none when no API of the row has the model', () => {
    const provider = {
      ...providerOf('groq'),
      generate: [{ dialect: 'openai-chat', path: '/x', serves: () => false }],
    } as const;

    expect(chooseApi(provider, 'm', 'openai-chat')).toBeUndefined();
  });
});

describe('the name of a model', () => {
  it('is known without what chooses an API or a place', () => {
    expect(withoutPrefix(providerOf('openai'), 'responses/gpt-5')).toBe('gpt-5');
    expect(withoutPrefix(providerOf('groq'), 'responses/gpt-5')).toBe('responses/gpt-5');
  });

  it.each([
    ['anthropic.claude-v2:1', 'anthropic.claude-v2:1', undefined],
    ['converse/anthropic.claude-v2', 'anthropic.claude-v2', undefined],
    ['invoke/us-gov-west-1/anthropic.claude-v2', 'anthropic.claude-v2', 'us-gov-west-1'],
    ['us-east-1/meta.llama3', 'meta.llama3', 'us-east-1'],
    ['us.anthropic.claude', 'us.anthropic.claude', undefined],
    [
      'arn:aws-cn:bedrock:cn-north-1:1:application-inference-profile/x',
      'arn:aws-cn:bedrock:cn-north-1:1:application-inference-profile/x',
      'cn-north-1',
    ],
  ])('at Bedrock: %s', (name, model, region) => {
    expect(placeOf(providerOf('bedrock'), name)).toEqual({
      model,
      parameters: region === undefined ? {} : { aws_region_name: region },
    });
  });

  it('elsewhere is as it is', () => {
    expect(placeOf(providerOf('groq'), 'us-east-1/x')).toEqual({ model: 'us-east-1/x', parameters: {} });
  });
});
