/** `GET /spend/keys`, `/spend/users`, `/spend/teams`: who has spent what, the dearest first. */
import { scopeOf, type VirtualKey } from '../../domain/key.ts';
import { toUsdNumber, type Money } from '../../domain/money.ts';
import { netSpend, NO_TOTAL } from '../../domain/total.ts';
import type { Limits } from '../../domain/limits.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { livesOf } from './day-totals.ts';
import type { ManagementDeps } from '../deps.ts';
import { keyRow, standingOf } from '../keys/key-answer.ts';
import { select } from '../records/records.ts';

/** Most rows of one answer. */
const MOST = 1_000;
/** Keys whose figures are read at once. */
const AT_ONCE = 32;

const usdOf = (amount: Money | undefined): number | null => (amount === undefined ? null : toUsdNumber(amount));

/** Fields of limits that lists of owners show. */
const limitsOf = ({ maxBudget, budgetDuration, tpmLimit, rpmLimit }: Limits): JsonObject => ({
  max_budget: usdOf(maxBudget),
  budget_duration: budgetDuration ?? null,
  tpm_limit: tpmLimit ?? null,
  rpm_limit: rpmLimit ?? null,
});

const dearestFirst = (rows: JsonObject[], by: string): readonly JsonObject[] =>
  rows.toSorted((one, other) => Number(other[by]) - Number(one[by])).slice(0, MOST);

/** Keys as `/key/info` shows them, by what they spent in their lives. */
export async function spendKeys(deps: ManagementDeps): Promise<readonly JsonObject[]> {
  const keys = await select(deps.keys, ({ supersededBy }) => supersededBy === undefined);
  const lives = await livesOf(deps, 'key');
  const spendOf = (key: VirtualKey): Money => netSpend(lives.get(scopeOf(key).id) ?? NO_TOTAL);
  const dearest = keys.toSorted((one, other) => Number(spendOf(other) - spendOf(one))).slice(0, MOST);
  const rows: JsonObject[] = [];
  for (let first = 0; first < dearest.length; first += AT_ONCE) {
    const some = dearest.slice(first, first + AT_ONCE);
    rows.push(...(await Promise.all(some.map(async (key) => keyRow(key, await standingOf(deps, key))))));
  }
  return rows;
}

/** Users by what their keys spent; one of them where asked. A user without a record has an id only. */
export async function spendUsers(deps: ManagementDeps, userId?: string): Promise<readonly JsonObject[]> {
  const lives = await livesOf(deps, 'user');
  const ids = userId === undefined ? [...lives.keys()] : [userId];
  const rows = await Promise.all(
    ids.map(async (id) => {
      const user = await deps.users.get(id);
      const { spend, requests } = lives.get(id) ?? NO_TOTAL;
      return {
        user_id: id,
        user_alias: user?.alias ?? null,
        user_email: user?.email ?? null,
        user_role: user?.role ?? null,
        spend: toUsdNumber(spend),
        requests,
        models: user?.models ?? [],
        teams: user?.teams ?? [],
        ...limitsOf(user ?? { budgetAnchor: 0 }),
      };
    }),
  );
  return dearestFirst(rows, 'spend');
}

/** Teams by what their keys spent. */
export async function spendTeams(deps: ManagementDeps): Promise<readonly JsonObject[]> {
  const lives = await livesOf(deps, 'team');
  const rows = await Promise.all(
    [...lives].map(async ([id, total]) => {
      const team = await deps.teams.get(id);
      return {
        team_id: id,
        team_alias: team?.alias ?? null,
        organization_id: team?.organizationId ?? null,
        spend: toUsdNumber(netSpend(total)),
        requests: total.requests,
        ...limitsOf(team ?? { budgetAnchor: 0 }),
      };
    }),
  );
  return dearestFirst(rows, 'spend');
}
