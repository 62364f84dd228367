/** `/spend/...`, `/global/...`, `/team/daily/activity`, `/team/spend/report` and their like: what was spent, on what, by whom. */
import { defined } from '../../../lib/kinds/json.ts';
import { GatewayError } from '../../../lib/errors.ts';
import type { Caller } from '../../../lib/exchange.ts';
import { isObject, type JsonObject } from '../../../lib/kinds/json.ts';
import { isViewer, ownKey } from '../../../lib/management/access.ts';
import { dailyActivity, type ActivityKind } from '../../../lib/management/spend/activity.ts';
import { bodiesOf } from '../../../lib/management/spend/bodies.ts';
import { spendFacet, SPAN, type Facet } from '../../../lib/management/spend/facets.ts';
import { deploymentExceptions, globalExceptions } from '../../../lib/management/spend/exceptions.ts';
import { Table, unfold } from '../../../lib/management/spend/export.ts';
import {
  allCustomers,
  allTags,
  globalActivity,
  globalActivityModels,
  globalCacheHits,
  globalSpend,
  globalSpendCustomers,
  globalSpendKeys,
  globalSpendLogs,
  globalSpendModels,
  globalSpendProviders,
  globalSpendTags,
  globalSpendTeams,
  spendTags,
} from '../../../lib/management/spend/global-spend.ts';
import { spendKeys, spendTeams, spendUsers } from '../../../lib/management/spend/spend-lists.ts';
import { spendExport, spendPage, type PagedSpendQuery } from '../../../lib/management/spend/spend-pages.ts';
import { predictInput, predictSpend } from '../../../lib/management/spend/predict.ts';
import { globalReset, resetGlobalSpend } from '../../../lib/management/spend/spend-reset.ts';
import { globalReport, scopeReport, type ReportQuery } from '../../../lib/management/spend/spend-report.ts';
import { spendLogs } from '../../../lib/management/spend/spend.ts';
import type { AdminCall } from '../call.ts';
import { get, post, type AdminRoute, type Answer } from '../route.ts';

type Query = AdminCall['query'];

const OWNERS = ['api_key', 'user_id', 'team_id', 'organization_id', 'project_id', 'end_user', 'tag', 'session_id'];
const DAYS = ['start_date', 'end_date'];
const LOGS = ['request_id', ...OWNERS, ...DAYS, 'model', 'status_filter'];
/** Filters of calls by page. */
export const CALL_FILTERS: readonly string[] = [...LOGS, 'key_alias', 'min_spend', 'max_spend'];
const PAGES = [...CALL_FILTERS, 'page', 'page_size', 'sort_by', 'sort_order'];

const daysIn = (query: Query) => ({ startDate: query('start_date'), endDate: query('end_date') });

const callsIn = (query: Query) => ({
  requestId: query('request_id'),
  apiKey: query('api_key'),
  userId: query('user_id'),
  teamId: query('team_id'),
  organizationId: query('organization_id'),
  projectId: query('project_id'),
  endUser: query('end_user'),
  tag: query('tag'),
  sessionId: query('session_id'),
  model: query('model'),
  status: query('status_filter'),
  ...daysIn(query),
});

/** What a page of calls is asked by. */
export const pageIn = (query: Query): PagedSpendQuery =>
  defined({
    ...callsIn(query),
    keyAlias: query('key_alias'),
    minSpend: query('min_spend'),
    maxSpend: query('max_spend'),
    page: query('page'),
    pageSize: query('page_size'),
    sortBy: query('sort_by'),
    sortOrder: query('sort_order'),
  });

/** True where a table is asked for: `?format=csv`. */
function wantsTable(query: Query): boolean {
  const format = query('format') ?? 'json';
  if (format !== 'json' && format !== 'csv') {
    throw new GatewayError('invalid_request', 'format: expected json or csv', { param: 'format' });
  }
  return format === 'csv';
}

/** A report that can be had as a table too. */
const report =
  (name: string, answer: Answer, rows: (value: unknown) => readonly JsonObject[] = rowsIn): Answer =>
  async (deps, call) => {
    const isTable = wantsTable(call.query);
    const value = await answer(deps, call);
    return isTable ? new Table(`${name}.csv`, rows(value)) : value;
  };

/** The rows of a report: itself, its days with their figures, or the one object it is. */
function rowsIn(value: unknown): readonly JsonObject[] {
  if (Array.isArray(value)) return value as readonly JsonObject[];
  const results = isObject(value) ? (value['results'] as readonly JsonObject[] | undefined) : undefined;
  if (results === undefined) return [value as JsonObject];
  return results.map(({ date, metrics }) => ({ date, ...(metrics as JsonObject) }));
}

/** Spend by group, key and model has a row for each of these. */
const unfolded = (value: unknown): readonly JsonObject[] => rowsIn(value).flatMap(unfold);

