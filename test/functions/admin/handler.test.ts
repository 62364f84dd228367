import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../functions/admin/routes.ts';
import { GatewayError } from '../../../lib/errors.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { createAdmin, eventOf, NOW } from './support.ts';

describe('the admin function', () => {
  it('says that it lives and is ready without a key', async () => {
    const admin = createAdmin();
    const [alive, liveness, ready] = await Promise.all(
      ['/health/liveliness', '/health/liveness', '/health/readiness'].map((path) => admin.call('GET', path, { key: null })),
    );
    expect(alive).toMatchObject({ status: 200, body: { value: "I'm alive!" } });
    expect(liveness).toMatchObject({ status: 200 });
    expect(ready).toMatchObject({ status: 200, body: { status: 'healthy', db: 'connected' } });
  });

  it('is not ready when the store does not answer', async () => {
    const models = {
      ...open().models,
      version: () => Promise.reject(new GatewayError('overloaded', 'The gateway cannot reach its store right now.')),
    };
    const answer = await createAdmin({ models }).call('GET', '/health/readiness', { key: null });
    expect(answer).toMatchObject({ status: 503, body: { error: { type: 'internal_server_error', code: '503' } } });
  });

  it('wants a key on every route but health', async () => {
    const admin = createAdmin();
    for (const { method, path } of ROUTES.filter(({ open }) => open !== true)) {
      const answer = await admin.call(method, path.replace(/\{\w+\}/, 'x'), { key: null, body: {} });
      expect(answer, `${method} ${path}`).toMatchObject({
        status: 401,
        body: { error: { type: 'auth_error', code: '401', param: null } },
      });
    }
  });

  it('lets a key of nobody call no route of admins or viewers', async () => {
    const admin = createAdmin();
    const { body } = await admin.call('POST', '/key/generate', { body: {} });
    const closed = ROUTES.filter((route) => route.open !== true && ['admin', 'viewer'].includes(route.who));
    expect(closed.length).toBeGreaterThan(40);
    for (const { method, path } of closed) {
      const answer = await admin.call(method, path.replace(/\{\w+\}/, 'x'), { key: String(body['key']), body: {} });
      expect(answer, `${method} ${path}`).toMatchObject({ status: 403, body: { error: { type: 'auth_error', code: '403' } } });
    }
  });

  it('takes the key from the headers the SDKs use, not from the query', async () => {
    const admin = createAdmin();
    const key = 'sk-master-key-of-the-tests';
    const ways: Record<string, string>[] = [{ 'x-api-key': key }, { 'api-key': key }, { 'X-LiteLLM-API-Key': `Bearer ${key}` }];
    for (const headers of ways) {
      expect(await admin.call('GET', '/credentials', { key: null, headers })).toMatchObject({
        status: 200,
      });
    }
    expect(await admin.call('GET', `/credentials?key=${key}`, { key: null })).toMatchObject({ status: 401 });
  });

  it('tells a wrong method from an unknown route', async () => {
    const admin = createAdmin();
    const wrong = await admin.call('PUT', '/credentials/x');
    expect(wrong).toMatchObject({ status: 405, headers: { allow: 'GET, PATCH, DELETE' }, body: { error: { code: '405' } } });
    expect(await admin.call('GET', '/key/generate')).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(await admin.call('TRACE', '/key/info')).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    expect(await admin.call('GET', '/nothing')).toMatchObject({ status: 404, body: { error: { type: 'not_found_error' } } });
    expect(await admin.call('GET', '/key/a/b/regenerate')).toMatchObject({ status: 404 });
  });

  it('takes a word it does not know for no id, and lists the routes there are', async () => {
    const admin = createAdmin();
    const message = async (method: string, path: string): Promise<unknown> => {
      const answer = await admin.call(method, path, { body: {} });
      expect(answer).toMatchObject({
        status: 404,
        headers: expect.not.objectContaining({ allow: expect.anything() }) as object,
      });
      return (answer.body['error'] as { message: string }).message;
    };

    expect(await message('POST', '/team/reset_everything')).toMatch(
      /there are GET \/team\/available, .*PATCH \/team\/\{team_id\}/,
    );
    expect(await message('GET', '/team/nothing')).toContain('GET /team/list, ');
    expect(await message('POST', '/nothing')).toBe('There is no such route in the management API; /openapi.json lists all.');
  });

  it('refuses bodies that are no JSON object, are not UTF-8 or are too large', async () => {
    const admin = createAdmin();
    const post = (raw: string | Buffer) => admin.call('POST', '/key/generate', { raw });
    expect(await post('{"max_budget":')).toMatchObject({
      status: 400,
      body: { error: { message: 'body: expected JSON in UTF-8', type: 'invalid_request_error', param: 'body', code: '400' } },
    });
    expect(await post(Buffer.from([0x7b, 0xff, 0x7d]))).toMatchObject({ status: 400 });
    for (const raw of ['[]', '7', 'null', '"text"']) {
      expect(await post(raw)).toMatchObject({ status: 400, body: { error: { message: 'body: expected a JSON object' } } });
    }
    const large = await post(JSON.stringify({ metadata: { text: 'x'.repeat(1_100_000) } }));
    expect(large).toMatchObject({ status: 413, body: { error: { code: '413' } } });
  });

  it('takes a path as sent: percent-encoded, with or without a slash at its end', async () => {
    const admin = createAdmin();
    await admin.call('POST', '/credentials', { body: { credential_name: 'a.b', credential_values: { api_key: 'k' } } });
    expect(await admin.call('GET', '/credentials/a%2Eb/')).toMatchObject({ status: 200, body: { credential_name: 'a.b' } });
    expect(await admin.call('GET', '/credentials/%zz')).toMatchObject({ status: 400, body: { error: { param: 'name' } } });
  });

  it('gives every answer an id that its log line has too, and forbids caching', async () => {
    const admin = createAdmin();
    const { headers } = await admin.call('POST', '/key/sk-some-secret-0123456789/regenerate', { body: {} });
    const line = JSON.parse(admin.outputs[0] ?? '{}') as Record<string, unknown>;
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' });
    expect(line).toMatchObject({
      id: headers['x-litellm-call-id'],
      route: '/key/{key}/regenerate',
      status: 404,
      error: 'not_found',
    });
  });

  it('tells nothing of its insides when it fails, and logs where', async () => {
    const keys = { ...open().keys, create: () => Promise.reject(new Error('secret sk-inside-the-message')) };
    const admin = createAdmin({ keys });
    const answer = await admin.call('POST', '/key/generate', { body: {} });
    const line = JSON.parse(admin.outputs[0] ?? '{}') as Record<string, unknown>;
    expect(answer).toMatchObject({ status: 500, body: { error: { type: 'internal_server_error', param: null, code: '500' } } });
    expect(line).toMatchObject({ level: 'error', error: 'internal', cause: { name: 'Error' } });
    expect(admin.outputs.join()).not.toContain('sk-inside');
  });

  it('logs a failure that is no Error', async () => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    const keys = { ...open().keys, create: () => Promise.reject('odd') };
    const admin = createAdmin({ keys });
    expect(await admin.call('POST', '/key/generate', { body: {} })).toMatchObject({ status: 500 });
  });

  it('reads function URL events as Lambda sends them', () => {
    expect(eventOf('GET', '/key/info?key=x', {}).requestContext.timeEpoch).toBe(NOW);
  });
});
