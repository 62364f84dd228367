import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readTokenSettings } from '../../../lib/auth/settings.ts';
import { createTokenReader, type TokenDeps } from '../../../lib/auth/tokens.ts';
import type { Team } from '../../../lib/domain/team.ts';
import type { User } from '../../../lib/domain/user.ts';
import { createHttpClient } from '../../../lib/transport/http.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { NOW } from '../../support/exchange.ts';

let provider: IdentityProvider;
const http = createHttpClient();
beforeAll(async () => {
  provider = await startIdentityProvider();
});
afterAll(async () => {
  await provider.close();
  await http.close();
});

const clock = { now: NOW };
beforeEach(() => {
  clock.now = NOW;
  provider.asked.count = 0;
  provider.answers.status = 200;
});

/** A reader of tokens with these settings, over records that are there. */
function reader(
  settings: object = {},
  records: { users?: Partial<User>[]; teams?: string[]; keys?: Record<string, string> } = {},
  over: Partial<TokenDeps['http']> = {},
) {
  const made: User[] = [];
  const told: string[] = [];
  const user = async (id: string) => records.users?.find((one) => one.id === id) as User | undefined;
  const deps: TokenDeps = {
    http: { send: (call) => http.send(call), ...over },
    now: () => clock.now,
    log: (_level, message) => void told.push(message),
    user,
    ownersOf: async ({ teamId, userId }) => {
      const found = userId === undefined ? undefined : await user(userId);
      return {
        ...(teamId !== undefined && records.teams?.includes(teamId) === true
          ? { team: { id: teamId, blocked: false } as Team }
          : {}),
        ...(found === undefined ? {} : { user: found }),
      };
    },
    keyOfClaim: async (claim, value) => records.keys?.[`${claim}=${value}`],
    createUser: async (fresh) => {
      made.push(fresh);
      return fresh;
    },
  };
  const read = createTokenReader(readTokenSettings(JSON.stringify({ public_key_url: provider.jwks, ...settings })), deps);
  return {
    made,
    told,
    read: async (claims: object, headers = {}, options = {}) =>
      read(await provider.token(claims as never, { at: clock.now, ...options }), headers),
    raw: read,
  };
}

const TEAMS = { team_ids_jwt_field: 'groups' };
const USERS = { user_id_jwt_field: 'sub' };
const refusedWith = (status: number, code: string) => ({ status, detail: { code } });

describe('a token', () => {
  it('makes a caller of its user and team, under a hash of issuer and subject', async () => {
    const { read } = reader(
      { ...TEAMS, ...USERS, org_id_jwt_field: 'org' },
      { users: [{ id: 'ann', teams: [] }], teams: ['t2'] },
    );
    const { caller } = (await read({ groups: ['t1', 't2'], org: 'o' })) as Extract<
      Awaited<ReturnType<typeof read>>,
      { caller: unknown }
    >;
    expect(caller).toMatchObject({
      type: 'key',
      via: 'token',
      key: {
        userId: 'ann',
        teamId: 't2',
        organizationId: 'o',
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        name: 'token of ann',
        allowedRoutes: [],
      },
      team: { id: 't2' },
      user: { id: 'ann' },
    });
    const again = await read({ groups: ['t2'] });
    expect(again).toMatchObject({ caller: { key: { hash: caller.type === 'key' ? caller.key.hash : '' } } });
    expect(await read({ groups: ['t2'], iss: 'other' })).not.toMatchObject({
      caller: { key: { hash: caller.type === 'key' ? caller.key.hash : '' } },
    });
  });

  it('speaks for a customer where a claim says so', async () => {
    const { read } = reader({ ...TEAMS, end_user_id_jwt_field: 'profile.customer' }, { teams: ['t'] });
    expect(await read({ groups: ['t'], profile: { customer: 'c' } })).toMatchObject({ endUser: 'c' });
  });

  it.each([
    ['sub', USERS],
    ['org', { ...TEAMS, org_id_jwt_field: 'org' }],
    ['customer', { ...TEAMS, end_user_id_jwt_field: 'customer' }],
  ])('is refused, and not a caller without an owner, where its %s can be no id', async (claim, settings) => {
    const { read } = reader({ ...settings, user_id_upsert: true }, { teams: ['t'] });
    await expect(read({ groups: ['t'], [claim]: '界'.repeat(72) })).rejects.toMatchObject({
      status: 400,
      detail: { param: claim },
      message: expect.stringContaining('this one takes 648'),
    });
  });

  it('stands for the key that its claim is mapped to', async () => {
    const { read } = reader({ virtual_key_claim_field: 'email', ...USERS }, { keys: { 'email=a@b.c': 'hash' } });
    expect(await read({ email: 'a@b.c' })).toEqual({ keyHash: 'hash' });
    const strict = reader({ virtual_key_claim_field: 'email', unregistered_jwt_client_behavior: 'reject' });
    await expect(strict.read({ email: 'a@b.c' })).rejects.toMatchObject(refusedWith(403, 'token_not_mapped'));
  });

  it('of nobody known is refused', async () => {
    await expect(reader().read({})).rejects.toMatchObject(refusedWith(403, 'token_not_mapped'));
    await expect(reader(USERS).read({})).rejects.toMatchObject(refusedWith(403, 'user_not_found'));
    await expect(reader(TEAMS).read({ groups: ['nowhere'] })).rejects.toMatchObject(refusedWith(403, 'team_not_found'));
  });

  it('makes its user where the operator wants that', async () => {
    const { made, read } = reader({ ...USERS, user_id_upsert: true, user_email_jwt_field: 'email' });
    expect(await read({ email: 'ann@corp.example' })).toMatchObject({ caller: { user: { id: 'ann', role: 'internal_user' } } });
    expect(made).toMatchObject([{ id: 'ann', email: 'ann@corp.example', ssoUserId: 'ann', role: 'internal_user' }]);
  });
});

