import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayOf } from '../../../../lib/domain/total.ts';
import { forecast, type DaySpend } from '../../../../lib/management/spend/forecast.ts';

const DAY = 86_400_000;
const FIRST = Date.parse('2026-10-25T00:00:00Z');
const dayAt = (index: number): string => dayOf(FIRST + index * DAY);

/** Days in a row from the first one. */
const days = (...spends: readonly bigint[]): readonly DaySpend[] =>
  spends.map((spend, index) => ({ day: dayAt(index), spend }));

const amount = fc.bigInt({ min: 0n, max: 10n ** 16n });
const history = fc
  .uniqueArray(fc.record({ index: fc.nat({ max: 60 }), spend: amount }), { selector: ({ index }) => index, minLength: 1 })
  .map((points) => points.toSorted((one, other) => one.index - other.index));

/** The textbook's formula, in floating point. */
function expected(points: readonly (readonly [number, number])[], x: number): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const rise = points.reduce((sum, [px, py]) => sum + (px - meanX) * (py - meanY), 0);
  const run = points.reduce((sum, [px]) => sum + (px - meanX) ** 2, 0);
  return meanY + (run === 0 ? 0 : (rise / run) * (x - meanX));
}

describe('a forecast', () => {
  it('goes on with a line exactly, from the day after the last to the end, over months and gaps', () => {
    const line = (index: number): bigint => 1_000_000_000_001n + 7n * BigInt(index);
    const known = [0, 1, 2, 3, 5, 6, 7, 8, 9, 12].map((index) => ({ day: dayAt(index), spend: line(index) }));

    expect(forecast(known, dayAt(15))).toEqual([
      { day: '2026-11-07', spend: line(13) },
      { day: '2026-11-08', spend: line(14) },
      { day: '2026-11-09', spend: line(15) },
    ]);
  });

  it('says the average where one day is known', () => {
    expect(forecast(days(5n), dayAt(2))).toEqual([
      { day: dayAt(1), spend: 5n },
      { day: dayAt(2), spend: 5n },
    ]);
  });

  it('does not run away with two days: as long as few are known, those before count as average', () => {
    const [next] = forecast(days(0n, 100n), dayAt(2));

    // A line through both would say 200.
    expect(next?.spend).toBeGreaterThan(50n);
    expect(next?.spend).toBeLessThan(100n);
  });

  it('is never below 0', () => {
    expect(forecast(days(900n, 800n, 700n, 600n, 500n, 400n, 300n, 200n, 100n, 50n, 0n), dayAt(12))).toEqual([
      { day: dayAt(11), spend: 0n },
      { day: dayAt(12), spend: 0n },
    ]);
  });

  it('has nothing to say without history, or after the end', () => {
    expect(forecast([], dayAt(9))).toEqual([]);
    expect(forecast(days(1n, 2n), dayAt(1))).toEqual([]);
    expect(forecast(days(1n, 2n), dayAt(0))).toEqual([]);
  });

  it('is the line of least squares, rounded', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 1, max: 40 }), (points, ahead) => {
        const last = (points.at(-1)?.index ?? 0) + ahead;
        const start = points[0]?.index ?? 0;
        const known = points.map(({ index, spend }) => ({ day: dayAt(index), spend }));
        const plain = points.map(({ index, spend }) => [index, Number(spend)] as const);
        const mean = plain.reduce((sum, [, y]) => sum + y, 0) / plain.length;
        const filled = Array.from({ length: Math.max(0, 10 - plain.length) }, (_, index) => [start - 1 - index, mean] as const);

        const [told] = forecast(known, dayAt(last)).slice(-1);

        const wanted = Math.max(0, expected([...filled, ...plain], last));
        expect(told?.day).toBe(dayAt(last));
        expect(Math.abs(Number(told?.spend) - wanted)).toBeLessThanOrEqual(1 + 1e-9 * 10 ** 16);
      }),
    );
  });

  it('does not care when it all was, and grows in step with what days cost', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 400 }), (spends, shift) => {
        const later = days(...spends).map(({ spend }, index) => ({ day: dayAt(index + shift), spend }));
        const end = spends.length + 5;

        const here = forecast(days(...spends), dayAt(end)).map(({ spend }) => spend);

        expect(forecast(later, dayAt(end + shift)).map(({ spend }) => spend)).toEqual(here);
        const thrice = forecast(days(...spends.map((spend) => 3n * spend)), dayAt(end)).map(({ spend }) => spend);
        // Each is rounded once.
        for (const [index, spend] of thrice.entries()) {
          const off = spend - 3n * (here[index] ?? 0n);
          expect(off >= -2n && off <= 2n, `${off}`).toBe(true);
        }
      }),
    );
  });
});