const page = (path: string): AdminRoute =>
  get(
    path,
    'own',
    { summary: 'Calls by page, filtered and sorted.', query: [...PAGES, 'format'] },
    async (deps, { caller, query }) =>
      wantsTable(query)
        ? new Table('spend-logs.csv', await spendExport(deps, caller, pageIn(query)))
        : spendPage(deps, caller, pageIn(query)),
  );

const facet = (name: Facet, whom: string): AdminRoute =>
  get(
    `/management/v1/spend_logs/${name}`,
    'own',
    { summary: `${whom} there are calls of in a span of time.`, query: [...SPAN, 'q', 'page', 'page_size'] },
    (deps, { caller, query }) =>
      spendFacet(
        deps,
        caller,
        name,
        defined({
          from: query(SPAN[0]),
          to: query(SPAN[1]),
          q: query('q'),
          page: query('page'),
          pageSize: query('page_size'),
        }),
      ),
  );

/** Names of the query by which a report of days is told what it is about. */
const ACTIVITIES: readonly (readonly [path: string, kind: ActivityKind, ids: string, exclude: string])[] = [
  ['user', 'user', 'user_id', 'exclude_user_ids'],
  ['team', 'team', 'team_ids', 'exclude_team_ids'],
  ['organization', 'organization', 'organization_ids', 'exclude_organization_ids'],
  ['customer', 'customer', 'end_user_ids', 'exclude_end_user_ids'],
  ['end_user', 'customer', 'end_user_ids', 'exclude_end_user_ids'],
  ['project', 'project', 'project_ids', 'exclude_project_ids'],
  ['tag', 'tag', 'tags', 'exclude_tags'],
];

const activities: readonly AdminRoute[] = ACTIVITIES.flatMap(([path, kind, ids, exclude]) =>
  [false, true].map((aggregated) =>
    get(
      `/${path}/daily/activity${aggregated ? '/aggregated' : ''}`,
      'own',
      {
        summary: `Days of ${kind}s, broken down by model, provider, route, client program and key.`,
        query: [...DAYS, ids, exclude, 'model', 'api_key', 'page', 'page_size', 'format'],
      },
      report(`${path}-activity`, (deps, { caller, query }) =>
        dailyActivity(
          deps,
          caller,
          kind,
          defined({
            ...daysIn(query),
            ids: query(ids),
            exclude: query(exclude),
            model: query('model'),
            apiKey: query('api_key'),
            page: query('page'),
            pageSize: query('page_size'),
          }),
          aggregated,
        ),
      ),
    ),
  ),
);

/** A key of a team asks for its team without naming it. */
const ownTeam = (caller: Caller): string | undefined => (isViewer(caller) ? undefined : ownKey(caller)?.teamId);

const reportIn = (query: Query): ReportQuery =>
  defined({
    ...daysIn(query),
    groupBy: query('group_by'),
    apiKey: query('api_key'),
    userId: query('internal_user_id') ?? query('user_id'),
    teamId: query('team_id'),
    organizationId: query('organization_id'),
    endUser: query('customer_id'),
  });

const REPORT = [...DAYS, 'api_key', 'internal_user_id', 'team_id', 'organization_id', 'customer_id', 'format'];

const reports: readonly AdminRoute[] = ['key', 'user', 'team', 'organization'].map((scope) =>
  get(
    `/${scope}/spend/report`,
    'own',
    { summary: 'Spend by key and model.', query: REPORT },
    report(
      `${scope}-spend`,
      (deps, { caller, query }) =>
        scopeReport(deps, caller, {
          ...(scope === 'team' ? defined({ teamId: ownTeam(caller) }) : {}),
          ...reportIn(query),
        }),
      unfolded,
    ),
  ),
);

