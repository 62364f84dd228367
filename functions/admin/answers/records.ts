/** Answers of `/project/...`, `/customer/...`, `/budget/...`, `/tag/...`, access groups and the audit log. */
import * as z from 'zod/mini';
import {
  answers,
  anything,
  component,
  count,
  facts,
  flag,
  list,
  map,
  message,
  moment,
  names,
  nothing,
  object,
  orNull,
  text,
  word,
  type Answers,
} from './fields.ts';
import { HISTORY, KEPT, LIMITS, OWN, PAGE, STANDING } from './limits.ts';

const { models, tags, metadata, team_id, organization_id } = OWN;

const PROJECT = {
  project_id: text('The project.', 'search'),
  project_alias: orNull(text('What people call it.', 'Search')),
  description: orNull(text('What for.', 'Search in the shop')),
  team_id,
  models,
  tags,
  blocked: flag('True: its keys are refused.'),
  metadata,
  ...KEPT,
  ...HISTORY,
};
const project = component('Project', 'A project and where it stands.', { ...PROJECT, ...STANDING });
const plainProject = component('PlainProject', 'A project without figures.', { ...PROJECT, ...LIMITS });

const CUSTOMER = {
  user_id: text('The customer, as clients name it.', 'customer-17'),
  alias: orNull(text('What people call it.', 'Blue Bikes')),
  blocked: flag('True: calls for it are refused.'),
  allowed_model_region: orNull(text('Region its calls are kept in.', 'eu')),
  default_model: orNull(text('Model of calls that name none.', 'gpt-4o-mini')),
  team_id,
  organization_id,
  metadata,
  ...KEPT,
  ...HISTORY,
};
const customer = component('Customer', 'A customer (end user) and where it stands.', { ...CUSTOMER, ...STANDING });
const plainCustomer = component('PlainCustomer', 'A customer without figures.', { ...CUSTOMER, ...LIMITS });

const CUSTOMERS: Answers = Object.fromEntries(
  ['/customer', '/end_user'].flatMap((at) => [
    [`POST ${at}/new`, answers(customer, 409)],
    [`POST ${at}/update`, answers(customer, 404, 409)],
    [`GET ${at}/info`, answers(customer, 404)],
    [`GET ${at}/list`, answers(list(customer))],
    [
      `POST ${at}/delete`,
      answers(
        object({ deleted_customers: count('How many.', 1), message: message('Successfully deleted customers with ids: ...') }),
        404,
      ),
    ],
    [`POST ${at}/block`, answers(object({ blocked_users: list(plainCustomer) }), 409)],
    [
      `POST ${at}/unblock`,
      answers(object({ unblocked_users: names('Customers that are no longer blocked.', 'customer-17') }), 404, 409),
    ],
  ]),
);

/** A shared budget. */
export const budget = component('Budget', 'A shared budget: limits of whoever refers to it.', {
  ...LIMITS,
  budget_id: text('The budget.', 'starter'),
  allowed_models: models,
  ...KEPT,
  ...HISTORY,
});

const TAG = {
  name: text('The tag.', 'prod'),
  description: orNull(text('What for.', 'Production')),
  models,
  team_id,
  organization_id,
  model_info: nothing('Deployments are named by `models`.'),
  ...KEPT,
  ...HISTORY,
};
const tag = component('Tag', 'A tag and where it stands.', { ...TAG, ...STANDING });

const group = component('ModelGroup', 'A name for a list of models.', {
  access_group: text('The name.', 'fast-models'),
  model_names: names('Its models.', 'gpt-4o-mini'),
});
const unified = component('AccessGroup', 'What keys and teams may be given as one.', {
  access_group_id: text('The group.', 'fast-models'),
  access_group_name: text('Its name.', 'Fast models'),
  description: orNull(text('What for.', 'Cheap and fast')),
  access_model_names: names('Its models.', 'gpt-4o-mini'),
  access_mcp_server_ids: names('There are no MCP servers.'),
  access_agent_ids: names('There are no agents.'),
  assigned_team_ids: names('Teams that have it.', 'platform'),
  assigned_key_ids: names('Hashes of keys that have it.'),
  ...HISTORY,
});
const groupDeletion = object({
  message: message('Access group fast-models deleted'),
  access_group: text('The group.', 'fast-models'),
});

const change = component('AuditLog', 'A change: who did what, when, and what it was before and after.', {
  id: text('Its id.', '01m81j19f8dze30g83hxzf1b2a'),
  updated_at: moment('When'),
  changed_by: text('Who.', 'ada'),
  changed_by_api_key: text('Hash of the key with which it was done, or `master`.', 'master'),
  action: word('What was done.', ['created', 'updated', 'deleted', 'blocked', 'unblocked', 'regenerated', 'rotated', 'read']),
  table_name: text("Kind of the record, as LiteLLM's table is called.", 'LiteLLM_TeamTable'),
  object_id: text('Id of the record.', 'platform'),
  before_value: orNull(facts('The record before; null where it was made. Secrets are masked.')),
  updated_values: orNull(facts('The record after; null where it was deleted. Secrets are masked.')),
});

/** By route. */
export const RECORD_ANSWERS: Answers = {
  'POST /project/new': answers(project, 404, 409),
  'POST /project/update': answers(project, 404, 409),
  'DELETE /project/delete': answers(list(plainProject), 404),
  'GET /project/info': answers(project, 404),
  'GET /project/list': answers(list(project)),
  ...CUSTOMERS,
  'POST /budget/new': answers(budget, 409),
  'POST /budget/update': answers(budget, 404, 409),
  'POST /budget/info': answers(list(budget)),
  'GET /budget/list': answers(list(budget)),
  'GET /budget/settings': answers(
    list(
      object({
        field_name: text('Field.', 'max_budget'),
        field_type: text('Its type in LiteLLM.', 'Float'),
        field_description: text('What it does.', 'Requests are refused once this is spent, USD.'),
        field_value: anything('Its value in the budget.', 1.5),
        stored_in_db: flag('Whether the budget has it.', true),
        field_default_value: nothing('Fields have no default.'),
      }),
    ),
    404,
  ),
  'POST /budget/delete': answers(budget, 404),
  'POST /tag/new': answers(object({ message: message('Tag prod created successfully'), tag }), 409),
  'POST /tag/update': answers(object({ message: message('Tag prod updated successfully'), tag }), 404, 409),
  'POST /tag/info': answers(map('The tags there are, by name.', tag)),
  'GET /tag/list': answers(list(tag)),
  'POST /tag/delete': answers(object({ message: message('Tag prod deleted successfully') }), 404),
  'POST /access_group/new': answers(group, 409),
  'PUT /access_group/{name}/update': answers(group, 404, 409),
  'GET /access_group/{name}/info': answers(group, 404),
  'GET /access_group/list': answers(object({ access_groups: list(group) })),
  'DELETE /access_group/{name}/delete': answers(groupDeletion, 404),
  'POST /v1/access_group': answers(unified, 404, 409),
  'GET /v1/access_group': answers(list(unified)),
  'GET /v1/access_group/{id}': answers(unified, 404),
  'PUT /v1/access_group/{id}': answers(unified, 404, 409),
  'DELETE /v1/access_group/{id}': answers(groupDeletion, 404),
  'GET /audit': answers(z.strictObject({ audit_logs: list(change), ...PAGE })),
  'GET /audit/{id}': answers(change, 404),
};
