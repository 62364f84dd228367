import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetMeter } from '../../../lib/domain/budget.ts';
import { hashSecret, scopeOf, type VirtualKey } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const DAY = 86_400_000;
const USD = (amount: number) => parseUsd(amount);

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const generate = (admin: Admin, body: object = {}): Promise<Answer> => admin.call('POST', '/key/generate', { body });

/** A new key, with its secret and its stored form. */
async function newKey(admin: Admin, body: object = {}): Promise<{ secret: string; hash: string; key: VirtualKey }> {
  const answer = await generate(admin, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const secret = String(answer.body['key']);
  const hash = hashSecret(secret);
  const key = await admin.deps.keys.get(hash);
  if (key === undefined) throw new Error('not stored');
  return { secret, hash, key };
}

const infoOf = async (admin: Admin, hash: string): Promise<unknown> =>
  (await admin.call('GET', `/key/info?key=${hash}`)).body['info'];

describe.each(['memory', 'dynamodb'])('keys on %s', (where) => {
  const create = (): Admin =>
    createAdmin(where === 'memory' ? {} : { ...emulator.stores, random: (n) => crypto.getRandomValues(new Uint8Array(n)) });

  it('go through a whole life', async () => {
    const admin = create();
    const made = await generate(admin, {
      key_alias: `team-a-${where}`,
      max_budget: 10,
      budget_duration: '30d',
      models: ['gpt-4o', 'openai/*'],
      duration: '1d',
      rpm_limit: 60,
      metadata: { purpose: 'test' },
      tags: ['blue'],
      user_id: 'u1',
      spend: 2.5,
    });
    const secret = String(made.body['key']);
    const hash = hashSecret(secret);
    expect(made).toMatchObject({
      status: 200,
      body: {
        token: hash,
        token_id: hash,
        key_name: `sk-...${secret.slice(-4)}`,
        spend: 2.5,
        max_budget: 10,
        budget_reset_at: new Date(NOW + 30 * DAY).toISOString(),
        expires: new Date(NOW + DAY).toISOString(),
      },
    });

    await admin.call('POST', '/key/update', { body: { key: secret, max_budget: 20, rpm_limit: null } });
    const own = await admin.call('GET', '/key/info', { key: secret });
    expect(own).toMatchObject({
      body: { key: hash, info: { max_budget: 20, rpm_limit: null, spend: 2.5, held: 0, tags: ['blue'], user_id: 'u1' } },
    });

    await admin.call('POST', '/key/block', { body: { key: hash } });
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({ status: 401 });
    await admin.call('POST', '/key/unblock', { body: { key: hash } });
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({ status: 200 });

    const again = await admin.call('POST', `/key/${hash}/regenerate`, { body: {} });
    const newSecret = String(again.body['key']);
    expect(again).toMatchObject({
      status: 200,
      body: { spend: 2.5, max_budget: 20, key_alias: `team-a-${where}`, blocked: false },
    });
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({ status: 401 });
    expect(await admin.call('GET', '/key/info', { key: newSecret })).toMatchObject({ body: { info: { spend: 2.5 } } });

    const deleted = await admin.call('POST', '/key/delete', { body: { key_aliases: [`team-a-${where}`] } });
    expect(deleted).toMatchObject({ status: 200, body: { deleted_keys: [hashSecret(newSecret)] } });
    expect(await admin.call('GET', '/key/info', { key: newSecret })).toMatchObject({ status: 401 });
  });

  it('bring what they spent without a budget into the budget they get', async () => {
    const admin = create();
    const { hash, key } = await newKey(admin);
    await admin.spend({ keyHash: hash, cost: USD(3), id: `${where}-1`, at: NOW + 1 });
    await admin.spend({ keyHash: hash, cost: USD(4), id: `${where}-2`, at: NOW + 2 });
    await admin.call('POST', '/key/update', { body: { key: hash, max_budget: 10 } });
    expect(await infoOf(admin, hash)).toMatchObject({ spend: 7, total_spend: 7, max_budget: 10, budget_reset_at: null });

    // Taken away and given back: what was spent in between counts once.
    await admin.call('POST', '/key/update', { body: { key: hash, max_budget: null } });
    await admin.spend({ keyHash: hash, cost: USD(1), id: `${where}-3`, at: NOW + 3 });
    await admin.call('POST', '/key/update', { body: { key: hash, max_budget: 10 } });
    const meter = await admin.deps.meters.read(budgetMeter({ ...key, maxBudget: USD(10) }, NOW).meter);
    expect(meter).toMatchObject({ committed: { usd: USD(8) }, holds: [] });
    await admin.call('POST', '/key/update', { body: { key: hash, max_budget: 5 } });
    expect(await infoOf(admin, hash)).toMatchObject({ spend: 8, max_budget: 5 });
  });
});

describe('/key/generate', () => {
  it('answers with the whole row of LiteLLM, and the secret', async () => {
    const admin = createAdmin();
    const { body } = await generate(admin, {});
    expect(body).toMatchObject({
      key: expect.stringMatching(/^sk-[\w-]{32}$/),
      expires: null,
      models: [],
      aliases: {},
      config: {},
      permissions: {},
      metadata: {},
      spend: 0,
      max_budget: null,
      budget_duration: null,
      budget_reset_at: null,
      rpm_limit: null,
      tpm_limit: null,
      max_parallel_requests: null,
      blocked: false,
      team_id: null,
      created_at: new Date(NOW).toISOString(),
      updated_at: new Date(NOW).toISOString(),
    });
    expect(admin.changes.count).toBe(1);
  });

  it('accepts what clients send to say nothing', async () => {
    const answer = await generate(createAdmin(), {
      permissions: {},
      config: {},
      guardrails: null,
      send_invite_email: false,
      soft_budget: null,
      allowed_routes: [],
      key_type: 'default',
      rpm_limit_type: 'best_effort_throughput',
      model_max_budget: {},
      team_id: null,
      duration: null,
    });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['guardrails', ['pii']],
    ['router_settings', { num_retries: 3 }],
    ['rpm_limit_type', 'guaranteed_throughput'],
    ['something_else', 1],
    ['object_permission.models', undefined, { object_permission: { models: ['a'] } }],
    ['metadata.guardrails', undefined, { metadata: { guardrails: ['pii'] } }],
    ['metadata.model_rpm_limit', undefined, { metadata: { model_rpm_limit: { a: 1 } } }],
  ])('refuses %s, which would not be honoured', async (param, value, body: object = { [param]: value }) => {
    const answer = await generate(createAdmin(), body);
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('not supported'), param, code: '400' } },
    });
  });

  it.each([
    ['max_budget', -1, 'max_budget: expected an amount in USD between 0 and 1000000000000, got -1'],
    ['max_budget', '1e999999', 'max_budget: expected an amount in USD between 0 and 1000000000000, got "1e999999"'],
    ['max_budget', true, 'max_budget: expected an amount in USD between 0 and 1000000000000, got true'],
    ['spend', 'much', 'spend: expected an amount in USD between 0 and 1000000000000, got "much"'],
    ['rpm_limit', 1.5, 'rpm_limit: expected a whole number, 0 or more, got 1.5'],
    ['models', 'gpt-4o', 'models: expected a list of texts, got "gpt-4o"'],
    ['models', [''], 'models[0]: expected a text of 1 to 640 characters without control characters, got ""'],
    ['aliases', { a: 1 }, 'aliases.a: expected a text of 1 to 640 characters without control characters, got 1'],
    ['metadata', [1], 'metadata: expected an object, got a list of 1'],
    ['metadata', { text: 'x'.repeat(70_000) }, 'metadata: expected an object of at most 65536 bytes, got an object'],
    ['blocked', 'yes', 'blocked: expected true or false, got "yes"'],
    [
      'key_alias',
      'a\nb',
      'key_alias: expected a text of 1 to 255 characters without control characters, got a string of 3 characters',
    ],
    ['key', 'sk-short', 'key: expected sk- and 13 to 253 visible ASCII characters, got a string of 8 characters'],
    [
      'key',
      'my-secret-key-without-prefix',
      'key: expected sk- and 13 to 253 visible ASCII characters, got a string of 28 characters',
    ],
  ])('names what is wrong with %s', async (param, value, message) => {
    const answer = await generate(createAdmin(), { [param]: value });
    expect(answer).toMatchObject({ status: 400, body: { error: { message } } });
  });

  it.each(['duration', 'budget_duration'])('wants a duration as %s', async (field) => {
    const answer = await generate(createAdmin(), { [field]: '30x' });
    expect(answer).toMatchObject({ status: 400, body: { error: { param: field, message: expect.stringContaining('30d') } } });
  });

  it('takes a secret of the operator, once', async () => {
    const admin = createAdmin();
    const key = 'sk-chosen-by-the-operator';
    expect(await generate(admin, { key })).toMatchObject({ status: 200, body: { key } });
    expect(await generate(admin, { key })).toMatchObject({ status: 409, body: { error: { param: 'key', code: '409' } } });
  });

  it('gives an alias to one key only', async () => {
    const admin = createAdmin();
    await generate(admin, { key_alias: 'prod' });
    expect(await generate(admin, { key_alias: 'prod' })).toMatchObject({
      status: 409,
      body: { error: { param: 'key_alias' } },
    });
  });

  it.each([{}, { max_budget: 2, budget_duration: '1d' }])(
    'tells starting spend in its answer, as /key/info will: %j',
    async (fields) => {
      const admin = createAdmin();
      expect(await generate(admin, { ...fields, spend: 0.5 })).toMatchObject({ body: { spend: 0.5, total_spend: 0.5 } });
    },
  );

  it('writes starting spend into the ledger, also for a key without a budget', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin, { spend: '1.25' });
    const { items } = await admin.deps.ledger.list({ keyHash: hash, limit: 10 });
    expect(items).toMatchObject([{ kind: 'adjustment', cost: USD(1.25), keyHash: hash }]);
    await admin.call('POST', '/key/update', { body: { key: hash, max_budget: 2 } });
    expect(await infoOf(admin, hash)).toMatchObject({ spend: 1.25 });
  });
});

