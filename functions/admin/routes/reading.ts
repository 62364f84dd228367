/** `/management/v1/...`: listings that are read on by cursors. Their rows are those of the listings by page. */
import { KEY_FILTERS, readKeys } from '../../../lib/management/keys/key-reading.ts';
import type { ManagementDeps } from '../../../lib/management/deps.ts';
import { readTeams, readUsers } from '../../../lib/management/people/people-reading.ts';
import { TEAM_FILTERS } from '../../../lib/management/people/team-list.ts';
import { USER_FILTERS } from '../../../lib/management/people/user-list.ts';
import { READING, type PageRequest } from '../../../lib/management/records/reading.ts';
import { BUDGET_FILTERS, readBudgets } from '../../../lib/management/records/shared-budgets.ts';
import type { Audience } from '../../../lib/management/rights.ts';
import { readSpendLogs } from '../../../lib/management/spend/spend-reading.ts';
import { get, type AdminRoute } from '../route.ts';
import { CALL_FILTERS, pageIn } from './spend.ts';

type Read = (deps: ManagementDeps, request: PageRequest) => Promise<unknown>;

const reading = (name: string, who: Audience, summary: string, filters: readonly string[], read: Read): AdminRoute => {
  const path = `/management/v1/${name}`;
  return get(path, who, { summary, query: [...filters, ...READING] }, (deps, call) => read(deps, { ...call, path }));
};

/** Routes of listings that are read on. */
export const READING_ROUTES: readonly AdminRoute[] = [
  reading('budgets', 'viewer', 'Shared budgets, newest first.', BUDGET_FILTERS, readBudgets),
  reading('keys', 'own', 'Keys the caller sees.', KEY_FILTERS, readKeys),
  reading('teams', 'team-member', 'Teams the caller sees.', TEAM_FILTERS, readTeams),
  reading('users', 'own', 'Users the caller sees.', USER_FILTERS, readUsers),
  reading('spend_logs', 'own', 'Calls the caller sees, newest first.', CALL_FILTERS, (deps, request) =>
    readSpendLogs(deps, request, CALL_FILTERS, pageIn(request.query)),
  ),
];
