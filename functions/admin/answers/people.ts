/** Answers of `/user/...`, `/team/...` and `/organization/...`. */
import * as z from 'zod/mini';
import {
  answers,
  component,
  count,
  flag,
  hash,
  list,
  map,
  message,
  moment,
  names,
  nothing,
  object,
  optional,
  orNull,
  text,
  usd,
  word,
  type Answers,
} from './fields.ts';
import { key } from './keys.ts';
import { HISTORY, KEPT, LIMITS, OWN, PAGE, STANDING } from './limits.ts';

const { models, aliases, metadata, organization_id } = OWN;
const userId = text('The user.', 'ada');
const email = orNull(text('E-mail.', 'ada@example.org'));
const alias = orNull(text('What people call it.', 'Ada'));
const ROLES = ['proxy_admin', 'proxy_admin_viewer', 'internal_user', 'internal_user_viewer'] as const;

const USER = {
  user_id: userId,
  user_alias: alias,
  user_email: email,
  user_role: word('What the user may do.', ROLES),
  sso_user_id: orNull(text('Id at the identity provider.', '00u1abcd')),
  models,
  aliases,
  teams: names('Teams the user is a member of.', 'platform'),
  organizations: names('Organizations the user is a member of.', 'acme'),
  blocked: flag('True: keys of the user are refused.'),
  metadata,
  ...KEPT,
  ...HISTORY,
};
/** A user as routes of users tell it. */
export const user = component('User', 'A user and where it stands.', { ...USER, ...STANDING });
/** A user as lists have it. */
export const listedUser = component('ListedUser', 'A user, where it stands, and how many keys it has.', {
  ...USER,
  ...STANDING,
  key_count: count('Keys the user has.'),
});
const plainUser = component('PlainUser', 'A user without figures.', { ...USER, ...LIMITS });

const newUser = component('NewUser', 'A user, and the key that was made for it.', {
  ...USER,
  ...STANDING,
  key: text('The secret, shown this once; empty where no key was made.', 'sk-...'),
  token: optional(hash('Hash of the key.')),
  token_id: optional(hash('The same.')),
  key_name: optional(text('The secret, but for its end.', 'sk-...Xy12')),
  key_alias: optional(orNull(text('What people call the key.', 'ada'))),
  expires: optional(orNull(moment('When the key ends'))),
});

const MEMBER = {
  user_id: userId,
  user_email: email,
  role: text('Role in the group.', 'user'),
  allowed_models: names('Models the member may call within the group; all where there are none.'),
  ...STANDING,
  created_at: moment('When the user became a member'),
  updated_at: moment('When the membership was last changed'),
};
const TEAM_MEMBER = { team_id: text('The team.', 'platform'), ...MEMBER };
const teamMember = component('TeamMember', 'A membership in a team and where it stands.', TEAM_MEMBER);
const organizationMember = component('OrganizationMember', 'A membership in an organization and where it stands.', {
  organization_id: text('The organization.', 'acme'),
  ...MEMBER,
  user_role: text('Role in the organization.', 'org_admin'),
});

const TEAM = {
  team_id: text('The team.', 'platform'),
  team_alias: orNull(text('What people call it.', 'Platform')),
  organization_id,
  models,
  model_aliases: aliases,
  litellm_model_table: orNull(object({ model_aliases: aliases })),
  tags: OWN.tags,
  blocked: flag('True: its keys are refused.'),
  access_group_ids: names('Access groups whose models it may call.'),
  team_member_permissions: names('Routes that members may call for the team.', '/key/generate'),
  team_member_budget: orNull(usd('Budget of each member that has none of its own', 5)),
  team_member_budget_duration: orNull(text('Length of its window.', '30d')),
  team_member_rpm_limit: orNull(count('Requests a minute of each member.', 10)),
  team_member_tpm_limit: orNull(count('Tokens a minute of each member.', 10_000)),
  team_member_key_duration: orNull(text('Longest life of a key of a member.', '90d')),
  metadata,
  ...KEPT,
  ...HISTORY,
};
const members = list(object({ user_id: userId, user_email: email, role: text('Role in the team.', 'admin') }));
const FULL_TEAM = { ...TEAM, ...STANDING, members_with_roles: members };
/** A team as routes of teams tell it. */
export const team = component('Team', 'A team and where it stands.', FULL_TEAM);
const plainTeam = component('PlainTeam', 'A team without figures.', { ...TEAM, ...LIMITS });
const deletedTeam = component('DeletedTeam', 'A team that was deleted.', {
  ...TEAM,
  ...LIMITS,
  id: text('Id of the copy.', 'platform'),
  spend: usd('What it had spent', 12.5),
  deleted_at: moment('When'),
  deleted_by: text('By whom.', 'master'),
});

