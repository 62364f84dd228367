/** `/user/...` */
import {
  availableRoles,
  listUsers,
  USER_LISTING,
  USER_SEARCH,
  searchUsers,
  userInfo,
  userInfoV2,
} from '../../../lib/management/people/user-list.ts';
import {
  bulkUpdateUsers,
  deleteUsers,
  newUser,
  updateUser,
  userBody,
  userBulkChange,
  userChange,
  userDeletion,
} from '../../../lib/management/people/users.ts';
import { availableUsers } from '../../../lib/management/people/seats.ts';
import { get, post, type AdminRoute } from '../route.ts';

/** Routes of users. */
export const USER_ROUTES: readonly AdminRoute[] = [
  post('/user/new', 'org-admin', { summary: 'Make a user, and a key for it.', body: userBody }, (deps, { caller, body }) =>
    newUser(deps, caller, body),
  ),
  post('/user/update', 'own-change', { summary: 'Change a user.', body: userChange }, (deps, { caller, body }) =>
    updateUser(deps, caller, body),
  ),
  post('/user/bulk_update', 'admin', { summary: 'Change many users.', body: userBulkChange }, (deps, { caller, body }) =>
    bulkUpdateUsers(deps, caller, body),
  ),
  post(
    '/user/delete',
    'admin',
    { summary: 'Delete users with their keys and memberships.', body: userDeletion },
    (deps, { caller, body }) => deleteUsers(deps, caller, body),
  ),
  get('/user/info', 'own', { summary: 'A user with keys and teams.', query: ['user_id'] }, (deps, { caller, query }) =>
    userInfo(deps, caller, query('user_id')),
  ),
  get('/v2/user/info', 'own', { summary: 'A user.', query: ['user_id'] }, (deps, { caller, query }) =>
    userInfoV2(deps, caller, query('user_id')),
  ),
  get('/user/list', 'own', { summary: 'Users, page by page.', query: USER_LISTING }, (deps, { caller, query }) =>
    listUsers(deps, caller, query),
  ),
  get('/user/filter/ui', 'own', { summary: 'Users to choose from.', query: USER_SEARCH }, (deps, { caller, query }) =>
    searchUsers(deps, caller, query),
  ),
  get('/user/available_users', 'viewer', 'How many users and teams there are.', (deps) => availableUsers(deps)),
  get('/user/available_roles', 'own', 'Roles and what they may do.', async () => availableRoles()),
];
