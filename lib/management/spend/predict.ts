/** `/global/predict/spend/logs`: what the rest of the month will cost. */
import * as z from 'zod/mini';
import { formatUsd, toUsdNumber, type Money } from '../../domain/money.ts';
import { dayOf } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, usd } from '../input.ts';
import { rowsOf, sumBy } from './day-totals.ts';
import { forecast, type DaySpend } from './forecast.ts';
import { DAY_MS, everythingOf, lastDays } from './spend-query.ts';

/** Most days that may be given, and how far back they may lie. */
const MOST_DAYS = 366;

const manyDays = `expected at most ${MOST_DAYS} days`;

/** Body of `POST /global/predict/spend/logs`: days as `/global/spend/logs` tells them. */
export const predictInput = z.object({
  data: z.nullish(
    z
      .array(
        z.object({ date: z.iso.date('expected a day such as 2026-11-22'), spend: usd }, 'expected {date, spend}'),
        'expected a list of days',
      )
      .check(z.maxLength(MOST_DAYS, manyDays)),
  ),
});

/** Days that are known, and those to come. */
interface Outlook {
  readonly known: readonly DaySpend[];
  readonly ahead: readonly DaySpend[];
}

/**
 * Each day from the last known one to the end of this month (UTC), and what the month will have cost: the days given, or what the caller
 * sees of the last thirty days.
 *
 * @throws GatewayError `invalid_request` for days given twice, or out of the year before the end of this month
 */
export async function predictSpend(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { data } = check(predictInput, body);
  const today = dayOf(deps.now());
  const last = endOfMonth(today);
  const { known, ahead } =
    data === undefined || data === null ? await ownOutlook(deps, caller, today, last) : givenOutlook(data, last);
  const month = today.slice(0, 'yyyy-mm'.length);
  const total = [...known, ...ahead].reduce((sum, { day, spend }) => (day.startsWith(month) ? sum + spend : sum), 0n);
  return {
    response: ahead.map(({ day, spend }) => ({ date: day, predicted_spend: toUsdNumber(spend) })),
    predicted_spend: `Predicted Spend for ${monthName(today)}, $${formatUsd(total)}`,
  };
}

function givenOutlook(data: readonly { readonly date: string; readonly spend: Money }[], last: string): Outlook {
  const known = data.map(({ date, spend }) => ({ day: date, spend })).toSorted((one, other) => (one.day < other.day ? -1 : 1));
  const first = dayOf(Date.parse(`${last}T00:00:00Z`) - MOST_DAYS * DAY_MS);
  const stray = known.find(({ day }) => day < first || day > last);
  if (stray !== undefined) throw invalid(`expected days from ${first} to ${last}, got ${stray.day}`);
  const twin = known.find(({ day }, index) => day === known[index + 1]?.day);
  if (twin !== undefined) throw invalid(`expected each day once, got ${twin.day} twice`);
  return { known, ahead: forecast(known, last) };
}

const invalid = (message: string): GatewayError => new GatewayError('invalid_request', `data: ${message}`, { param: 'data' });

/**
 * From totals. The line goes through whole days, from the first that cost anything; a day without calls cost nothing. Today is not over:
 * it will cost what the line says, or what it has cost already.
 */
async function ownOutlook(deps: ManagementDeps, caller: Caller, today: string, last: string): Promise<Outlook> {
  const days = lastDays(deps.now());
  const sums = sumBy(await rowsOf(deps, [everythingOf(caller)], days), ({ day }) => day);
  const spendOf = (day: string): Money => sums.get(day)?.spend ?? 0n;
  const [first = today] = [...sums.keys()].toSorted();
  const past = daysFrom(first, today).map((day) => ({ day, spend: spendOf(day) }));
  if (past.length === 0) {
    const known = sums.size === 0 ? [] : [{ day: today, spend: spendOf(today) }];
    return { known, ahead: forecast(known, last) };
  }
  const ahead = forecast(past, last).map(({ day, spend }) => ({ day, spend: max(spend, spendOf(day)) }));
  return { known: past, ahead };
}

const max = (one: Money, other: Money): Money => (one > other ? one : other);

/** The days from the first one to the one before `end`. */
function daysFrom(first: string, end: string): readonly string[] {
  const days: string[] = [];
  for (let at = Date.parse(`${first}T00:00:00Z`); dayOf(at) < end; at += DAY_MS) days.push(dayOf(at));
  return days;
}

const endOfMonth = (day: string): string => {
  const [year = 0, month = 0] = day.split('-').map(Number);
  return dayOf(Date.UTC(year, month, 0));
};

const monthName = (day: string): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' });