/** Routes of what was spent. */
export const SPEND_ROUTES: readonly AdminRoute[] = [
  get(
    '/spend/logs',
    'own',
    { summary: 'Entries of the ledger, or their sums by day.', query: [...LOGS, 'summarize', 'format'] },
    report('spend-logs', (deps, { caller, query }) =>
      spendLogs(deps, caller, defined({ ...callsIn(query), summarize: query('summarize') })),
    ),
  ),
  page('/spend/logs/v2'),
  page('/spend/logs/ui'),
  page('/spend/logs/session/ui'),
  get('/spend/logs/ui/{id}', 'admin', 'Request and answer of a call, where they were kept.', (deps, { caller, param }) =>
    bodiesOf(deps, caller, param('id')),
  ),
  facet('users', 'Users'),
  facet('end_users', 'Customers'),
  get('/spend/keys', 'viewer', { summary: 'Keys by spend.', query: ['format'] }, report('keys', spendKeys)),
  get(
    '/spend/users',
    'viewer',
    { summary: 'Users by spend.', query: ['user_id', 'format'] },
    report('users', (deps, { query }) => spendUsers(deps, query('user_id'))),
  ),
  get('/spend/teams', 'viewer', { summary: 'Teams by spend.', query: ['format'] }, report('teams', spendTeams)),
  get(
    '/spend/tags',
    'viewer',
    { summary: 'Tags by spend.', query: [...DAYS, 'format'] },
    report('tags', (deps, { query }) => spendTags(deps, defined(daysIn(query)))),
  ),
  post(
    '/global/spend/reset',
    'admin',
    { summary: 'Take back what every key and team spent. Logs and reports stay.', body: globalReset },
    (deps, { caller, body }) => resetGlobalSpend(deps, caller, body),
  ),
  post(
    '/global/spend/refresh',
    'admin',
    'Nothing to do: what LiteLLM keeps in a view of its database follows the ledger here.',
    async () => ({ message: 'Nothing to refresh: totals follow the ledger by themselves.', status: 'success' }),
  ),
  // A budget of a provider would be a rule of routing, and there is none.
  get('/provider/budgets', 'viewer', 'Budgets of providers: none.', async () => ({ providers: {} })),
  get('/global/predict/spend/logs', 'own', 'What the days to the end of this month will cost.', (deps, { caller }) =>
    predictSpend(deps, caller, {}),
  ),
  post(
    '/global/predict/spend/logs',
    'own',
    { summary: 'The same, from the days that are given.', body: predictInput },
    (deps, { caller, body }) => predictSpend(deps, caller, body),
  ),
  get('/global/spend', 'own', 'Spend of everything the caller may see.', (deps, { caller }) => globalSpend(deps, caller)),
  get(
    '/global/spend/logs',
    'own',
    { summary: 'Spend by day, the last thirty days.', query: ['api_key', 'format'] },
    report('spend-by-day', (deps, { caller, query }) => globalSpendLogs(deps, caller, query('api_key'))),
  ),
  get(
    '/global/spend/keys',
    'own',
    { summary: 'Keys by spend, the last thirty days.', query: ['limit', 'format'] },
    report('spend-by-key', (deps, { caller, query }) => globalSpendKeys(deps, caller, query('limit'))),
  ),
  get('/global/spend/teams', 'viewer', 'Teams by day, the last thirty days.', (deps) => globalSpendTeams(deps)),
  post('/global/spend/end_users', 'viewer', 'Customers by spend.', (deps, { caller, body }) =>
    globalSpendCustomers(deps, caller, body),
  ),
  get('/global/all_end_users', 'viewer', 'Every customer there was a call for.', (deps) => allCustomers(deps)),
  get(
    '/global/spend/models',
    'own',
    { summary: 'Models by spend, the last thirty days.', query: ['limit', 'format'] },
    report('spend-by-model', (deps, { caller, query }) => globalSpendModels(deps, caller, query('limit'))),
  ),
  get(
    '/global/spend/provider',
    'own',
    { summary: 'Providers by spend.', query: [...DAYS, 'format'] },
    report('spend-by-provider', (deps, { caller, query }) => globalSpendProviders(deps, caller, defined(daysIn(query)))),
  ),
  get(
    '/global/spend/report',
    'own',
    { summary: 'Spend by day and team or customer, or by key and model.', query: ['group_by', ...REPORT] },
    report('spend-report', (deps, { caller, query }) => globalReport(deps, caller, reportIn(query)), unfolded),
  ),
  get('/global/spend/all_tag_names', 'viewer', 'Every tag there is spend of.', (deps) => allTags(deps)),
  get('/global/spend/tags', 'viewer', { summary: 'Tags by spend.', query: [...DAYS, 'tags'] }, (deps, { query }) =>
    globalSpendTags(deps, defined({ ...daysIn(query), tags: query('tags') })),
  ),
  get('/global/activity', 'own', { summary: 'Requests and tokens by day.', query: DAYS }, (deps, { caller, query }) =>
    globalActivity(deps, caller, defined(daysIn(query))),
  ),
  get(
    '/global/activity/model',
    'own',
    { summary: 'Requests and tokens by model and day.', query: DAYS },
    (deps, { caller, query }) => globalActivityModels(deps, caller, defined(daysIn(query))),
  ),
  get(
    '/global/activity/cache_hits',
    'own',
    { summary: 'Requests by day that a cache answered, and that a model did.', query: DAYS },
    (deps, { caller, query }) => globalCacheHits(deps, caller, defined(daysIn(query))),
  ),
  get(
    '/global/activity/exceptions',
    'viewer',
    { summary: 'Calls of a model that ended with 429, by day.', query: [...DAYS, 'model_group'] },
    (deps, { query }) => globalExceptions(deps, query('model_group'), defined(daysIn(query))),
  ),
  get(
    '/global/activity/exceptions/deployment',
    'viewer',
    { summary: 'The same by deployment.', query: [...DAYS, 'model_group'] },
    (deps, { query }) => deploymentExceptions(deps, query('model_group'), defined(daysIn(query))),
  ),
  ...reports,
  ...activities,
];
