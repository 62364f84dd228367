/** `/organization/...` */
import {
  addOrganizationMembers,
  deleteOrganizationMember,
  deleteOrganizations,
  listOrganizations,
  newOrganization,
  ORGANIZATION_LISTING,
  organizationBody,
  organizationDeletion,
  organizationInfo,
  organizationInfos,
  organizationMemberAddition,
  organizationMemberChange,
  organizationMemberDeletion,
  organizationNames,
  updateOrganization,
  updateOrganizationMember,
} from '../../../lib/management/people/organizations.ts';
import { del, get, patch, post, type AdminRoute } from '../route.ts';

/** Routes of organizations. */
export const ORGANIZATION_ROUTES: readonly AdminRoute[] = [
  post('/organization/new', 'admin', { summary: 'Make an organization.', body: organizationBody }, (deps, { caller, body }) =>
    newOrganization(deps, caller, body),
  ),
  patch(
    '/organization/update',
    'org-admin',
    { summary: 'Change an organization.', body: organizationBody },
    (deps, { caller, body }) => updateOrganization(deps, caller, body),
  ),
  del(
    '/organization/delete',
    'admin',
    { summary: 'Delete organizations with their teams, keys and memberships.', body: organizationDeletion },
    (deps, { caller, body }) => deleteOrganizations(deps, caller, body),
  ),
  get(
    '/organization/list',
    'org-member',
    { summary: 'Organizations.', query: ORGANIZATION_LISTING },
    (deps, { caller, query }) => listOrganizations(deps, caller, query),
  ),
  get(
    '/organization/info',
    'org-member',
    { summary: 'An organization with members and teams.', query: ['organization_id'] },
    (deps, { caller, query }) => organizationInfo(deps, caller, query('organization_id')),
  ),
  post(
    '/organization/info',
    'org-member',
    { summary: 'Organizations by id.', body: organizationNames },
    (deps, { caller, body }) => organizationInfos(deps, caller, body),
  ),
  post(
    '/organization/member_add',
    'org-admin',
    { summary: 'Add members, made where they are unknown.', body: organizationMemberAddition },
    (deps, { caller, body }) => addOrganizationMembers(deps, caller, body),
  ),
  patch(
    '/organization/member_update',
    'org-admin',
    { summary: 'Change role and limits of a member.', body: organizationMemberChange },
    (deps, { caller, body }) => updateOrganizationMember(deps, caller, body),
  ),
  del(
    '/organization/member_delete',
    'org-admin',
    { summary: 'Take a member out.', body: organizationMemberDeletion },
    (deps, { caller, body }) => deleteOrganizationMember(deps, caller, body),
  ),
];
