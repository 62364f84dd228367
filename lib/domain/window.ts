/**
 * Windows of limits. A window is part of a meter's id, so a budget resets by the clock alone: nobody has to be there when it turns.
 * Windows of one limit tile time: each starts where the one before it ended, always counted from the anchor, so none drifts.
 */
import { addDuration, parseDuration, type Duration } from './duration.ts';
import type { VirtualKey } from './key.ts';
import type { Window } from './meter.ts';

const MINUTE_MS = 60_000;

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

/** The budget window of a key: the one its spend is counted in at `now`. */
export const budgetWindow = (key: Pick<VirtualKey, 'budgetAnchor' | 'budgetDuration'>, now: number): Window =>
  windowAt({ duration: key.budgetDuration, anchor: key.budgetAnchor, now });

/** The minute of the clock that holds the moment: the window of request and token rates. */
export function minuteWindow(now: number): Window {
  const start = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  return { name: 'minute', start, end: start + MINUTE_MS };
}

/** How many whole windows lie between the anchor and the moment; negative before the anchor. */
function indexAt(anchor: number, length: Duration, now: number): number {
  if (length.type === 'fixed') return Math.floor((now - anchor) / length.ms);
  const from = new Date(anchor);
  const to = new Date(now);
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  const index = Math.floor(months / length.months);
  return addDuration(anchor, length, index) > now ? index - 1 : index;
}
