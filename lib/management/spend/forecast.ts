/** What days to come will cost: a line through the days so far, in integers from end to end. */
import type { Money } from '../../domain/money.ts';
import { dayOf } from '../../domain/total.ts';
import { DAY_MS } from './spend-query.ts';

/** What a day (UTC, `2026-11-22`) cost, or will. */
export interface DaySpend {
  readonly day: string;
  readonly spend: Money;
}

/**
 * Days that a line goes through at least. Where fewer are known, those before them are taken to have cost the average: two days would make
 * a line of any steepness. As many as with LiteLLM.
 */
const STEADY = 10;

/** Days since the epoch. */
const numberOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) / DAY_MS;

/**
 * The days after the last known one up to `last`, included: what the line of least squares through the known days says of each, rounded to
 * 1e-12 USD, and never less than 0. None where nothing is known.
 *
 * @param known each day once, oldest first
 * @param last `2026-11-30`
 */
export function forecast(known: readonly DaySpend[], last: string): readonly DaySpend[] {
  const [first, newest] = [known[0], known.at(-1)];
  if (first === undefined || newest === undefined) return [];
  const start = numberOf(first.day);
  const line = lineThrough(known.map(({ day, spend }) => [BigInt(numberOf(day) - start), spend]));
  const days: DaySpend[] = [];
  for (let number = numberOf(newest.day) + 1; number <= numberOf(last); number++) {
    days.push({ day: dayOf(number * DAY_MS), spend: line(BigInt(number - start)) });
  }
  return days;
}

type Point = readonly [x: bigint, y: bigint];

/** The line of least squares as a function. Fractions are kept to the end: y is scaled, so that the average is a whole number too. */
function lineThrough(known: readonly Point[]): (x: bigint) => Money {
  const scale = BigInt(known.length);
  const average = known.reduce((sum, [, y]) => sum + y, 0n);
  const before = Array.from({ length: Math.max(0, STEADY - known.length) }, (_, index): Point => [BigInt(-1 - index), average]);
  const points = [...before, ...known.map(([x, y]): Point => [x, y * scale])];
  const [count, sumX, sumY] = [BigInt(points.length), sumOf(points.map(([x]) => x)), sumOf(points.map(([, y]) => y))];
  const run = count * sumOf(points.map(([x]) => x * x)) - sumX * sumX;
  const rise = count * sumOf(points.map(([x, y]) => x * y)) - sumX * sumY;
  return (x) => rounded(sumY * run + rise * (count * x - sumX), count * run * scale);
}

const sumOf = (numbers: readonly bigint[]): bigint => numbers.reduce((sum, number) => sum + number, 0n);

/** To the nearest whole number, halves up; 0 for what is less. */
const rounded = (numerator: bigint, denominator: bigint): bigint =>
  numerator <= 0n ? 0n : (2n * numerator + denominator) / (2n * denominator);
