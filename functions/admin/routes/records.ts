/** Records besides keys, users and teams: projects, customers, budgets, tags, access groups; and the audit log. */
import { defined } from '../../../lib/kinds/json.ts';
import {
  accessGroupInfo,
  deleteAccessGroup,
  groupBody,
  listAccessGroups,
  listUnifiedGroups,
  modelsBody,
  newAccessGroup,
  newUnifiedGroup,
  unifiedBody,
  unifiedChange,
  unifiedGroup,
  updateAccessGroup,
  updateUnifiedGroup,
} from '../../../lib/management/records/access-groups.ts';
import { listAudit, readAudit } from '../../../lib/management/records/audit-log.ts';
import {
  blockedBody,
  CUSTOMER_LISTING,
  customerBody,
  customerInfo,
  customersBody,
  deleteCustomers,
  listCustomers,
  newCustomer,
  setCustomersBlocked,
  updateCustomer,
} from '../../../lib/management/records/customers.ts';
import {
  deleteProjects,
  listProjects,
  PROJECT_LISTING,
  newProject,
  projectBody,
  projectInfo,
  projectsBody,
  updateProject,
} from '../../../lib/management/records/projects.ts';
import {
  budgetBody,
  budgetDeletion,
  budgetInfo,
  budgetsBody,
  budgetSettings,
  deleteBudget,
  BUDGET_LISTING,
  listBudgets,
  newBudget,
  updateBudget,
} from '../../../lib/management/records/shared-budgets.ts';
import {
  deleteTag,
  TAG_LISTING,
  listTags,
  newTag,
  tagBody,
  tagDeletion,
  tagInfo,
  tagsBody,
  updateTag,
} from '../../../lib/management/records/tags.ts';
import { PAGING } from '../../../lib/management/records/records.ts';
import { del, get, post, put, type AdminRoute } from '../route.ts';

const PROJECTS: readonly AdminRoute[] = [
  post('/project/new', 'team-admin', { summary: 'Make a project.', body: projectBody }, (deps, { caller, body }) =>
    newProject(deps, caller, body),
  ),
  post('/project/update', 'team-admin', { summary: 'Change a project.', body: projectBody }, (deps, { caller, body }) =>
    updateProject(deps, caller, body),
  ),
  del('/project/delete', 'team-admin', { summary: 'Delete projects.', body: projectsBody }, (deps, { caller, body }) =>
    deleteProjects(deps, caller, body),
  ),
  get(
    '/project/info',
    'team-member',
    { summary: 'A project and where it stands.', query: ['project_id'] },
    (deps, { caller, query }) => projectInfo(deps, caller, query('project_id')),
  ),
  get('/project/list', 'team-member', { summary: 'Projects.', query: PROJECT_LISTING }, (deps, { caller, query }) =>
    listProjects(deps, caller, query),
  ),
];

/** LiteLLM calls customers end users as well. */
const CUSTOMERS: readonly AdminRoute[] = ['/customer', '/end_user'].flatMap((at) => [
  post(`${at}/new`, 'admin', { summary: 'Make a customer.', body: customerBody }, (deps, { caller, body }) =>
    newCustomer(deps, caller, body),
  ),
  post(`${at}/update`, 'admin', { summary: 'Change a customer.', body: customerBody }, (deps, { caller, body }) =>
    updateCustomer(deps, caller, body),
  ),
  get(`${at}/info`, 'viewer', { summary: 'A customer and where it stands.', query: ['end_user_id'] }, (deps, { query }) =>
    customerInfo(deps, query('end_user_id')),
  ),
  get(`${at}/list`, 'viewer', { summary: 'Customers.', query: CUSTOMER_LISTING }, (deps, { query }) =>
    listCustomers(deps, query),
  ),
  post(`${at}/delete`, 'admin', { summary: 'Delete customers.', body: customersBody }, (deps, { caller, body }) =>
    deleteCustomers(deps, caller, body),
  ),
  post(`${at}/block`, 'admin', { summary: 'Block customers.', body: blockedBody }, (deps, { caller, body }) =>
    setCustomersBlocked(deps, caller, body, true),
  ),
  post(`${at}/unblock`, 'admin', { summary: 'Unblock customers.', body: customersBody }, (deps, { caller, body }) =>
    setCustomersBlocked(deps, caller, body, false),
  ),
]);