const done = word('Done.', ['success']);
const noCallbacks = {
  team_id: TEAM.team_id,
  success_callbacks: names('There are no logging callbacks.'),
  failure_callbacks: names('There are no logging callbacks.'),
};

const ORGANIZATION = {
  organization_id: text('The organization.', 'acme'),
  organization_alias: text('What people call it.', 'Acme'),
  models,
  model_aliases: aliases,
  blocked: flag('True: its keys are refused.'),
  metadata,
  ...KEPT,
  ...HISTORY,
};
const organization = component('Organization', 'An organization and where it stands.', { ...ORGANIZATION, ...STANDING });
const plainOrganization = component('PlainOrganization', 'An organization without figures.', { ...ORGANIZATION, ...LIMITS });
const fullOrganization = component('FullOrganization', 'An organization with members and teams.', {
  ...ORGANIZATION,
  ...STANDING,
  members: list(organizationMember),
  teams: list(plainTeam),
});

/** How one of many went. */
const OUTCOME = {
  user_id: orNull(userId),
  user_email: email,
  success: flag('Whether it was done.', true),
  error: orNull(text('Why not.', "user not found: 'x' does not exist.")),
};

const role = object({
  description: text('What it may do.', 'Sees everything, changes nothing.'),
  ui_label: text('Its name.', 'Admin (view only)'),
});

