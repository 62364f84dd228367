/** Teams, users and organizations as kinds of records. */
import type { Organization } from '../../domain/organization.ts';
import type { Team } from '../../domain/team.ts';
import type { User } from '../../domain/user.ts';
import { limitRow } from '../limit-fields.ts';
import { historyRow, type RecordKind } from '../records/record-kind.ts';

/** Teams. */
export const TEAM: RecordKind<Team> = {
  name: 'team',
  idField: 'team_id',
  store: ({ teams }) => teams,
  row: (team, now) => ({
    team_id: team.id,
    team_alias: team.alias ?? null,
    organization_id: team.organizationId ?? null,
    models: team.models,
    model_aliases: team.aliases,
    litellm_model_table: Object.keys(team.aliases).length === 0 ? null : { model_aliases: team.aliases },
    tags: team.tags,
    blocked: team.blocked,
    access_group_ids: team.accessGroups,
    team_member_permissions: team.memberPermissions,
    ...memberDefaultsRow(team),
    metadata: team.metadata,
    ...limitRow(team, now),
    ...team.kept,
    ...historyRow(team),
  }),
  scope: ({ id }) => ({ kind: 'team', id }),
};

function memberDefaultsRow({ memberDefaults = {}, memberKeyDuration, createdAt }: Team): Record<string, unknown> {
  const row = limitRow({ ...memberDefaults, budgetAnchor: createdAt }, createdAt);
  return {
    team_member_budget: row['max_budget'],
    team_member_budget_duration: row['budget_duration'],
    team_member_rpm_limit: row['rpm_limit'],
    team_member_tpm_limit: row['tpm_limit'],
    team_member_key_duration: memberKeyDuration ?? null,
  };
}

/** Users. */
export const USER: RecordKind<User> = {
  name: 'user',
  idField: 'user_id',
  store: ({ users }) => users,
  row: (user, now) => ({
    user_id: user.id,
    user_alias: user.alias ?? null,
    user_email: user.email ?? null,
    user_role: user.role,
    sso_user_id: user.ssoUserId ?? null,
    models: user.models,
    aliases: user.aliases,
    teams: user.teams,
    organizations: user.organizations,
    blocked: user.blocked,
    metadata: user.metadata,
    ...limitRow(user, now),
    ...user.kept,
    ...historyRow(user),
  }),
  scope: ({ id }) => ({ kind: 'user', id }),
};

/** Organizations. */
export const ORGANIZATION: RecordKind<Organization> = {
  name: 'organization',
  idField: 'organization_id',
  store: ({ organizations }) => organizations,
  row: (organization, now) => ({
    organization_id: organization.id,
    organization_alias: organization.alias,
    models: organization.models,
    model_aliases: organization.aliases,
    blocked: organization.blocked,
    metadata: organization.metadata,
    ...limitRow(organization, now),
    ...organization.kept,
    ...historyRow(organization),
  }),
  scope: ({ id }) => ({ kind: 'organization', id }),
};
