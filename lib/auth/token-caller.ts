/**
 * The caller behind a token of an identity provider: the key that a claim stands for, or one made for the call from what the token says of
 * user, team, organization and role.
 */
import { createHash } from 'node:crypto';
import { isId } from '../domain/id.ts';
import type { VirtualKey } from '../domain/key.ts';
import { PLAIN_USER, type User } from '../domain/user.ts';
import { GatewayError } from '../errors.ts';
import type { Caller, Owners } from '../exchange.ts';
import type { Headers } from '../transport/message.ts';
import { claimedId, claimText, claimTexts, scopesOf, type Claims } from './claims.ts';
import type { TokenRole, TokenSettings } from './settings.ts';

/** What it looks up; cached for seconds. */
export interface TokenCallerDeps {
  readonly ownersOf: (key: Pick<VirtualKey, 'teamId' | 'userId' | 'organizationId' | 'projectId'>) => Promise<Owners>;
  readonly user: (id: string) => Promise<User | undefined>;
  /** Hash of the key that a claim's value stands for. */
  readonly keyOfClaim: (claim: string, value: string) => Promise<string | undefined>;
  /** Makes a user; the one there is when somebody was faster. */
  readonly createUser: (user: User) => Promise<User>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What a token comes to. */
export type TokenOutcome =
  | { readonly caller: Caller; readonly endUser?: string }
  | { readonly keyHash: string; readonly endUser?: string };

/** Headers in which a client says for which of its teams it calls. */
const TEAM_HEADERS = ['x-litellm-team-id', 'x-litellm-team'];
/** Most teams of a token that are looked at. */
const MOST_TEAMS = 50;

const refuse = (message: string, code: string): GatewayError =>
  new GatewayError('permission', message, { type: 'auth_error', code });

/**
 * The caller of a proven token.
 *
 * @throws GatewayError `permission` where the token is good and its bearer has no business here; `invalid_request` where what it names can
 * be no id
 */
export async function callerOfClaims(
  claims: Claims,
  headers: Headers,
  settings: TokenSettings,
  deps: TokenCallerDeps,
): Promise<TokenOutcome> {
  const customer = claimedId(claims, settings.end_user_id_jwt_field);
  const named = customer === undefined ? {} : { endUser: customer };
  const mapped = await mappedKey(claims, settings, deps);
  if (mapped !== undefined) return { keyHash: mapped, ...named };

  const email = claimText(claims, settings.user_email_jwt_field);
  requireDomain(email, settings.user_allowed_email_domain);
  const role = roleOf(claims, settings);
  const scoped = scopedAccess(claims, settings, role);
  const userId = role === 'team' ? undefined : userIdOf(claims, settings, role);
  const user = userId === undefined ? undefined : await userOf(userId, { email, role }, claims, settings, deps);
  const teamId = await teamOf(claims, headers, user, { settings, deps, role });
  // A role alone, but for the administrator's, would be a caller without any limits.
  if (role !== 'proxy_admin' && userId === undefined && teamId === undefined) {
    throw refuse('This token names no user and no team that this gateway knows.', 'token_not_mapped');
  }
  const organizationId = claimedId(claims, settings.org_id_jwt_field);
  const key: VirtualKey = {
    ...blankKey(claims),
    ...(userId === undefined ? {} : { userId }),
    ...(teamId === undefined ? {} : { teamId }),
    ...(organizationId === undefined ? {} : { organizationId }),
    models: scoped.models,
    allowedRoutes: scoped.routes ?? routesOf(role, { userId, teamId }, settings),
  };
  const owners = await deps.ownersOf(key);
  const shown = user ?? owners.user;
  return { caller: { type: 'key', key, via: 'token', ...owners, ...(shown === undefined ? {} : { user: shown }) }, ...named };
}

async function mappedKey(
  claims: Claims,
  settings: TokenSettings,
  { keyOfClaim }: TokenCallerDeps,
): Promise<string | undefined> {
  const { virtual_key_claim_field: field, unregistered_jwt_client_behavior: otherwise } = settings;
  if (field === undefined) return undefined;
  const value = claimText(claims, field);
  const hash = value === undefined ? undefined : await keyOfClaim(field, value);
  if (hash === undefined && otherwise === 'reject') {
    throw refuse(
      `No key is mapped to this token's "${field}". An admin maps one with \`/jwt/key/mapping/new\`.`,
      'token_not_mapped',
    );
  }
  return hash;
}

function requireDomain(email: string | undefined, domain: string | undefined): void {
  if (domain === undefined) return;
  const own = email?.toLowerCase().split('@');
  if (own?.length === 2 && own[1] === domain.toLowerCase()) return;
  throw refuse(`Only e-mail addresses of ${domain} may call this gateway.`, 'email_domain_not_allowed');
}

/** The role a token proves: by scope, by mapped roles. A user or a team alone is no role; what they may do is in their records. */
function roleOf(claims: Claims, settings: TokenSettings): TokenRole | undefined {
  if (scopesOf(claims).includes(settings.admin_jwt_scope)) return 'proxy_admin';
  const roles = new Set(claimTexts(claims, settings.roles_jwt_field));
  const mapped = settings.role_mappings.find(({ role }) => roles.has(role))?.internal_role;
  if (mapped === undefined && settings.enforce_rbac && settings.role_mappings.length > 0) {
    throw refuse('This token has no role that this gateway knows.', 'token_role_not_mapped');
  }
  const { user_roles_jwt_field: field, user_allowed_roles: allowed } = settings;
  if (allowed !== undefined && mapped !== 'proxy_admin' && !claimTexts(claims, field).some((name) => allowed.includes(name))) {
    throw refuse(`This token has none of the roles that may call: ${allowed.join(', ')}.`, 'token_role_not_allowed');
  }
  return mapped;
}

/** Models and routes by the token's scopes, where those decide. */
function scopedAccess(
  claims: Claims,
  { enforce_scope_based_access: isEnforced, scope_mappings: mappings }: TokenSettings,
  role: TokenRole | undefined,
): { readonly models: readonly string[]; readonly routes?: readonly string[] } {
  if (!isEnforced || role === 'proxy_admin') return { models: [] };
  const scopes = new Set(scopesOf(claims));
  const granted = mappings.filter(({ scope }) => scopes.has(scope));
  if (granted.length === 0) {
    throw refuse(
      `This token has none of the scopes that grant access: ${mappings.map(({ scope }) => scope).join(', ')}.`,
      'token_scope_missing',
    );
  }
  // A grant without a list grants everything.
  const models = granted.some((grant) => grant.models === undefined) ? [] : granted.flatMap((grant) => grant.models ?? []);
  const routes = granted.some((grant) => grant.routes === undefined) ? [] : granted.flatMap((grant) => grant.routes ?? []);
  return { models, ...(routes.length === 0 ? {} : { routes }) };
}

function userIdOf(claims: Claims, settings: TokenSettings, role: TokenRole | undefined): string | undefined {
  return (
    claimedId(claims, settings.user_id_jwt_field) ??
    (role === 'internal_user' ? claimedId(claims, settings.object_id_jwt_field) : undefined)
  );
}

/** The record of the token's user: as found, or made. An administrator by scope needs none. */
async function userOf(
  id: string,
  { email, role }: { readonly email: string | undefined; readonly role: TokenRole | undefined },
  claims: Claims,
  settings: TokenSettings,
  deps: TokenCallerDeps,
): Promise<User> {
  const found = await deps.user(id);
  // The provider's word lasts as long as its token: it is not written into the record.
  if (found !== undefined) return role === 'proxy_admin' ? { ...found, role } : found;
  const now = deps.now();
  const subject = claimText(claims, 'sub');
  const fresh: User = {
    id,
    createdAt: now,
    updatedAt: now,
    createdBy: 'token',
    rev: 1,
    budgetAnchor: now,
    ...PLAIN_USER,
    ...(email === undefined ? {} : { email }),
    ...(subject === undefined ? {} : { ssoUserId: subject }),
  };
  if (settings.user_id_upsert) {
    const made = await deps.createUser(fresh);
    return role === 'proxy_admin' ? { ...made, role } : made;
  }
  if (role === 'proxy_admin') return { ...fresh, role };
  throw refuse(`User doesn't exist in db. 'user_id'=${id}. Create user via \`/user/new\` call.`, 'user_not_found');
}

interface TeamChoice {
  readonly settings: TokenSettings;
  readonly deps: TokenCallerDeps;
  readonly role: TokenRole | undefined;
}

/** The team of the call: the one a header asks for, if the token or the user's record has it; else the first that there is a record of. */
async function teamOf(
  claims: Claims,
  headers: Headers,
  user: User | undefined,
  { settings, deps, role }: TeamChoice,
): Promise<string | undefined> {
  const claimed = [
    ...claimTexts(claims, settings.team_ids_jwt_field),
    ...claimTexts(claims, settings.team_id_jwt_field),
    ...(role === 'team' ? claimTexts(claims, settings.object_id_jwt_field) : []),
  ]
    .filter(isId)
    .slice(0, MOST_TEAMS);
  const asked = TEAM_HEADERS.map((name) => headers[name]?.trim()).find((id) => id !== undefined && id !== '');
  if (asked !== undefined) {
    if (claimed.includes(asked) || user?.teams.includes(asked) === true || asked === settings.team_id_default) return asked;
    throw refuse(`This token is not of team "${asked}".`, 'token_team_not_allowed');
  }
  const records = await Promise.all(claimed.map(async (id) => (await deps.ownersOf({ teamId: id })).team));
  const known = records.find((team) => team !== undefined && !team.blocked) ?? records.find((team) => team !== undefined);
  const chosen = known?.id ?? settings.team_id_default;
  if (chosen === undefined && (claimed.length > 0 || settings.enforce_team_based_model_access) && role !== 'proxy_admin') {
    throw refuse(
      claimed.length === 0
        ? 'This token names no team, and this gateway takes calls of teams only.'
        : `No team of this token exists here: ${claimed.join(', ')}.`,
      'team_not_found',
    );
  }
  return chosen;
}

/** Routes where no scope says which: those of administrators, those of a team that calls for itself; a user's role decides for users. */
function routesOf(
  role: TokenRole | undefined,
  { userId, teamId }: { readonly userId: string | undefined; readonly teamId: string | undefined },
  settings: TokenSettings,
): readonly string[] {
  if (role === 'proxy_admin') return settings.admin_allowed_routes;
  return userId === undefined && teamId !== undefined ? settings.team_allowed_routes : [];
}

/** A key for the call. Its hash is made of issuer and subject, so that ledger and figures know the bearer again. */
function blankKey(claims: Claims): VirtualKey {
  const subject = claimText(claims, 'sub') ?? claimText(claims, 'azp') ?? claimText(claims, 'client_id');
  if (subject === undefined) throw refuse('This token has no subject (`sub`).', 'token_without_subject');
  const issuer = claimText(claims, 'iss') ?? '';
  return {
    hash: createHash('sha256')
      .update(JSON.stringify(['token', issuer, subject]))
      .digest('hex'),
    name: `token of ${subject.slice(0, 64)}`,
    createdAt: 0,
    updatedAt: 0,
    budgetAnchor: 0,
    blocked: false,
    models: [],
    aliases: {},
    metadata: {},
    tags: [],
    rev: 0,
  };
}