describe('a key whose making fails half-way', () => {
  const broken = (admin: Admin): Admin =>
    createAdmin({ ...admin.deps, totals: { ...admin.deps.totals, read: () => Promise.reject(new Error('down')) } });

  it('is not left behind by /key/generate', async () => {
    const admin = createAdmin();
    expect(await broken(admin).call('POST', '/key/generate', { body: { key_alias: 'a' } })).toMatchObject({ status: 500 });
    expect(await generate(admin, { key_alias: 'a' })).toMatchObject({ status: 200 });
  });

  it('keeps its old secret after /key/regenerate', async () => {
    const admin = createAdmin();
    const { secret, hash } = await newKey(admin, { key_alias: 'a' });
    expect(await broken(admin).call('POST', `/key/${hash}/regenerate`)).toMatchObject({ status: 500 });
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({
      status: 200,
      body: { info: { key_alias: 'a', blocked: false } },
    });
    expect((await admin.call('GET', '/key/list')).body).toMatchObject({ keys: [hash] });
  });

  it('is logged when it cannot be taken back', async () => {
    const admin = createAdmin();
    const keys = { ...admin.deps.keys, delete: () => Promise.reject(new Error('down too')) };
    const worse = createAdmin({ ...broken(admin).deps, keys, log: admin.deps.log });
    expect(await worse.call('POST', '/key/generate', { body: {} })).toMatchObject({ status: 500 });
    expect(admin.outputs.join()).toContain('could not be taken back');
  });
});

