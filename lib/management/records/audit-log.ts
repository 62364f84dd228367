/** What was changed, and by whom: `/audit`, and the history of what was deleted. */
import type { AuditEntry } from '../../domain/audit.ts';
import { allOf } from '../../domain/pages.ts';
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { pageOf } from './records.ts';

/** LiteLLM's names of the tables that hold records of a kind; kinds that LiteLLM does not have keep their own. */
const TABLES: Readonly<Record<string, string>> = {
  key: 'LiteLLM_VerificationToken',
  team: 'LiteLLM_TeamTable',
  user: 'LiteLLM_UserTable',
  invitation: 'LiteLLM_InvitationLink',
  organization: 'LiteLLM_OrganizationTable',
  project: 'LiteLLM_ProjectTable',
  customer: 'LiteLLM_EndUserTable',
  tag: 'LiteLLM_TagTable',
  budget: 'LiteLLM_BudgetTable',
  model: 'LiteLLM_ProxyModelTable',
  credential: 'LiteLLM_CredentialsTable',
  'access group': 'LiteLLM_AccessGroupTable',
  'team-member': 'LiteLLM_TeamMembership',
  'organization-member': 'LiteLLM_OrganizationMembership',
};

const tableOf = ({ kind }: AuditEntry): string => TABLES[kind] ?? kind;

const row = (entry: AuditEntry): JsonObject => ({
  id: entry.id,
  updated_at: new Date(entry.at).toISOString(),
  changed_by: entry.changedBy,
  changed_by_api_key: entry.keyHash,
  action: entry.action,
  table_name: tableOf(entry),
  object_id: entry.recordId,
  before_value: entry.before ?? null,
  updated_values: entry.after ?? null,
});

/** What `/audit` filters by, as query parameters have it. */
export interface AuditFilter {
  readonly page?: string;
  readonly pageSize?: string;
  readonly changedBy?: string;
  readonly changedByApiKey?: string;
  readonly action?: string;
  readonly tableName?: string;
  readonly objectId?: string;
  readonly startDate?: string;
  readonly endDate?: string;
}

const DAY_MS = 86_400_000;

/**
 * `GET /audit`: changes, newest first.
 *
 * @throws GatewayError `invalid_request`
 */
export async function listAudit(deps: ManagementDeps, filter: AuditFilter): Promise<JsonObject> {
  const from = momentOf(filter.startDate, 'start_date', 0) ?? 0;
  const to = momentOf(filter.endDate, 'end_date', DAY_MS) ?? Infinity;
  const found: AuditEntry[] = [];
  for await (const entry of allOf((page) => deps.audit.list(page))) {
    if (entry.at < from) break;
    if (entry.at < to && matches(entry, filter)) found.push(entry);
  }
  const { items, total, page, size, pages } = pageOf(found, { page: filter.page, size: filter.pageSize }, { initial: 10 });
  return { audit_logs: items.map(row), total, page, page_size: size, total_pages: pages };
}

const matches = (entry: AuditEntry, filter: AuditFilter): boolean =>
  [
    [filter.changedBy, entry.changedBy],
    [filter.changedByApiKey, entry.keyHash],
    [filter.action, entry.action],
    [filter.tableName, filter.tableName === entry.kind ? entry.kind : tableOf(entry)],
    [filter.objectId, entry.recordId],
  ].every(([asked, has]) => asked === undefined || asked === has);

/** A date or time as milliseconds since the epoch; a bare date as the end of a range means the end of that day. */
function momentOf(given: string | undefined, param: string, wholeDay: number): number | undefined {
  if (given === undefined) return undefined;
  const moment = Date.parse(given);
  if (Number.isNaN(moment)) {
    throw new GatewayError(
      'invalid_request',
      `${param}: expected a date or time such as 2026-11-28, got "${given.slice(0, 40)}"`,
      {
        param,
      },
    );
  }
  return /^\d{4}-\d\d-\d\d$/.test(given) ? moment + wholeDay : moment;
}

/**
 * `GET /audit/{id}`.
 *
 * @throws GatewayError `not_found`
 */
export async function readAudit(deps: ManagementDeps, id: string): Promise<JsonObject> {
  const entry = await deps.audit.get(id);
  if (entry === undefined)
    throw new GatewayError('not_found', `No audit row '${id.slice(0, 80)}': not found.`, { param: 'id' });
  return row(entry);
}
