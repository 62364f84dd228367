import { describe, expect, it } from 'vitest';
import { aDeployment } from '../../support/exchange.ts';
import { personOf } from './people.ts';
import { requireDoor } from '../../../lib/policies/authenticate.ts';
import { createAdmin, type Admin } from './support.ts';

const fixed = [
  aDeployment({
    id: 'hidden-1',
    modelName: 'fast',
    model: 'gpt-4o-mini',
    rpm: 10,
    apiBase: 'https://hidden-address.example',
    credential: { type: 'value', value: 'sk-hidden' },
    extraHeaders: { 'x-account': 'hidden-account' },
    info: { note: 'hidden-note' },
  }),
  aDeployment({
    id: 'hidden-2',
    modelName: 'fast',
    model: 'gpt-4o',
    price: { input_cost_per_token: 9 },
    info: { team_id: 'red' },
  }),
  aDeployment({ id: 'hidden-3', modelName: 'slow', model: 'gpt-4o' }),
  aDeployment({ id: 'hidden-4', modelName: 'theirs', model: 'gpt-4o', info: { team_id: 'red' } }),
];

const makePublic = (admin: Admin, ...groups: readonly string[]) =>
  admin.call('POST', '/model_group/make_public', { body: { model_groups: groups } });
const hub = async (admin: Admin): Promise<readonly Record<string, unknown>[]> =>
  (await admin.call('GET', '/public/model_hub', { key: null })).body['value'] as Record<string, unknown>[];
const namesOf = (rows: readonly Record<string, unknown>[]) => rows.map((row) => row['model_group']);

describe('public models', () => {
  it('are none until somebody says so', async () => {
    expect(await hub(createAdmin({}, fixed))).toEqual([]);
  });

  it('are the last set that was named, shown to everybody as /model_group/info shows them', async () => {
    const admin = createAdmin({}, fixed);
    expect(await makePublic(admin, 'slow')).toMatchObject({
      status: 200,
      body: { public_model_groups: ['slow'], updated_by: 'master' },
    });
    await makePublic(admin, 'fast', 'fast');
    const shown = await hub(admin);
    const { body: key } = await admin.call('POST', '/key/generate', { body: {} });
    const { body } = await admin.call('GET', '/model_group/info', { key: String(key['key']) });
    const rows = body['data'] as Record<string, unknown>[];
    expect(shown).toEqual(rows.filter((row) => row['model_group'] === 'fast'));
    expect(rows.map((row) => [row['model_group'], row['is_public_model_group']])).toEqual([
      ['fast', true],
      ['slow', false],
    ]);
    expect(admin.changes.count).toBeGreaterThan(0);
    await makePublic(admin);
    expect(await hub(admin)).toEqual([]);
  });

  it('are shown to the addresses and on the routes that the operator lets in', async () => {
    const walled = (settings: Parameters<typeof requireDoor>[2]): Admin =>
      createAdmin({ requireDoor: (request, route) => requireDoor(request, route, settings) }, fixed);
    for (const settings of [{ allowedIps: ['10.0.0.0/8'] }, { allowedRoutes: ['/chat/completions'] }]) {
      expect((await walled(settings).call('GET', '/public/model_hub', { key: null })).status).toBe(403);
    }
    const answer = await walled({ allowedRoutes: ['public_routes'] }).call('GET', '/public/model_hub', { key: null });
    expect(answer.status).toBe(200);
  });

  it('tell nothing of deployments: not where they are, nor what they are called, nor of those of a team', async () => {
    const admin = createAdmin({}, fixed);
    await makePublic(admin, 'fast', 'slow');
    const shown = await hub(admin);
    expect(JSON.stringify(shown)).not.toContain('hidden');
    expect(shown.find((row) => row['model_group'] === 'fast')).toMatchObject({ input_cost_per_token: 1.5e-7, rpm: 10 });
  });

  it('may not be named that are offered to nobody, or to a team alone', async () => {
    const admin = createAdmin({}, fixed);
    await makePublic(admin, 'slow');
    for (const name of ['none', 'theirs']) {
      const { status, body } = await makePublic(admin, 'fast', name);
      expect(status).toBe(400);
      expect(JSON.stringify(body)).toContain(name);
    }
    expect(namesOf(await hub(admin))).toEqual(['slow']);
  });

  it('are chosen by proxy admins', async () => {
    const admin = createAdmin({}, fixed);
    for (const role of ['proxy_admin_viewer', 'internal_user'] as const) {
      const key = await personOf(admin, role, role);
      const body = { model_groups: ['fast'] };
      expect(await admin.call('POST', '/model_group/make_public', { key, body })).toMatchObject({ status: 403 });
    }
    expect(await hub(admin)).toEqual([]);
  });

  it('are whole when two sets are named at once', async () => {
    const admin = createAdmin({}, fixed);
    await Promise.all([makePublic(admin, 'fast'), makePublic(admin, 'slow')]);
    expect(namesOf(await hub(admin))).toHaveLength(1);
  });
});