describe('the team of a call', () => {
  it('is the one a header asks for, of those the token or the user has', async () => {
    const { read } = reader(
      { ...TEAMS, ...USERS },
      { users: [{ id: 'ann', teams: ['mine'] }], teams: ['t1', 't2', 'mine', 'other'] },
    );
    for (const team of ['t2', 'mine']) {
      expect(await read({ groups: ['t1', 't2'] }, { 'x-litellm-team-id': team })).toMatchObject({
        caller: { key: { teamId: team } },
      });
    }
    await expect(read({ groups: ['t1', 't2'] }, { 'x-litellm-team-id': 'other' })).rejects.toMatchObject(
      refusedWith(403, 'token_team_not_allowed'),
    );
  });

  it('is the default where the token names none, or none at all', async () => {
    expect(await reader({ ...TEAMS, team_id_default: 'd' }).read({})).toMatchObject({ caller: { key: { teamId: 'd' } } });
    const strict = reader({ ...USERS, enforce_team_based_model_access: true }, { users: [{ id: 'ann', teams: [] }] });
    await expect(strict.read({})).rejects.toMatchObject(refusedWith(403, 'team_not_found'));
  });

  it('calls for itself with its own routes', async () => {
    const { read } = reader({ team_id_jwt_field: 'client_id' }, { teams: ['app'] });
    expect(await read({ client_id: 'app' })).toMatchObject({
      caller: { key: { teamId: 'app', allowedRoutes: ['llm_api_routes', 'info_routes'] } },
    });
  });
});

