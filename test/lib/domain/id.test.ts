import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOfId, isId, LONGEST_ID, requireId } from '../../../lib/domain/id.ts';
import { meterId, pairId } from '../../../lib/domain/meter.ts';
import { MOST_SHARDS, shardId } from '../../../lib/domain/shard.ts';

describe('an id', () => {
  it.each([
    ['a', 640],
    [' ', 213],
    ['é', 106],
    ['界', 71],
    ['😀', 53],
    ['/', 128],
    ['%', 128],
  ])('of %j may have %i of them, and not one more', (character, most) => {
    expect(faultOfId(character.repeat(most))).toBeUndefined();
    expect(faultOfId(character.repeat(most + 1))).toContain('expected at most 640 bytes');
  });

  it('says how many bytes were seen, and where', () => {
    expect(() => requireId('界'.repeat(72), 'team_id')).toThrow(
      'team_id: expected at most 640 bytes, percent-encoded (most letters beyond ASCII are nine then); this one takes 648',
    );
  });

  it('is made of whole characters', () => {
    expect(isId('\ud83d\ude00')).toBe(true);
    expect(isId('\ud83d')).toBe(false);
    expect(isId('a\ude00'.repeat(400))).toBe(false);
  });

  it('leaves room in the longest key of a meter: a member, a model, the latest window, the last shard', () => {
    const id = fc
      .array(fc.constantFrom('a', '-', ' ', '%', '/', '#', 'é', '界', '😀', '\n'), { maxLength: 700 })
      .map((characters) => {
        const kept = [];
        for (const character of characters) {
          kept.push(character);
          if (!isId(kept.join(''))) return kept.slice(0, -1).join('');
        }
        return kept.join('');
      });
    fc.assert(
      fc.property(id, id, id, (outer, inner, model) => {
        const window = { name: `${'9'.repeat(15)}mo`, start: -8_640_000_000_000_000 };
        const meter = meterId({ kind: 'organization-member', id: pairId(outer, inner) }, 'usd', window, model);
        expect(Buffer.byteLength(shardId(meter, MOST_SHARDS))).toBeLessThanOrEqual(2048);
      }),
    );
    expect(LONGEST_ID * 3 + 100).toBeLessThanOrEqual(2048);
  });
});
