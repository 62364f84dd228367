import { describe, expect, it } from 'vitest';
import { createAdmin, type Admin } from './support.ts';

const ARN = 'arn:aws:iam::123456789012:role/app';

async function withKey(): Promise<{ admin: Admin; secret: string; hash: string }> {
  const admin = createAdmin();
  const { body } = await admin.call('POST', '/key/generate', { body: {} });
  admin.clock.now += 1000;
  return { admin, secret: String(body['key']), hash: String(body['token']) };
}

describe('/jwt/key/mapping', () => {
  it('goes through a whole life', async () => {
    const { admin, secret, hash } = await withKey();
    const body = { jwt_claim_name: 'client_id', jwt_claim_value: 'batch', key: secret, description: 'nightly' };
    const made = await admin.call('POST', '/jwt/key/mapping/new', { body });
    expect(made).toMatchObject({
      status: 200,
      body: { jwt_claim_name: 'client_id', token_id: hash, is_active: true, description: 'nightly' },
    });
    const id = String(made.body['id']);
    expect(await admin.call('POST', '/jwt/key/mapping/new', { body })).toMatchObject({ status: 409 });
    admin.clock.now += 1000;
    expect(await admin.call('GET', `/jwt/key/mapping/info?id=${id}`)).toMatchObject({ body: { id } });
    expect(await admin.call('POST', '/jwt/key/mapping/update', { body: { id, is_active: false } })).toMatchObject({
      body: { is_active: false, token_id: hash },
    });
    expect(await admin.call('GET', '/jwt/key/mapping/list')).toMatchObject({
      body: { total_count: 1, mappings: [{ id, is_active: false }] },
    });
    admin.clock.now += 1000;
    expect(await admin.call('POST', '/jwt/key/mapping/delete', { body: { id } })).toMatchObject({ status: 200 });
    const { items } = await admin.deps.audit.list({ limit: 10 });
    expect(items.filter(({ kind }) => kind === 'jwt-mapping').map(({ action }) => action)).toEqual([
      'deleted',
      'updated',
      'created',
    ]);
    expect(await admin.call('GET', `/jwt/key/mapping/info?id=${id}`)).toMatchObject({ status: 404 });
    expect(admin.outputs.slice(2).join('')).not.toContain(secret);
  });

  it('refuses keys that are not there, and callers who do not manage', async () => {
    const { admin, secret } = await withKey();
    const body = { jwt_claim_name: 'sub', jwt_claim_value: 'x', key: 'sk-not-there-at-all' };
    expect(await admin.call('POST', '/jwt/key/mapping/new', { body })).toMatchObject({ status: 404 });
    expect(await admin.call('POST', '/jwt/key/mapping/new', { body: { ...body, key: undefined } })).toMatchObject({
      status: 400,
    });
    expect(await admin.call('GET', '/jwt/key/mapping/list', { key: secret })).toMatchObject({ status: 403 });
  });
});

describe('/iam/mapping', () => {
  it('maps a role to a key, lists and forgets it', async () => {
    const { admin, hash } = await withKey();
    expect(await admin.call('POST', '/iam/mapping/new', { body: { arn: ARN, token_id: hash } })).toMatchObject({
      status: 200,
      body: { id: ARN, arn: ARN, token_id: hash },
    });
    expect(await admin.call('POST', '/iam/mapping/new', { body: { arn: ARN, token_id: hash } })).toMatchObject({ status: 409 });
    expect(await admin.call('GET', '/iam/mapping/list')).toMatchObject({ body: { mappings: [{ arn: ARN }] } });
    expect(await admin.call('POST', '/iam/mapping/delete', { body: { arn: ARN } })).toMatchObject({ status: 200 });
    expect(await admin.call('POST', '/iam/mapping/delete', { body: { id: ARN } })).toMatchObject({ status: 404 });
  });

  it.each(['*', 'arn:aws:iam::*:role/x', 'arn:aws:sts::123456789012:assumed-role/app/session'])('refuses %s', async (arn) => {
    const { admin, hash } = await withKey();
    expect(await admin.call('POST', '/iam/mapping/new', { body: { arn, token_id: hash } })).toMatchObject({
      status: 400,
      body: { error: { param: 'arn' } },
    });
  });
});