/** By route. */
export const PEOPLE_ANSWERS: Answers = {
  'POST /user/new': answers(newUser, 409),
  'POST /user/update': answers(object({ user_id: userId, data: user }), 404, 409),
  'POST /user/bulk_update': answers(
    object({
      results: list(object({ ...OUTCOME, updated_user: orNull(user) })),
      total_requested: count('Changes asked for.'),
      successful_updates: count('Changes made.'),
      failed_updates: count('Changes that failed.', 0),
    }),
  ),
  'POST /user/delete': answers(count('Users that were deleted.', 1), 404),
  'GET /user/info': answers(object({ user_id: userId, user_info: user, keys: list(key), teams: list(team) }), 404),
  'GET /v2/user/info': answers(user, 404),
  'GET /user/list': answers(object({ users: list(listedUser), ...PAGE })),
  'GET /user/filter/ui': answers(list(object({ user_id: userId, user_email: email, user_alias: USER.user_alias }))),
  'GET /user/available_users': answers(
    object({
      total_users: nothing('There may be any number of users.'),
      total_users_used: count('Users there are.', 12),
      total_users_remaining: nothing('As many as wanted.'),
      total_teams: nothing('There may be any number of teams.'),
      total_teams_used: count('Teams there are.', 4),
      total_teams_remaining: nothing('As many as wanted.'),
    }),
  ),
  'GET /user/available_roles': answers(object(Object.fromEntries(ROLES.map((name) => [name, role])))),

  'POST /team/new': answers(team, 409),
  'POST /team/update': answers(team, 404, 409),
  'PATCH /team/{team_id}': answers(team, 404, 409),
  'POST /team/delete': answers(object({ deleted_teams: names('Teams that were deleted.', 'platform') }), 404),
  'GET /team/info': answers(
    object({ team_id: TEAM.team_id, team_info: team, keys: list(key), team_memberships: list(teamMember) }),
    404,
  ),
  'GET /team/list': answers(list(team)),
  'GET /v2/team/list': answers(object({ teams: list(z.union([team, deletedTeam])), ...PAGE })),
  'GET /team/available': answers(list(team)),
  'GET /team/metadata_schema': answers(
    object({
      fields: list(object({ key: text('The field.', 'cost_center'), label: text('Its name for people.', 'Cost centre') })),
    }),
  ),
  'POST /team/block': answers(team, 404, 409),
  'POST /team/unblock': answers(team, 404, 409),
  'POST /team/member_add': answers(
    component('TeamWithNewMembers', 'A team, and who became a member.', {
      ...FULL_TEAM,
      updated_users: list(
        z.union([plainUser, object({ user_id: userId, user_email: email, user_alias: alias, user_role: USER.user_role })]),
      ),
      updated_team_memberships: list(teamMember),
    }),
    404,
    409,
  ),
  'POST /team/bulk_member_add': answers(
    object({
      team_id: TEAM.team_id,
      results: list(object(OUTCOME)),
      total_requested: count('Members asked for.'),
      successful_additions: count('Members added.'),
      failed_additions: count('Members that could not be added.', 0),
      updated_team: team,
    }),
    404,
    409,
  ),
  'POST /team/member_update': answers(
    object({ ...TEAM_MEMBER, max_budget_in_team: orNull(usd('The budget within the team', 5)) }),
    404,
    409,
  ),
  'POST /team/member_delete': answers(team, 404, 409),
  'GET /team/{team_id}/members/me': answers(teamMember, 404),
  'POST /team/{team_id}/member/{user_id}/reset_spend': answers(teamMember, 404, 409),
  'POST /team/reset_budget': answers(
    component('TeamAfterReset', 'A team whose spend was taken back.', {
      ...FULL_TEAM,
      previous_spend: usd('What counted as spent before', 12.5),
    }),
    404,
    409,
  ),
  'GET /team/{team_id}/callback': answers(
    object({
      status: done,
      data: object({ ...noCallbacks, callback_vars: map('There are none.', text('Value.', 'value')) }),
    }),
    404,
  ),
  'POST /team/{team_id}/callback': answers(object({ status: done, data: team }), 404),
  'POST /team/{team_id}/disable_logging': answers(
    object({ status: done, message: message('Logging disabled for team platform'), data: object(noCallbacks) }),
    404,
    409,
  ),
  'POST /team/model/add': answers(team, 404, 409),
  'POST /team/model/delete': answers(team, 404, 409),
  'GET /team/permissions_list': answers(
    object({
      team_id: TEAM.team_id,
      team_member_permissions: TEAM.team_member_permissions,
      all_available_permissions: names('Every permission there is.', '/key/generate'),
    }),
    404,
  ),
  'POST /team/permissions_update': answers(team, 404, 409),
  'POST /team/permissions_bulk_update': answers(
    object({
      message: message('Permissions were added to 4 teams'),
      teams_updated: count('Teams.', 4),
      permissions_appended: names('What their members may do now too.', '/key/generate'),
    }),
    404,
    409,
  ),

  'POST /organization/new': answers(organization, 409),
  'PATCH /organization/update': answers(organization, 404, 409),
  'DELETE /organization/delete': answers(list(plainOrganization), 404),
  'GET /organization/list': answers(list(fullOrganization)),
  'GET /organization/info': answers(fullOrganization, 404),
  'POST /organization/info': answers(list(fullOrganization)),
  'POST /organization/member_add': answers(
    object({
      organization_id: ORGANIZATION.organization_id,
      updated_users: list(object({ user_id: userId, user_email: email, user_role: USER.user_role })),
      updated_organization_memberships: list(organizationMember),
    }),
    404,
    409,
  ),
  'PATCH /organization/member_update': answers(organizationMember, 404, 409),
  'DELETE /organization/member_delete': answers(organizationMember, 404, 409),
};
