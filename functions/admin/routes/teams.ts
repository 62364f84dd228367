/** `/team/...` */
import {
  addTeamCallback,
  disableTeamLogging,
  teamCallback,
  teamCallbacks,
} from '../../../lib/management/people/team-callbacks.ts';
import { listTeams, pageTeams, TEAM_LISTING, TEAM_PAGES } from '../../../lib/management/people/team-list.ts';
import {
  addTeamMembers,
  bulkAddTeamMembers,
  deleteTeamMember,
  ownMembership,
  resetMemberSpend,
  spendReset,
  teamBulkAddition,
  teamMemberAddition,
  teamMemberChange,
  teamMemberDeletion,
  updateTeamMember,
} from '../../../lib/management/people/team-members.ts';
import {
  deleteTeams,
  newTeam,
  setTeamBlocked,
  teamBody,
  teamDeletion,
  teamInfo,
  teamName,
  updateTeam,
} from '../../../lib/management/people/teams.ts';
import { resetTeamBudget } from '../../../lib/management/people/team-spend.ts';
import { changeTeamModels, teamModels } from '../../../lib/management/people/team-models.ts';
import {
  addPermissions,
  permissionsOfTeams,
  teamPermissions,
  teamPermissionsChange,
  updateTeamPermissions,
} from '../../../lib/management/people/team-permissions.ts';
import { get, patch, post, type AdminRoute } from '../route.ts';

/** Routes of teams. */
export const TEAM_ROUTES: readonly AdminRoute[] = [
  post('/team/new', 'org-admin', { summary: 'Make a team.', body: teamBody }, (deps, { caller, body }) =>
    newTeam(deps, caller, body),
  ),
  post('/team/update', 'team-admin', { summary: 'Change a team.', body: teamBody }, (deps, { caller, body }) =>
    updateTeam(deps, caller, body),
  ),
  patch('/team/{team_id}', 'team-admin', { summary: 'Change a team.', body: teamBody }, (deps, { caller, body, param }) =>
    updateTeam(deps, caller, body, param('team_id')),
  ),
  post(
    '/team/delete',
    'org-admin',
    { summary: 'Delete teams with their keys and memberships.', body: teamDeletion },
    (deps, { caller, body }) => deleteTeams(deps, caller, body),
  ),
  get(
    '/team/info',
    'team-member',
    { summary: 'A team with keys and memberships.', query: ['team_id'] },
    (deps, { caller, query }) => teamInfo(deps, caller, query('team_id')),
  ),
  get('/team/list', 'team-member', { summary: 'Teams.', query: TEAM_LISTING }, (deps, { caller, query }) =>
    listTeams(deps, caller, query),
  ),
  get('/v2/team/list', 'team-member', { summary: 'Teams, page by page.', query: TEAM_PAGES }, (deps, { caller, query }) =>
    pageTeams(deps, caller, query),
  ),
  // Joining by oneself is something a team has to be offered for, and nothing offers one yet.
  get('/team/available', 'own', 'Teams that users may join by themselves: none.', async () => []),
  get('/team/metadata_schema', 'own', 'Fields that metadata of teams should have: none are laid down.', async () => ({
    fields: [],
  })),
  post('/team/block', 'org-admin', { summary: 'Block a team.', body: teamName }, (deps, { caller, body }) =>
    setTeamBlocked(deps, caller, body, true),
  ),
  post('/team/unblock', 'org-admin', { summary: 'Unblock a team.', body: teamName }, (deps, { caller, body }) =>
    setTeamBlocked(deps, caller, body, false),
  ),
  post(
    '/team/member_add',
    'team-admin',
    { summary: 'Add members, made where they are unknown.', body: teamMemberAddition },
    (deps, { caller, body }) => addTeamMembers(deps, caller, body),
  ),
  post(
    '/team/bulk_member_add',
    'team-admin',
    { summary: 'Add many members, or every user.', body: teamBulkAddition },
    (deps, { caller, body }) => bulkAddTeamMembers(deps, caller, body),
  ),
  post(
    '/team/member_update',
    'team-admin',
    { summary: 'Change role and limits of a member.', body: teamMemberChange },
    (deps, { caller, body }) => updateTeamMember(deps, caller, body),
  ),
  post(
    '/team/member_delete',
    'team-admin',
    { summary: 'Take a member out, with its keys for the team.', body: teamMemberDeletion },
    (deps, { caller, body }) => deleteTeamMember(deps, caller, body),
  ),
  get('/team/{team_id}/members/me', 'team-member', "The caller's own membership.", (deps, { caller, param }) =>
    ownMembership(deps, caller, param('team_id')),
  ),
  post(
    '/team/{team_id}/member/{user_id}/reset_spend',
    'team-admin',
    { summary: "Begin a member's budget windows anew.", body: spendReset },
    (deps, { caller, body, param }) => resetMemberSpend(deps, caller, { team: param('team_id'), user: param('user_id'), body }),
  ),
  post(
    '/team/reset_budget',
    'org-admin',
    { summary: 'Take back what a team spent in its budget windows. Logs and reports stay.', body: teamName },
    (deps, { caller, body }) => resetTeamBudget(deps, caller, body),
  ),
  get('/team/{team_id}/callback', 'team-member', 'Logging callbacks of a team: none.', (deps, { caller, param }) =>
    teamCallbacks(deps, caller, param('team_id')),
  ),
  post(
    '/team/{team_id}/callback',
    'team-admin',
    { summary: 'Refused: there are no logging callbacks.', body: teamCallback },
    (deps, { caller, body, param }) => addTeamCallback(deps, caller, param('team_id'), body),
  ),
  post(
    '/team/{team_id}/disable_logging',
    'team-admin',
    'Keep nothing of what is asked and answered for a team.',
    (deps, { caller, param }) => disableTeamLogging(deps, caller, param('team_id')),
  ),
  post(
    '/team/model/add',
    'org-admin',
    { summary: 'Let a team call more models.', body: teamModels },
    (deps, { caller, body }) => changeTeamModels(deps, caller, body, 'add'),
  ),
  post('/team/model/delete', 'org-admin', { summary: 'Take models from a team.', body: teamModels }, (deps, { caller, body }) =>
    changeTeamModels(deps, caller, body, 'delete'),
  ),
  get(
    '/team/permissions_list',
    'team-member',
    { summary: 'What members may do for the team.', query: ['team_id'] },
    (deps, { caller, query }) => teamPermissions(deps, caller, query('team_id')),
  ),
  post(
    '/team/permissions_update',
    'team-admin',
    { summary: 'Change what members may do for the team.', body: teamPermissionsChange },
    (deps, { caller, body }) => updateTeamPermissions(deps, caller, body),
  ),
  post(
    '/team/permissions_bulk_update',
    'admin',
    { summary: 'Let members of many teams do more.', body: permissionsOfTeams },
    (deps, { caller, body }) => addPermissions(deps, caller, body),
  ),
];