describe('what a token may do', () => {
  it('is everything of an administrator, by scope or by role, on the routes of administrators', async () => {
    const admin = {
      caller: { user: { role: 'proxy_admin' }, key: { allowedRoutes: expect.arrayContaining(['management_routes']) } },
    };
    expect(await reader(USERS).read({ scope: 'openid litellm_proxy_admin' })).toMatchObject(admin);
    const mapped = {
      ...USERS,
      roles_jwt_field: 'realm.roles',
      role_mappings: [{ role: 'boss', internal_role: 'proxy_admin' }],
    };
    expect(await reader(mapped).read({ realm: { roles: ['boss'] } })).toMatchObject(admin);
  });

  it('is not written into the record of its user', async () => {
    const ann = { id: 'ann', role: 'internal_user', teams: [] } as const;
    const { read, made } = reader(USERS, { users: [{ ...ann, teams: [...ann.teams] }] });
    await read({ scope: 'litellm_proxy_admin' });
    expect(await read({})).toMatchObject({ caller: { user: { role: 'internal_user' } } });
    expect(made).toEqual([]);
  });

  it('is what its scopes grant, where those decide', async () => {
    const settings = {
      ...TEAMS,
      enforce_scope_based_access: true,
      scope_mappings: [
        { scope: 'llm.small', models: ['small'], routes: ['/v1/chat/completions'] },
        { scope: 'llm.large', models: ['large'], routes: ['openai_routes'] },
      ],
    };
    const { read } = reader(settings, { teams: ['t'] });
    expect(await read({ groups: ['t'], scp: ['llm.small', 'llm.large'] })).toMatchObject({
      caller: { key: { models: ['small', 'large'], allowedRoutes: ['/v1/chat/completions', 'openai_routes'] } },
    });
    await expect(read({ groups: ['t'], scope: 'other' })).rejects.toMatchObject(refusedWith(403, 'token_scope_missing'));
  });

  it('is nothing without the roles and the e-mail domain that are asked for', async () => {
    const roles = reader({ ...TEAMS, user_roles_jwt_field: 'roles', user_allowed_roles: ['dev'] }, { teams: ['t'] });
    await expect(roles.read({ groups: ['t'], roles: ['guest'] })).rejects.toMatchObject(
      refusedWith(403, 'token_role_not_allowed'),
    );
    expect(await roles.read({ groups: ['t'], roles: ['dev'] })).toMatchObject({ caller: { type: 'key' } });
    const domain = reader(
      { ...TEAMS, user_email_jwt_field: 'email', user_allowed_email_domain: 'corp.example' },
      { teams: ['t'] },
    );
    for (const email of ['a@corp.example.evil', 'a@b@corp.example', undefined]) {
      await expect(domain.read({ groups: ['t'], email })).rejects.toMatchObject(refusedWith(403, 'email_domain_not_allowed'));
    }
    const rbac = reader(
      { ...TEAMS, enforce_rbac: true, roles_jwt_field: 'roles', role_mappings: [{ role: 'r', internal_role: 'team' }] },
      { teams: ['t'] },
    );
    await expect(rbac.read({ groups: ['t'], roles: ['x'] })).rejects.toMatchObject(refusedWith(403, 'token_role_not_mapped'));
  });
});

describe('a token of a role alone', () => {
  const mapped = (internal: string) =>
    reader({ ...TEAMS, roles_jwt_field: 'roles', role_mappings: [{ role: 'r', internal_role: internal }] }, { teams: ['t'] });

  it.each(['team', 'internal_user'])('is nobody whom a limit could hold: %s', async (internal) => {
    await expect(mapped(internal).read({ roles: ['r'] })).rejects.toMatchObject(refusedWith(403, 'token_not_mapped'));
    expect(await mapped(internal).read({ roles: ['r'], groups: ['t'] })).toMatchObject({ caller: { team: { id: 't' } } });
  });
});

describe('settings without an audience', () => {
  it('are warned about: every token of the provider would do', () => {
    expect(reader(TEAMS).told).toEqual([expect.stringContaining('audience')]);
    expect(reader({ ...TEAMS, audience: 'gateway' }).told).toEqual([]);
  });
});

describe('a token that proves nothing', () => {
  const good = () => reader({ ...TEAMS, issuer: provider.url, audience: 'gateway' }, { teams: ['t'] });
  const claims = { groups: ['t'], aud: 'gateway' };

  it('is told from one that does', async () => {
    expect(await good().read(claims)).toMatchObject({ caller: { key: { teamId: 't' } } });
    expect(await good().read({ ...claims, aud: ['other', 'gateway'] })).toMatchObject({ caller: { type: 'key' } });
  });

  it.each([
    ['expired', claims, { lifetime: -31 }, 'expired_token'],
    ['of another issuer', { ...claims, iss: 'https://evil.example' }, {}, 'invalid_token_claim'],
    ['for somebody else', { ...claims, aud: 'other' }, {}, 'invalid_token_claim'],
    ['for nobody', { groups: ['t'] }, {}, 'invalid_token_claim'],
    ['not valid yet', { ...claims, nbf: NOW / 1000 + 60 }, {}, 'invalid_token_claim'],
    ['without an end', claims, { lifetime: null }, 'invalid_token_claim'],
  ])('because it is %s', async (_name, given, options, code) => {
    await expect(good().read(given, {}, options)).rejects.toMatchObject(refusedWith(401, code));
  });

  it('because it is signed with a shared secret, or not at all', async () => {
    const payload = { ...claims, sub: 'ann', iss: provider.url, exp: NOW / 1000 + 60 };
    const shared = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256', kid: 'key-0' })
      .sign(new TextEncoder().encode('x'.repeat(32)));
    await expect(good().raw(shared, {})).rejects.toMatchObject({ status: 401 });
    await expect(good().raw(new UnsecuredJWT(payload).encode(), {})).rejects.toMatchObject({ status: 401 });
    await expect(good().raw('eyJ.e30.x', {})).rejects.toMatchObject({ status: 401 });
  });

  it('because somebody else signed it, and the refusal repeats nothing of it', async () => {
    const foreign = await startIdentityProvider();
    const token = await foreign.token({ ...claims, iss: provider.url, email: 'secret@corp.example' }, { at: NOW });
    const error: unknown = await good()
      .raw(token, {})
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 401 });
    expect(String(error)).not.toContain('secret@');
    await foreign.close();
  });

  it('within the tolerance of clocks is good', async () => {
    expect(await good().read(claims, {}, { lifetime: -20 })).toMatchObject({ caller: { type: 'key' } });
  });
});

