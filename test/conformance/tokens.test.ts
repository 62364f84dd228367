/** Callers without a key: the official OpenAI SDK with a token of an identity provider, and requests that AWS signed. */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createUrlHandler } from '../../functions/gateway/url.ts';
import { hashSecret } from '../../lib/domain/key.ts';
import { USD } from '../../lib/domain/money.ts';
import type { Team } from '../../lib/domain/team.ts';
import { NOW } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { startIdentityProvider, type IdentityProvider } from '../support/identity-provider.ts';
import { chatAnswer, sendJson, startUpstream, type Upstream } from '../support/upstream.ts';
import { serveHandler } from '../support/url-front.ts';

let upstream: Upstream;
let provider: IdentityProvider;
let gateway: Served;

const aTeam = (over: Partial<Team>): Team => ({
  id: 'blue',
  createdAt: NOW,
  updatedAt: NOW,
  metadata: {},
  rev: 1,
  budgetAnchor: NOW,
  blocked: false,
  models: [],
  aliases: {},
  tags: ['team-tag'],
  memberPermissions: [],
  accessGroups: [],
  ...over,
});

beforeAll(async () => {
  upstream = await startUpstream(sendJson(chatAnswer()));
  provider = await startIdentityProvider();
  const settings = {
    public_key_url: provider.jwks,
    issuer: provider.url,
    audience: 'gateway',
    user_id_jwt_field: 'sub',
    user_id_upsert: true,
    team_ids_jwt_field: 'groups',
    end_user_id_jwt_field: 'customer',
    virtual_key_claim_field: 'client_id',
  };
  gateway = await serveGateway(upstream.url, { env: { TOLLGATE_JWT_AUTH: JSON.stringify(settings) } });
  await gateway.stores.teams.create(aTeam({}));
  await gateway.stores.teams.create(aTeam({ id: 'red', models: ['none-of-these'] }));
  await gateway.stores.teams.create(aTeam({ id: 'grey', blocked: true }));
});
afterAll(async () => {
  await gateway.close();
  await provider.close();
  await upstream.close();
});

const messages = [{ role: 'user' as const, content: 'Hi' }];
const clientOf = (apiKey: string, headers: Record<string, string> = {}) =>
  new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0, defaultHeaders: headers });
const ask = (client: OpenAI) => client.chat.completions.create({ model: 'gpt-4o-mini', messages });
const entries = async () => (await gateway.stores.ledger.list({ limit: 100 })).items;

describe('the OpenAI SDK with a token as its key', () => {
  it('is served, and booked to user, team, customer and tags', async () => {
    const client = clientOf(await provider.token({ aud: 'gateway', groups: ['blue'], customer: 'acme' }));
    const answer = await ask(client);
    expect(answer.choices[0]?.message.content).toBeTruthy();
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('gpt-4o-mini');
    await vi.waitFor(async () =>
      expect(await entries()).toContainEqual(
        expect.objectContaining({
          userId: 'ann',
          teamId: 'blue',
          endUser: 'acme',
          tags: ['team-tag'],
          keyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        }),
      ),
    );
    expect(await gateway.stores.users.get('ann')).toMatchObject({ role: 'internal_user', ssoUserId: 'ann' });
  });

  it('may call what its team may call, and says for which of its teams it calls', async () => {
    const token = await provider.token({ aud: 'gateway', groups: ['blue', 'red'] });
    await expect(ask(clientOf(token, { 'x-litellm-team-id': 'red' }))).rejects.toMatchObject({
      status: 403,
      code: 'team_model_access_denied',
    });
    await expect(ask(clientOf(await provider.token({ aud: 'gateway', groups: ['grey'] })))).rejects.toMatchObject({
      status: 401,
    });
  });

  it('is refused in the words of the SDK when its token is bad', async () => {
    await expect(ask(clientOf(await provider.token({ aud: 'other', groups: ['blue'] })))).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    await expect(ask(clientOf(await provider.token({ aud: 'gateway' }, { lifetime: -60 })))).rejects.toMatchObject({
      code: 'expired_token',
    });
  });

  it('has the limits of the key its claim is mapped to', async () => {
    const key = await gateway.addKey('sk-mapped-by-claim', { maxBudget: USD, rpmLimit: 1 });
    const mapping = { jwt_claim_name: 'client_id', jwt_claim_value: 'batch', token_id: key.hash };
    const { newClaimMapping } = await import('../../lib/management/people/mappings.ts');
    await newClaimMapping(gateway.management, { type: 'master' }, mapping);
    const client = clientOf(await provider.token({ aud: 'gateway', client_id: 'batch' }));
    await ask(client);
    await expect(ask(client)).rejects.toMatchObject({ status: 429 });
    await vi.waitFor(async () => expect(await entries()).toContainEqual(expect.objectContaining({ keyHash: key.hash })));
  });
});

describe('management with a token', () => {
  it('is refused to those who are no administrators', async () => {
    const authorization = `Bearer ${await provider.token({ aud: 'gateway', groups: ['blue'] })}`;
    const request = {
      method: 'POST',
      path: '/key/generate',
      query: new URLSearchParams(),
      headers: { authorization },
      body: Buffer.from('{}'),
    };
    expect(await gateway.management.authenticate(request, '/key/generate')).toMatchObject({
      type: 'key',
      via: 'token',
      key: { userId: 'ann' },
    });
  });
});

describe('a request that AWS signed', () => {
  const ARN = 'arn:aws:iam::123456789012:role/app';
  const iam = {
    accessKey: 'ASIA',
    userArn: 'arn:aws:sts::123456789012:assumed-role/app/i-0abc',
    accountId: '123456789012',
    callerId: 'AROA:i-0abc',
    userId: 'AROA:i-0abc',
    principalOrgId: null,
    cognitoIdentity: null,
  };

  /** The function behind its URLs: one that checks signatures, one that does not. */
  const front = (identity?: typeof iam) =>
    serveHandler(
      createUrlHandler({ service: gateway.gateway, log: () => undefined, maxBodyBytes: 100_000 }),
      900_000,
      identity,
    );
  const send = (url: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: 'AWS4-HMAC-SHA256 Credential=ASIA/x, Signature=y',
        ...headers,
      },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages }),
    });

  it('calls with the key its role is mapped to, and no other role does', async () => {
    const { newRoleMapping } = await import('../../lib/management/people/mappings.ts');
    const key = await gateway.addKey('sk-mapped-by-role', { models: ['gpt-4o-mini'] });
    await newRoleMapping(gateway.management, { type: 'master' }, { arn: ARN, key: 'sk-mapped-by-role' });
    const [own, other, open] = await Promise.all([
      front(iam),
      front({ ...iam, userArn: iam.userArn.replace('/app/', '/apps/') }),
      front(),
    ]);

    expect((await send(own.url)).status).toBe(200);
    expect((await send(other.url)).status).toBe(401);
    // The public URL: whoever writes such headers is nobody.
    const forged = { 'x-amzn-iam-user-arn': iam.userArn, 'x-user-arn': iam.userArn, 'x-tollgate-role': ARN };
    expect((await send(open.url, forged)).status).toBe(401);
    await own.idle();
    await vi.waitFor(async () => expect(await entries()).toContainEqual(expect.objectContaining({ keyHash: key.hash })));
    expect(hashSecret('sk-mapped-by-role')).toBe(key.hash);
    for (const one of [own, other, open]) one.stop();
  });

  it('cannot be claimed on a plain server', async () => {
    const answer = await send(gateway.url, { 'x-amzn-iam-user-arn': iam.userArn });
    expect(answer.status).toBe(401);
  });
});
