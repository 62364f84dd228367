import { expect, it } from 'vitest';
import { newCallId } from '../../../lib/domain/call-id.ts';

it('makes ids of 26 characters that sort by time', () => {
  const early = newCallId(1_000_000_000_000);
  const late = newCallId(1_000_000_000_001);
  expect(early).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/);
  expect(early < late).toBe(true);
});

it('makes different ids at the same moment', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => newCallId(1)));
  expect(ids.size).toBe(1000);
});