describe('/key/info', () => {
  it('shows a virtual key itself and no other', async () => {
    const admin = createAdmin();
    const [one, other] = [await newKey(admin), await newKey(admin)];
    expect(await admin.call('GET', `/key/info?key=${one.hash}`, { key: one.secret })).toMatchObject({ status: 200 });
    for (const target of [other.hash, 'f'.repeat(64)]) {
      expect(await admin.call('GET', `/key/info?key=${target}`, { key: one.secret })).toMatchObject({ status: 403 });
    }
  });

  it('does not repeat a secret it was asked with', async () => {
    const admin = createAdmin();
    const { secret, hash } = await newKey(admin);
    const answer = await admin.call('GET', `/key/info?key=${secret}`);
    expect(answer).toMatchObject({ status: 200, body: { key: hash } });
    expect(JSON.stringify(answer)).not.toContain(secret);
  });

  it('knows no unknown key, and no figures of the master key', async () => {
    const admin = createAdmin();
    expect(await admin.call('GET', '/key/info?key=sk-unknown')).toMatchObject({
      status: 404,
      body: { error: { type: 'not_found_error', param: 'key' } },
    });
    expect(await admin.call('GET', '/key/info')).toMatchObject({ status: 400, body: { error: { param: 'key' } } });
  });

  it('tells spent from held, and what cannot be priced', async () => {
    const admin = createAdmin();
    const { hash, key } = await newKey(admin, { max_budget: 10, budget_duration: '1d' });
    const { meter, scope, window } = budgetMeter(key, NOW);
    const amounts = { usd: USD(4) };
    await admin.deps.meters.change(meter, { add: { usd: USD(1) } });
    await admin.deps.meters.hold({ meter, scope, window, amounts, limits: { usd: USD(10) }, swept: true }, 'h1', NOW + 1000);
    const { cost: _none, ...unpriced } = await admin.spend({ keyHash: hash, cost: 0n });
    await admin.deps.totals.apply([{ ...unpriced, id: 'unpriced' }]);
    expect(await infoOf(admin, hash)).toMatchObject({
      spend: 1,
      held: 4,
      unpriced_requests: 1,
      budget_reset_at: new Date(NOW + DAY).toISOString(),
    });
    admin.clock.now = NOW + DAY;
    expect(await infoOf(admin, hash)).toMatchObject({
      spend: 0,
      held: 0,
      budget_reset_at: new Date(NOW + 2 * DAY).toISOString(),
    });
  });
});