describe('the keys of a provider', () => {
  it('are asked for once in their time, by many at once', async () => {
    const { read } = reader(TEAMS, { teams: ['t'] });
    await Promise.all(Array.from({ length: 20 }, () => read({ groups: ['t'] })));
    expect(provider.asked.count).toBe(1);
    clock.now += 601_000;
    await read({ groups: ['t'] });
    expect(provider.asked.count).toBe(2);
  });

  it('are asked for again when a token names one that is new, but not at every unknown one', async () => {
    const own = await startIdentityProvider();
    const { raw } = reader({ ...TEAMS, public_key_url: own.jwks }, { teams: ['t'] });
    const call = async (by?: string) =>
      raw(await own.token({ groups: ['t'] }, { at: clock.now, ...(by === undefined ? {} : { by }) }), {});
    await call();
    clock.now += 31_000;
    await own.rotate();
    await call();
    expect(own.asked.count).toBe(2);
    const secret = await own.rotate(false);
    for (let times = 0; times < 5; times++) await expect(call(secret)).rejects.toMatchObject(refusedWith(401, 'invalid_token'));
    expect(own.asked.count).toBe(2);
    clock.now += 31_000;
    await expect(call(secret)).rejects.toMatchObject({ status: 401 });
    expect(own.asked.count).toBe(3);
    await own.close();
  });

  it('are used past their time while the provider does not answer, for a day', async () => {
    const { read } = reader(TEAMS, { teams: ['t'] });
    await read({ groups: ['t'] });
    provider.answers.status = 500;
    clock.now += 3_600_000;
    expect(await read({ groups: ['t'] })).toMatchObject({ caller: { type: 'key' } });
    clock.now += 86_400_000;
    await expect(read({ groups: ['t'] })).rejects.toMatchObject(refusedWith(503, 'auth_provider_unavailable'));
  });

  it('that were never read are an outage, not a refusal', async () => {
    provider.answers.status = 500;
    await expect(reader(TEAMS).read({})).rejects.toMatchObject(refusedWith(503, 'auth_provider_unavailable'));
  });

  it('are found by discovery on the same host', async () => {
    const { read } = reader({ ...TEAMS, public_key_url: `${provider.url}/.well-known/openid-configuration` }, { teams: ['t'] });
    expect(await read({ groups: ['t'] })).toMatchObject({ caller: { type: 'key' } });
  });

  it('are not fetched from where a discovery document leads away from its own origin', async () => {
    const asked: string[] = [];
    const answers = async ({ url }: { readonly url: string }) => {
      asked.push(url);
      const body = Buffer.from(JSON.stringify({ jwks_uri: 'http://login.corp.example/keys', keys: [] }));
      return { status: 200, headers: {}, bytes: async () => body, discard: () => undefined, body: [] };
    };
    const discovery = 'https://login.corp.example/.well-known/openid-configuration';
    const { read } = reader({ ...TEAMS, public_key_url: discovery }, { teams: ['t'] }, { send: answers as never });
    await expect(read({ groups: ['t'] })).rejects.toMatchObject({ status: 503 });
    expect(asked).toEqual([discovery]);
  });

  it.each(['ES256', 'EdDSA', 'PS256'])('may be for %s', async (algorithm) => {
    const own = await startIdentityProvider(algorithm);
    const { raw } = reader({ ...TEAMS, public_key_url: own.jwks }, { teams: ['t'] });
    expect(await raw(await own.token({ groups: ['t'] }, { at: NOW }), {})).toMatchObject({ caller: { type: 'key' } });
    await own.close();
  });
});
