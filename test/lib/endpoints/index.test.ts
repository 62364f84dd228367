import { describe, expect, it } from 'vitest';
import { findEndpoints } from '../../../lib/endpoints/index.ts';

describe('finding an endpoint', () => {
  it.each([
    ['/v1/chat/completions', '/v1/chat/completions', undefined],
    ['/chat/completions/', '/v1/chat/completions', undefined],
    ['/openai/v1/chat/completions', '/v1/chat/completions', undefined],
    ['/engines/gpt-4o/chat/completions', '/v1/chat/completions', 'gpt-4o'],
    ['/openai/deployments/my%2Fmodel/chat/completions', '/v1/chat/completions', 'my/model'],
    ['/openai/deployments/groq/llama-3/chat/completions', '/v1/chat/completions', 'groq/llama-3'],
    ['/v1/engines/groq/llama-3/chat/completions', '/v1/chat/completions', 'groq/llama-3'],
    ['/engines/groq/llama-3/completions', '/v1/completions', 'groq/llama-3'],
    ['/v1/completions', '/v1/completions', undefined],
    ['/openai/deployments/gpt-35/completions', '/v1/completions', 'gpt-35'],
    ['/v1/messages', '/v1/messages', undefined],
    ['/v1/messages/count_tokens', '/v1/messages/count_tokens', undefined],
    ['/utils/token_counter', '/utils/token_counter', undefined],
    ['/v2/chat', '/v2/chat', undefined],
    ['/cohere/v2/chat', '/v2/chat', undefined],
    ['/api/chat', '/api/chat', undefined],
    ['/v1/models', '/v1/models', undefined],
    ['/v1/models/openai/gpt-5', '/v1/models/{id}', 'openai/gpt-5'],
    ['/models/%zz', '/v1/models/{id}', '%zz'],
    ['/health/liveliness', '/health/liveliness', undefined],
    ['/health/readiness', '/health/readiness', undefined],
  ])('%s is %s', (path, route, model) => {
    const [match] = findEndpoints(path);
    expect(match?.endpoint.route).toBe(route);
    expect(match?.model).toBe(model);
  });

  it.each([
    ['/v1/responses', '/v1/responses', undefined],
    ['/openai/responses', '/v1/responses', undefined],
    ['/openai/v1/responses/input_tokens', '/v1/responses/input_tokens', undefined],
    ['/responses/compact', '/v1/responses/compact', undefined],
    ['/v1/responses/resp_1', '/v1/responses/{id}', 'resp_1'],
    ['/openai/v1/conversations/conv_1/items', '/v1/conversations/{id}/items', 'conv_1'],
    ['/conversations/conv_1/items/msg%201', '/v1/conversations/{id}/items/{item}', 'conv_1'],
    ['/responses/resp%201/cancel', '/v1/responses/{id}/cancel', 'resp 1'],
    ['/openai/responses/resp_1/input_items', '/v1/responses/{id}/input_items', 'resp_1'],
  ])('%s is %s', (path, route, id) => {
    const [match] = findEndpoints(path);
    expect(match?.endpoint.route).toBe(route);
    expect(match?.id).toBe(id);
  });

  it('finds one endpoint for each method of a path', () => {
    expect(findEndpoints('/v1/responses/resp_1').map(({ endpoint }) => endpoint.method)).toEqual(['GET', 'DELETE']);
  });

  it('finds nothing where nothing is', () => {
    expect(findEndpoints('/v1/nothing')).toEqual([]);
    expect(findEndpoints('/')).toEqual([]);
  });
});