describe('a kind of limit that is not kept', () => {
  it.each(['/key/generate', '/team/new'])('is refused by %s with the one that is', async (path) => {
    const answer = await createAdmin().call('POST', path, { body: { rpm_limit_type: 'dynamic' } });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        error: {
          message: expect.stringContaining('rpm_limit_type: not supported: "dynamic"; allowed is best_effort_throughput'),
        },
      },
    });
  });
});

describe('an owner that is not there', () => {
  it.each([
    [{ organization_id: 'gone' }, 400, 'organization_id', "organization not found: 'gone' does not exist"],
    [{ team_id: 'gone' }, 400, 'team_id', "team not found: 'gone' does not exist"],
    [{ project_id: 'gone' }, 404, 'project_id', "project not found: 'gone' does not exist"],
  ])('is refused for %j: its limits would not be there either', async (owner, status, param, message) => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    const refusal = { status, body: { error: { param, message: expect.stringContaining(message) } } };

    expect(await admin.call('POST', '/key/generate', { body: owner })).toMatchObject(refusal);
    expect(await admin.call('POST', '/key/update', { body: { key: hash, ...owner } })).toMatchObject(refusal);
  });

  it('is left alone where the key had it already', async () => {
    const admin = createAdmin();
    await admin.call('POST', '/project/new', { body: { project_id: 'p' } });
    const { hash } = await newKey(admin, { project_id: 'p' });
    await admin.deps.projects.delete('p');

    expect(await admin.call('POST', '/key/update', { body: { key: hash, rpm_limit: 3 } })).toMatchObject({ status: 200 });
  });
});

