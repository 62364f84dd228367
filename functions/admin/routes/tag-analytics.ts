/** `/tag/dau`, `/tag/summary` and their like: who used what, by tag and client program. */
import { defined } from '../../../lib/kinds/json.ts';
import {
  activeUsers,
  distinctTags,
  perUserAnalytics,
  tagSummary,
  type Period,
  type TagFilter,
} from '../../../lib/management/spend/tag-analytics.ts';
import type { AdminCall } from '../call.ts';
import { get, type AdminRoute } from '../route.ts';

type Query = AdminCall['query'];

const TAGS = ['tag_filter', 'tag_filters'];
const tagsIn = (query: Query): TagFilter => defined({ tagFilter: query('tag_filter'), tagFilters: query('tag_filters') });

const active = (path: string, period: Period, summary: string): AdminRoute =>
  get(path, 'viewer', { summary, query: TAGS }, (deps, { query }) => activeUsers(deps, period, tagsIn(query)));

/** Routes of who used what. */
export const TAG_ANALYTICS_ROUTES: readonly AdminRoute[] = [
  get('/tag/distinct', 'viewer', 'Tags and client programs there were calls of.', (deps) => distinctTags(deps)),
  active('/tag/dau', 'day', 'Users by tag on each of the last seven days.'),
  active('/tag/wau', 'week', 'Users by tag in each of the last seven weeks.'),
  active('/tag/mau', 'month', 'Users by tag in each of the last seven spans of thirty days.'),
  get(
    '/tag/summary',
    'viewer',
    { summary: 'Calls and users by tag.', query: ['start_date', 'end_date', ...TAGS] },
    (deps, { query }) =>
      tagSummary(deps, tagsIn(query), defined({ startDate: query('start_date'), endDate: query('end_date') })),
  ),
  get(
    '/tag/user-agent/per-user-analytics',
    'viewer',
    { summary: 'Calls by user, the last thirty days.', query: [...TAGS, 'page', 'page_size'] },
    (deps, { query }) => perUserAnalytics(deps, tagsIn(query), { page: query('page'), size: query('page_size') }),
  ),
];
