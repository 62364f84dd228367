/** Durations as operators write them, in LiteLLM's form: `30s`, `30m`, `30h`, `30d`, `1w`, `1mo`. */
import { GatewayError } from '../errors.ts';

/** A length of time: milliseconds, or calendar months in UTC. */
export type Duration = { readonly type: 'fixed'; readonly ms: number } | { readonly type: 'months'; readonly months: number };

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);

/** The longest duration: a century, so that every moment computed from one stays a valid date. */
const LONGEST_MS = 36_525 * 86_400_000;
const LONGEST_MONTHS = 1200;

/**
 * @param param The request field the text came from, for the error.
 * @throws GatewayError `invalid_request` for anything that is no whole number above zero with a known unit, or is over a century.
 * @example parseDuration('30d') // { type: 'fixed', ms: 2_592_000_000 }
 */
export function parseDuration(text: string, param = 'duration'): Duration {
  const [, count = '', unit = ''] = /^(\d{1,15})(s|mo|m|h|d|w)$/.exec(text.trim()) ?? [];
  const number = Number(count);
  if (unit === 'mo' && number > 0 && number <= LONGEST_MONTHS) return { type: 'months', months: number };
  const ms = number * (UNIT_MS.get(unit) ?? 0);
  if (ms > 0 && ms <= LONGEST_MS) return { type: 'fixed', ms };
  throw new GatewayError(
    'invalid_request',
    `${param}: "${text.slice(0, 40)}" is no duration. Use a whole number above zero and a unit: s, m, h, d, w or mo ` +
      '(30s, 15m, 12h, 30d, 1w, 1mo), at most 100 years.',
    { param },
  );
}

/**
 * The moment `times` durations after `start` (before it when negative); milliseconds since the epoch. Months are counted from `start`
 * itself and a day the month lacks becomes its last one: the 31st of January, plus one month, is the end of February, plus two the
 * 31st of March.
 */
export function addDuration(start: number, duration: Duration, times = 1): number {
  if (duration.type === 'fixed') return start + duration.ms * times;
  const date = new Date(start);
  const month = date.getUTCMonth() + duration.months * times;
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  const day = Math.min(date.getUTCDate(), lastDay);
  const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  return Date.UTC(date.getUTCFullYear(), month, day) + (start - midnight);
}
