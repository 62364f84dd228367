import { describe, expect, it } from 'vitest';
import { isAllowedRoute } from '../../../lib/domain/routes.ts';
import { endpoints, findEndpoints } from '../../../lib/endpoints/index.ts';
import { ROUTES } from '../../../functions/admin/routes.ts';

const at = (route: string, path = route) => ({ route, path });

describe('allowed routes', () => {
  it.each([
    [[], '/v1/messages', true],
    [['/v1/messages'], '/v1/messages', true],
    [['/messages'], '/v1/messages', true],
    [['/v1/messages'], '/v1/messages/count_tokens', true],
    [['/v1/message'], '/v1/messages', false],
    [['/key/*'], '/key/generate', true],
    [['/key/*'], '/keys', false],
    [['/v1/chat/completions', 'info_routes'], '/v1/model/info', true],
    [['no_such_routes'], '/v1/messages', false],
  ])('%j cover %s: %s', (allowed, route, expected) => {
    expect(isAllowedRoute(allowed, at(route))).toBe(expected);
  });

  it('know a path as it was sent', () => {
    const path = '/openai/deployments/gpt-4o/chat/completions';
    expect(isAllowedRoute([path], at('/v1/chat/completions', path))).toBe(true);
    expect(isAllowedRoute(['/openai/*'], at('/v1/chat/completions', path))).toBe(true);
  });

  it('do not take a call for a list because of its path', () => {
    const call = at('/v1beta/models/{model}:generateContent', '/models/gemini:generateContent');
    for (const allowed of ['/models', 'info_routes']) expect(isAllowedRoute([allowed], call)).toBe(false);
    expect(isAllowedRoute(['google_routes'], call)).toBe(true);
  });

  it('put every call of the data plane into llm_api_routes and none into management_routes', () => {
    const calls = endpoints.filter(({ kind }) => kind !== 'liveliness' && kind !== 'readiness').map(({ route }) => route);
    expect(calls.filter((route) => !isAllowedRoute(['llm_api_routes'], at(route)))).toEqual([]);
    expect(calls.filter((route) => isAllowedRoute(['management_routes'], at(route)))).toEqual([]);
  });

  it('put no route of management into llm_api_routes but the list of what there is to call, and each into some group', () => {
    const routes = ROUTES.filter(({ open }) => open !== true).map(({ path }) => path);
    const groups = ['management_routes', 'admin_viewer_routes', 'spend_tracking_routes', 'global_spend_tracking_routes'];
    expect(routes.filter((route) => isAllowedRoute(['llm_api_routes'], at(route)))).toEqual(['/model/info', '/v1/model/info']);
    expect(routes.filter((route) => !isAllowedRoute(groups, at(route)))).toEqual([]);
  });

  it('speak of routes that exist', () => {
    expect(findEndpoints('/v1/chat/completions')).not.toEqual([]);
  });
});
