/**
 * Windows of limits. A window is part of a meter's id, so a budget resets by the clock alone: nobody has to be there when it turns.
 * Windows of one limit tile time: each starts where the one before it ended, always counted from the anchor, so none drifts.
 */
import { addDuration, parseDuration, type Duration } from './duration.ts';
import type { Window } from './meter.ts';

const MINUTE_MS = 60_000;
const WEEK_MS = 604_800_000;
/** Monday, 5 January 1970: the epoch was a Thursday. */
const FIRST_MONDAY = 4 * 86_400_000;
/** Day, hour, minute, second. */
const UNITS_MS = [86_400_000, 3_600_000, MINUTE_MS, 1_000];

/**
 * The window that holds the moment `now`. Times are milliseconds since the epoch.
 *
 * @param at.duration Length as the operator wrote it (`30d`, `1mo`); absent means one window for good.
 * @param at.anchor Where windows begin to count.
 * @throws GatewayError `invalid_request` when the duration is none.
 * @example windowAt({ duration: '1d', anchor: 0, now: 90_000_000 }) // { name: '1d', start: 86_400_000, end: 172_800_000 }
 */
export function windowAt(at: {
  readonly duration?: string | undefined;
  readonly anchor: number;
  readonly now: number;
}): Window {
  const { duration, anchor, now } = at;
  if (duration === undefined) return { name: 'total', start: anchor };
  const length = parseDuration(duration, 'budget_duration');
  const index = indexAt(anchor, length, now);
  return { name: duration.trim(), start: addDuration(anchor, length, index), end: addDuration(anchor, length, index + 1) };
}

/** The minute of the clock that holds the moment: the window of request and token rates. */
export function minuteWindow(now: number): Window {
  const start = floorTo(now, MINUTE_MS);
  return { name: 'minute', start, end: start + MINUTE_MS };
}

/**
 * The anchor of calendar-aligned windows for a limit made at `now`: the first of the month (UTC) for months, Monday for whole weeks,
 * midnight for days, the full hour, minute or second for less. A `30d` window begins at midnight and is 30 days long; `1mo` is a month.
 *
 * @param duration Length as the operator wrote it (`1d`, `1mo`); absent means the life of the scope, from `now`.
 * @throws GatewayError `invalid_request` when the duration is none.
 * @example alignedAnchor('1w', Date.parse('2026-11-28T12:00:00Z')) === Date.parse('2026-11-23T00:00:00Z')
 */
export function alignedAnchor(duration: string | undefined, now: number): number {
  if (duration === undefined) return now;
  const length = parseDuration(duration, 'budget_duration');
  const date = new Date(now);
  if (length.type === 'months') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  if (length.ms % WEEK_MS === 0) return FIRST_MONDAY + floorTo(now - FIRST_MONDAY, WEEK_MS);
  return floorTo(now, UNITS_MS.find((unit) => length.ms % unit === 0) ?? 1);
}

const floorTo = (time: number, unit: number): number => Math.floor(time / unit) * unit;

/** How many whole windows lie between the anchor and the moment; negative before the anchor. */
function indexAt(anchor: number, length: Duration, now: number): number {
  if (length.type === 'fixed') return Math.floor((now - anchor) / length.ms);
  const from = new Date(anchor);
  const to = new Date(now);
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  const index = Math.floor(months / length.months);
  return addDuration(anchor, length, index) > now ? index - 1 : index;
}