const BUDGETS: readonly AdminRoute[] = [
  post('/budget/new', 'admin', { summary: 'Make a shared budget.', body: budgetBody }, (deps, { caller, body }) =>
    newBudget(deps, caller, body),
  ),
  post('/budget/update', 'admin', { summary: 'Change a shared budget.', body: budgetBody }, (deps, { caller, body }) =>
    updateBudget(deps, caller, body),
  ),
  post('/budget/info', 'viewer', { summary: 'Shared budgets by id.', body: budgetsBody }, (deps, { body }) =>
    budgetInfo(deps, body),
  ),
  get('/budget/list', 'viewer', { summary: 'Shared budgets.', query: BUDGET_LISTING }, (deps, { query }) =>
    listBudgets(deps, query),
  ),
  get('/budget/settings', 'viewer', { summary: 'Fields of a budget.', query: ['budget_id'] }, (deps, { query }) =>
    budgetSettings(deps, query('budget_id')),
  ),
  post('/budget/delete', 'admin', { summary: 'Delete a shared budget.', body: budgetDeletion }, (deps, { caller, body }) =>
    deleteBudget(deps, caller, body),
  ),
];

const TAGS: readonly AdminRoute[] = [
  post('/tag/new', 'admin', { summary: 'Make a tag.', body: tagBody }, (deps, { caller, body }) => newTag(deps, caller, body)),
  post('/tag/update', 'admin', { summary: 'Change a tag.', body: tagBody }, (deps, { caller, body }) =>
    updateTag(deps, caller, body),
  ),
  post('/tag/info', 'viewer', { summary: 'Tags by name.', body: tagsBody }, (deps, { body }) => tagInfo(deps, body)),
  get('/tag/list', 'viewer', { summary: 'Tags.', query: TAG_LISTING }, (deps, { query }) => listTags(deps, query)),
  post('/tag/delete', 'admin', { summary: 'Delete a tag.', body: tagDeletion }, (deps, { caller, body }) =>
    deleteTag(deps, caller, body),
  ),
];

const GROUPS: readonly AdminRoute[] = [
  post('/access_group/new', 'admin', { summary: 'Name a list of models.', body: groupBody }, (deps, { caller, body }) =>
    newAccessGroup(deps, caller, body),
  ),
  put(
    '/access_group/{name}/update',
    'admin',
    { summary: 'Change the models of a group.', body: modelsBody },
    (deps, { caller, body, param }) => updateAccessGroup(deps, caller, param('name'), body),
  ),
  get('/access_group/{name}/info', 'viewer', 'A group of models.', (deps, { param }) => accessGroupInfo(deps, param('name'))),
  get('/access_group/list', 'viewer', { summary: 'Groups of models.', query: PAGING }, (deps, { query }) =>
    listAccessGroups(deps, query),
  ),
  del('/access_group/{name}/delete', 'admin', 'Delete a group of models.', (deps, { caller, param }) =>
    deleteAccessGroup(deps, caller, param('name')),
  ),
  post('/v1/access_group', 'admin', { summary: 'Make an access group.', body: unifiedBody }, (deps, { caller, body }) =>
    newUnifiedGroup(deps, caller, body),
  ),
  get('/v1/access_group', 'viewer', { summary: 'Access groups.', query: PAGING }, (deps, { query }) =>
    listUnifiedGroups(deps, query),
  ),
  get('/v1/access_group/{id}', 'viewer', 'An access group.', (deps, { param }) => unifiedGroup(deps, param('id'))),
  put(
    '/v1/access_group/{id}',
    'admin',
    { summary: 'Change an access group.', body: unifiedChange },
    (deps, { caller, body, param }) => updateUnifiedGroup(deps, caller, param('id'), body),
  ),
  del('/v1/access_group/{id}', 'admin', 'Delete an access group.', (deps, { caller, param }) =>
    deleteAccessGroup(deps, caller, param('id')),
  ),
];

const AUDIT_QUERY = [
  'page',
  'page_size',
  'changed_by',
  'changed_by_api_key',
  'action',
  'table_name',
  'object_id',
  'start_date',
  'end_date',
];

const AUDIT: readonly AdminRoute[] = [
  get('/audit', 'viewer', { summary: 'Changes, newest first.', query: AUDIT_QUERY }, (deps, { query }) =>
    listAudit(
      deps,
      defined({
        page: query('page'),
        pageSize: query('page_size'),
        changedBy: query('changed_by'),
        changedByApiKey: query('changed_by_api_key'),
        action: query('action'),
        tableName: query('table_name'),
        objectId: query('object_id'),
        startDate: query('start_date'),
        endDate: query('end_date'),
      }),
    ),
  ),
  get('/audit/{id}', 'viewer', 'One change.', (deps, { param }) => readAudit(deps, param('id'))),
];

/** Routes of these records. */
export const RECORD_ROUTES: readonly AdminRoute[] = [...PROJECTS, ...CUSTOMERS, ...BUDGETS, ...TAGS, ...GROUPS, ...AUDIT];