describe('/key/update', () => {
  it('clears with null, leaves what is absent, and says what is now', async () => {
    const admin = createAdmin();
    await admin.call('POST', '/organization/new', { body: { organization_id: 'org', organization_alias: 'Org' } });
    await admin.call('POST', '/team/new', { body: { team_id: 'team' } });
    const { hash } = await newKey(admin, {
      key_alias: 'a',
      models: ['x'],
      aliases: { a: 'b' },
      tags: ['t'],
      metadata: { m: 1 },
      duration: '1h',
      tpm_limit: 5,
      team_id: 'team',
      organization_id: 'org',
      blocked: true,
    });
    const nulls = { key_alias: null, models: null, aliases: null, tags: null, metadata: null, duration: null, blocked: null };
    const answer = await admin.call('POST', '/key/update', { body: { key: hash, ...nulls, max_parallel_requests: 3 } });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        key: hash,
        key_alias: null,
        models: [],
        aliases: {},
        tags: [],
        metadata: {},
        expires: null,
        duration: null,
        blocked: false,
        tpm_limit: 5,
        max_parallel_requests: 3,
        team_id: 'team',
        organization_id: 'org',
      },
    });
  });

  it('counts a new lifetime from now, and takes -1 for no end', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin, { duration: '1h' });
    admin.clock.now = NOW + 1000;
    const longer = await admin.call('POST', '/key/update', { body: { key: hash, duration: '2h' } });
    expect(longer.body).toMatchObject({ expires: new Date(NOW + 1000 + 7_200_000).toISOString(), duration: '2h' });
    const forever = await admin.call('POST', '/key/update', { body: { key: hash, duration: '-1' } });
    expect(forever.body).toMatchObject({ expires: null, duration: null });
  });

  it('starts new windows with a new budget_duration, and goes back to the life of the key without one', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin, { max_budget: 10, budget_duration: '30d', spend: 2 });
    admin.clock.now = NOW + 5000;
    const daily = await admin.call('POST', '/key/update', { body: { key: hash, budget_duration: '1d' } });
    expect(daily.body).toMatchObject({ spend: 0, budget_reset_at: new Date(NOW + 5000 + DAY).toISOString() });
    const life = await admin.call('POST', '/key/update', { body: { key: hash, budget_duration: null } });
    expect(life.body).toMatchObject({ spend: 2, budget_reset_at: null });
  });

  it('keeps the window when the same budget_duration is sent again', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin, { max_budget: 10, budget_duration: '30d', spend: 2 });
    admin.clock.now = NOW + DAY;
    const same = await admin.call('POST', '/key/update', { body: { key: hash, budget_duration: '30d', max_budget: 11 } });
    expect(same.body).toMatchObject({ spend: 2, max_budget: 11, budget_reset_at: new Date(NOW + 30 * DAY).toISOString() });
  });

  it('reads a ledger of many pages', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    for (let i = 0; i < 2_050; i++) await admin.spend({ keyHash: hash, cost: 1_000_000_000n, at: NOW + i });
    admin.clock.now = NOW + 5000;
    await admin.call('POST', '/key/update', { body: { key: hash, max_budget: 10 } });
    expect(await infoOf(admin, hash)).toMatchObject({ spend: 2.05 });
  });

  it('does not know unknown keys, other aliases, or spend', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    await newKey(admin, { key_alias: 'taken' });
    const update = (body: object) => admin.call('POST', '/key/update', { body });
    expect(await update({ key: 'f'.repeat(64), tpm_limit: 1 })).toMatchObject({ status: 404 });
    expect(await update({ tpm_limit: 1 })).toMatchObject({ status: 400, body: { error: { param: 'key' } } });
    expect(await update({ key: hash, key_alias: 'taken' })).toMatchObject({ status: 409 });
    expect(await update({ key: hash, spend: 1 })).toMatchObject({ status: 400, body: { error: { param: 'spend' } } });
  });

  it('tries again when somebody else was faster, and gives up in the end', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    let races = 2;
    const racing = createAdmin({
      ...admin.deps,
      keys: {
        ...admin.deps.keys,
        get: async (wanted) => {
          const key = await admin.deps.keys.get(wanted);
          if (key !== undefined && races-- > 0) await admin.deps.keys.replace({ ...key, tpmLimit: 7, rev: key.rev + 1 });
          return key;
        },
      },
    });
    const answer = await racing.call('POST', '/key/update', { body: { key: hash, rpm_limit: 9 } });
    expect(answer).toMatchObject({ status: 200, body: { rpm_limit: 9, tpm_limit: 7 } });
    races = Infinity;
    expect(await racing.call('POST', '/key/update', { body: { key: hash, rpm_limit: 1 } })).toMatchObject({ status: 409 });
  });

  it('says so when the key is deleted meanwhile', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    const keys = { ...admin.deps.keys, replace: async () => 'absent' as const };
    const answer = await createAdmin({ ...admin.deps, keys }).call('POST', '/key/block', { body: { key: hash } });
    expect(answer).toMatchObject({ status: 404 });
  });
});

describe('/key/delete', () => {
  it('deletes by secret, hash and alias', async () => {
    const admin = createAdmin();
    const [one, two, three] = [await newKey(admin), await newKey(admin), await newKey(admin, { key_alias: 'three' })];
    const answer = await admin.call('POST', '/key/delete', { body: { keys: [one.secret, two.hash], key_aliases: ['three'] } });
    expect(answer).toMatchObject({ status: 200, body: { deleted_keys: [one.hash, two.hash, three.hash] } });
    expect(await admin.deps.keys.get(three.hash)).toBeUndefined();
  });

  it('deletes nothing when one is unknown, and names it by its place', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    const answer = await admin.call('POST', '/key/delete', { body: { keys: [hash, 'sk-unknown-secret-value'] } });
    expect(answer).toMatchObject({ status: 404, body: { error: { param: 'keys[1]' } } });
    expect(await admin.deps.keys.get(hash)).toBeDefined();
  });

  it('wants something to delete', async () => {
    const admin = createAdmin();
    for (const body of [{}, { keys: [] }, { keys: null, key_aliases: null }, { keys: 'sk-x' }]) {
      expect(await admin.call('POST', '/key/delete', { body })).toMatchObject({ status: 400 });
    }
  });
});

