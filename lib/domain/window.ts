/**
 * Windows of limits. A window is part of a meter's id, so a budget resets by the clock alone: nobody has to be there when it turns.
 * Windows of one limit tile time: each starts where the one before it ended, always counted from the anchor, so none drifts.
 */
import { addDuration, parseDuration, type Duration } from './duration.ts';
import type { Window } from './meter.ts';

const MINUTE_MS = 60_000;

/** What a limit says of its windows. */
export interface WindowRule {
  /** Length as the operator wrote it (`30d`, `1mo`); absent means one window for good. */
  readonly duration?: string | undefined;
  /** Where windows begin to count, milliseconds since the epoch. */
  readonly anchor: number;
}

/**
 * The window that holds the moment `now`.
 *
 * @throws GatewayError `invalid_request` when the duration is none.
 * @example windowAt({ duration: '1d', anchor: 0 }, 90_000_000) // { name: '1d', start: 86_400_000, end: 172_800_000 }
 */
export function windowAt({ duration, anchor }: WindowRule, now: number): Window {
  if (duration === undefined) return { name: 'total', start: anchor };
  const length = parseDuration(duration, 'budget_duration');
  const index = indexAt(anchor, length, now);
  return { name: duration.trim(), start: addDuration(anchor, length, index), end: addDuration(anchor, length, index + 1) };
}

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
