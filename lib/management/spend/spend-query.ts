/** What spend routes ask for: dates, pages, keys, and whose figures a caller may see. */
import { hashSecret, scopeOf } from '../../domain/key.ts';
import type { Scope } from '../../domain/meter.ts';
import { dayOf, EVERYTHING, type TotalScope } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { isViewer, managesOrganization, ownScope, requireSelf, requireViewer, seesWorkOf, userIdOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;
/** Longest range of a report, days: a year and a day. */
const MOST_DAYS = 366;

const invalid = (param: string, message: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${message}`, { param });

/**
 * Milliseconds of a date or a date and time, UTC where no zone is named; a bare date is taken `wholeDay` later.
 *
 * @throws GatewayError `invalid_request` for what is none.
 */
export function timeOf(value: string | undefined, param: string, wholeDay = 0): number | undefined {
  if (value === undefined) return undefined;
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(value);
  const [, day, time, zone = 'Z'] = match ?? [];
  const at = Date.parse(time === undefined ? `${day}T00:00:00Z` : `${day}T${time}${zone}`);
  if (Number.isNaN(at)) throw invalid(param, 'expected a date such as 2026-11-22 or 2026-11-22T08:00:00Z');
  return time === undefined ? at + wholeDay : at;
}

/** The days of a report, both included: `2026-11-22`. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

/**
 * The days asked for.
 *
 * @throws GatewayError `invalid_request` when a date is missing or wrong, they are in the wrong order, or more than a year apart.
 */
export function daysOf(start: string | undefined, end: string | undefined): Days {
  const [from, to] = [timeOf(start, 'start_date'), timeOf(end, 'end_date')];
  if (from === undefined || to === undefined) throw invalid('start_date', 'give start_date and end_date, such as 2026-11-22');
  if (to < from) throw invalid('end_date', 'expected a day after start_date');
  if (to - from > MOST_DAYS * DAY_MS) throw invalid('start_date', `expected a range of at most ${MOST_DAYS} days`);
  return { from: dayOf(from), to: dayOf(to) };
}

/** The last thirty days, today included. */
export const lastDays = (now: number): Days => ({ from: dayOf(now - 29 * DAY_MS), to: dayOf(now) });

/** Names of a comma-separated list. */
export const namesIn = (value: string | undefined): readonly string[] =>
  (value ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/**
 * The owner in the ledger of a key, given as secret or hash. A deleted key is found by the hash it had when it was made.
 *
 * @throws GatewayError `permission` for another key than the caller's own, unless the caller may see all
 */
export async function keyScope(deps: ManagementDeps, caller: Caller, given: string): Promise<string> {
  const hash = given.startsWith('sk-') ? hashSecret(given) : given;
  if (ownScope(caller) !== hash) requireSelf(caller, hash);
  const key = await deps.keys.get(hash, { fresh: true });
  return key === undefined ? hash : scopeOf(key).id;
}

/** Whose figures are asked for; at most one of them, besides a key. */
export interface Asked {
  readonly userId?: string;
  readonly teamId?: string;
  readonly organizationId?: string;
  readonly projectId?: string;
  readonly endUser?: string;
  readonly tag?: string;
  readonly sessionId?: string;
  /** Secret or hash. */
  readonly apiKey?: string;
}

/**
 * The scope to read, the narrowest of those asked for, and the key its calls must be of, if any. Those who may see all see whatever they
 * ask for; others their own key, their user, teams that let them, and organizations they administer.
 *
 * @param route the permission that members of a team need
 * @throws GatewayError `permission`
 */
export async function scopeAsked(
  deps: ManagementDeps,
  caller: Caller,
  asked: Asked,
  route: '/spend/logs' | '/team/daily/activity' = '/spend/logs',
): Promise<{ readonly scope: Scope; readonly keyHash?: string }> {
  const keyHash = asked.apiKey === undefined ? undefined : await keyScope(deps, caller, asked.apiKey);
  const ofKey = keyHash === undefined ? {} : { keyHash };
  const own = ownScope(caller);
  const free = [
    ['session', asked.sessionId],
    ['customer', asked.endUser],
    ['tag', asked.tag],
    ['project', asked.projectId],
  ] as const;
  for (const [kind, id] of free) {
    // These belong to nobody: of their calls, others than viewers see those of their own key.
    if (id !== undefined) return { scope: { kind, id }, ...ofKey, ...(own === undefined ? {} : { keyHash: own }) };
  }
  if (asked.userId !== undefined) {
    if (userIdOf(caller) !== asked.userId) requireViewer(caller);
    return { scope: { kind: 'user', id: asked.userId }, ...ofKey };
  }
  if (asked.teamId !== undefined) {
    await requireTeam(deps, caller, asked.teamId, route);
    return { scope: { kind: 'team', id: asked.teamId }, ...ofKey };
  }
  if (asked.organizationId !== undefined) {
    if (!(await managesOrganization(deps, caller, asked.organizationId))) requireViewer(caller);
    return { scope: { kind: 'organization', id: asked.organizationId }, ...ofKey };
  }
  if (keyHash !== undefined) return { scope: { kind: 'key', id: keyHash } };
  return { scope: everythingOf(caller) };
}

/** Lets those pass who may see what a team does: a key of it that is nobody's counts as one. */
async function requireTeam(deps: ManagementDeps, caller: Caller, id: string, route: string): Promise<void> {
  const team = (await deps.teams.get(id, { fresh: true })) ?? { id, memberPermissions: [] };
  if (!(await seesWorkOf(deps, caller, team, route))) requireViewer(caller);
}

/** Everything a caller may see without asking for anything: viewers all there is, users their own, keys of nobody themselves. */
export function everythingOf(caller: Caller): TotalScope {
  if (isViewer(caller)) return EVERYTHING;
  const userId = userIdOf(caller);
  if (userId !== undefined) return { kind: 'user', id: userId };
  return { kind: 'key', id: ownScope(caller) ?? '' };
}