describe('/key/list', () => {
  it('pages newest first, as hashes or whole rows', async () => {
    const admin = createAdmin();
    const hashes: string[] = [];
    for (let i = 0; i < 12; i++) {
      admin.clock.now = NOW + i;
      hashes.unshift((await newKey(admin, { user_id: i % 2 === 0 ? 'even' : 'odd' })).hash);
    }
    expect((await admin.call('GET', '/key/list')).body).toEqual({
      keys: hashes.slice(0, 10),
      total_count: 12,
      current_page: 1,
      total_pages: 2,
    });
    const second = await admin.call('GET', '/key/list?page=2&size=10&return_full_object=true');
    expect(second.body).toMatchObject({ keys: [{ token: hashes[10] }, { token: hashes[11] }], current_page: 2 });
    expect((await admin.call('GET', '/key/list?user_id=odd&size=100')).body).toMatchObject({ total_count: 6, total_pages: 1 });
  });

  it('finds by alias, hash, team and organization', async () => {
    const admin = createAdmin();
    await admin.call('POST', '/organization/new', { body: { organization_id: 'o', organization_alias: 'O' } });
    await admin.call('POST', '/team/new', { body: { team_id: 't' } });
    await newKey(admin);
    const { hash } = await newKey(admin, { key_alias: 'one', team_id: 't', organization_id: 'o' });
    for (const filter of ['key_alias=one', `key_hash=${hash}`, 'team_id=t', 'organization_id=o']) {
      expect((await admin.call('GET', `/key/list?${filter}`)).body).toMatchObject({ keys: [hash], total_count: 1 });
    }
    expect((await admin.call('GET', '/key/list?key_alias=none')).body).toMatchObject({ keys: [], total_pages: 0 });
  });

  it('refuses pages that are none', async () => {
    const admin = createAdmin();
    for (const query of ['page=0', 'page=-1', 'size=101', 'size=x']) {
      expect(await admin.call('GET', `/key/list?${query}`)).toMatchObject({ status: 400 });
    }
  });
});

describe('/key/regenerate', () => {
  it('changes the secret and fields, and keeps everything under the same scope', async () => {
    const admin = createAdmin();
    const { secret, hash } = await newKey(admin, { max_budget: 10, key_alias: 'a', spend: 1 });
    const answer = await admin.call('POST', '/key/regenerate', {
      body: { key: secret, new_key: 'sk-new-secret-of-mine', max_budget: 4 },
    });
    const fresh = await admin.deps.keys.get(hashSecret('sk-new-secret-of-mine'));
    expect(answer).toMatchObject({
      status: 200,
      body: { key: 'sk-new-secret-of-mine', max_budget: 4, spend: 1, key_alias: 'a' },
    });
    expect(fresh === undefined ? undefined : scopeOf(fresh).id).toBe(hash);
    expect(await admin.deps.keys.get(hash)).toBeUndefined();

    const third = await admin.call('POST', '/key/regenerate', { body: { key: 'sk-new-secret-of-mine' } });
    expect(third.body).toMatchObject({ spend: 1 });
    expect((await admin.deps.keys.get(hashSecret(String(third.body['key']))))?.origin).toBe(hash);
  });

  it('leaves a blocked key blocked', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin, { blocked: true });
    expect((await admin.call('POST', `/key/${hash}/regenerate`)).body).toMatchObject({ blocked: true });
  });

  it('leaves the key as it was when the new one is refused', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin, { key_alias: 'mine' });
    await newKey(admin, { key_alias: 'taken', key: 'sk-secret-in-use-already' });
    const regenerate = (body: object) => admin.call('POST', `/key/${hash}/regenerate`, { body });
    expect(await regenerate({ new_key: 'sk-secret-in-use-already' })).toMatchObject({
      status: 409,
      body: { error: { param: 'new_key' } },
    });
    expect(await regenerate({ key_alias: 'taken' })).toMatchObject({ status: 409, body: { error: { param: 'key_alias' } } });
    expect(await admin.deps.keys.get(hash)).toMatchObject({ blocked: false, alias: 'mine' });
  });

  it('refuses what it cannot do: odd grace periods, a new master key, unknown keys', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    const regenerate = (body: object) => admin.call('POST', `/key/${hash}/regenerate`, { body });
    expect(await regenerate({ grace_period: 'soon' })).toMatchObject({
      status: 400,
      body: { error: { param: 'grace_period' } },
    });
    expect(await regenerate({ new_master_key: 'sk-0123456789abcdef' })).toMatchObject({ status: 400 });
    expect(await admin.call('POST', '/key/regenerate', { body: { key: 'sk-unknown-secret-value' } })).toMatchObject({
      status: 404,
    });
    expect(await admin.call('POST', '/key/regenerate', { body: {} })).toMatchObject({
      status: 400,
      body: { error: { param: 'key' } },
    });
  });
});
