import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignedAnchor, minuteWindow, windowAt } from '../../../lib/domain/window.ts';

const at = (text: string): number => Date.parse(text);
const moment = fc.integer({ min: at('1999-01-01'), max: at('2101-01-01') });
const duration = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 400 }), fc.constantFrom('s', 'm', 'h', 'd', 'w'))
    .map(([count, unit]) => `${count}${unit}`),
  fc.integer({ min: 1, max: 30 }).map((count) => `${count}mo`),
);

describe('windowAt', () => {
  it('holds the moment it was asked for', () => {
    fc.assert(
      fc.property(duration, moment, moment, (duration, anchor, now) => {
        const { name, start, end } = windowAt({ duration, anchor, now });

        expect(name).toBe(duration);
        expect(start).toBeLessThanOrEqual(now);
        expect(end).toBeGreaterThan(now);
      }),
    );
  });

  it('tiles time: its neighbours begin and end where it ends and begins', () => {
    fc.assert(
      fc.property(duration, moment, moment, (duration, anchor, now) => {
        const { start, end = Number.NaN } = windowAt({ duration, anchor, now });

        expect(windowAt({ duration, anchor, now: start }).end).toBe(end);
        expect(windowAt({ duration, anchor, now: end - 1 }).start).toBe(start);
        expect(windowAt({ duration, anchor, now: end }).start).toBe(end);
        expect(windowAt({ duration, anchor, now: start - 1 }).end).toBe(start);
      }),
    );
  });

  it('never drifts: months begin on the day of the anchor, or the last day of a shorter month', () => {
    fc.assert(
      fc.property(moment, moment, (anchor, now) => {
        const start = new Date(windowAt({ duration: '1mo', anchor, now }).start);

        const lastDay = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 0)).getUTCDate();
        expect(start.getUTCDate()).toBe(Math.min(new Date(anchor).getUTCDate(), lastDay));
        expect(start.getTime() % 86_400_000).toBe(anchor % 86_400_000);
      }),
    );
  });

  it('counts fixed lengths from the anchor', () => {
    const window = windowAt({ duration: '1d', anchor: at('2026-01-01T06:00:00Z'), now: at('2026-01-10T05:59:59Z') });

    expect(window).toEqual({ name: '1d', start: at('2026-01-09T06:00:00Z'), end: at('2026-01-10T06:00:00Z') });
  });

  it('never turns without a duration', () => {
    expect(windowAt({ anchor: 5, now: 1_000_000 })).toEqual({ name: 'total', start: 5 });
  });
});

describe('alignedAnchor', () => {
  const now = at('2026-11-28T12:34:56.789Z'); // a Saturday

  it.each([
    ['1mo', '2026-11-01T00:00:00Z'],
    ['3mo', '2026-11-01T00:00:00Z'],
    ['1w', '2026-11-23T00:00:00Z'],
    ['14d', '2026-11-23T00:00:00Z'],
    ['1d', '2026-11-28T00:00:00Z'],
    ['24h', '2026-11-28T00:00:00Z'],
    ['30d', '2026-11-28T00:00:00Z'],
    ['1h', '2026-11-28T12:00:00Z'],
    ['15m', '2026-11-28T12:34:00Z'],
    ['10s', '2026-11-28T12:34:56Z'],
  ])('begins %s at %s', (duration, start) => {
    expect(alignedAnchor(duration, now)).toBe(at(start));
  });

  it('begins the life of a scope now', () => {
    expect(alignedAnchor(undefined, now)).toBe(now);
  });

  it('is in the window of now, and months turn on the first from then on', () => {
    const anchor = alignedAnchor('1mo', now);

    expect(windowAt({ duration: '1mo', anchor, now })).toMatchObject({ start: anchor, end: at('2026-12-01T00:00:00Z') });
    expect(windowAt({ duration: '1mo', anchor, now: at('2027-02-10') }).end).toBe(at('2027-03-01'));
  });
});

describe('minuteWindow', () => {
  it('is the minute of the clock', () => {
    expect(minuteWindow(119_999)).toEqual({ name: 'minute', start: 60_000, end: 120_000 });
    expect(minuteWindow(120_000)).toEqual({ name: 'minute', start: 120_000, end: 180_000 });
  });
});
