import { describe, expect, it } from 'vitest';
import { addDuration, parseDuration } from '../../../lib/domain/duration.ts';
import { GatewayError } from '../../../lib/errors.ts';

const at = (text: string): number => Date.parse(text);
const iso = (time: number): string => new Date(time).toISOString();

describe('parseDuration', () => {
  it.each([
    ['30s', 30_000],
    ['30m', 1_800_000],
    ['30h', 108_000_000],
    ['30d', 2_592_000_000],
    ['1w', 604_800_000],
    [' 7d ', 604_800_000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toEqual({ type: 'fixed', ms });
  });

  it('reads calendar months', () => {
    expect(parseDuration('3mo')).toEqual({ type: 'months', months: 3 });
  });

  it.each(['', '30', 'd', '0d', '-1d', '1.5h', '1y', '1 d', '1d2h', '0mo', '1201mo', '999999999999999w'])(
    'refuses "%s"',
    (text) => {
      const act = (): unknown => parseDuration(text, 'budget_duration');

      expect(act).toThrow(GatewayError);
      expect(act).toThrow(/budget_duration: .* is no duration. Use a whole number above zero and a unit: s, m, h, d, w or mo/);
    },
  );

  it('names the field of the request', () => {
    try {
      parseDuration('soon', 'duration');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ kind: 'invalid_request', detail: { param: 'duration' } });
    }
  });
});

describe('addDuration', () => {
  it('clamps a day the month lacks, always counting from the start', () => {
    const month = parseDuration('1mo');
    const start = at('2026-01-31T10:20:30.400Z');

    const ends = [0, 1, 2, 3, 13].map((times) => iso(addDuration(start, month, times)));

    expect(ends).toEqual([
      '2026-01-31T10:20:30.400Z',
      '2026-02-28T10:20:30.400Z',
      '2026-03-31T10:20:30.400Z',
      '2026-04-30T10:20:30.400Z',
      '2027-02-28T10:20:30.400Z',
    ]);
  });

  it('goes back, through leap years', () => {
    expect(iso(addDuration(at('2024-03-31T00:00:00Z'), parseDuration('1mo'), -1))).toBe('2024-02-29T00:00:00.000Z');
    expect(addDuration(1000, parseDuration('1s'), -2)).toBe(-1000);
  });
});
