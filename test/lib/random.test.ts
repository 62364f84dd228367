import { expect, it } from 'vitest';
import { pooledRandom } from '../../lib/random.ts';

it('gives out each byte of a pool once, and fetches the next pool in time', () => {
  let fills = 0;
  const random = pooledRandom((pool) => pool.fill(++fills));

  const given = Array.from({ length: 600 }, () => random(16));

  expect(given.every((bytes) => bytes.length === 16)).toBe(true);
  expect(given[0]?.[0]).toBe(1);
  expect(given.at(-1)?.[0]).toBe(2);
  expect(fills).toBe(2);
});

it('gives copies: what was given does not change with the pool', () => {
  const random = pooledRandom();
  const first = random(16);
  const before = [...first];
  for (let round = 0; round < 600; round++) random(16);
  expect([...first]).toEqual(before);
});
