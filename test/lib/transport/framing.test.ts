import { describe, expect, it } from 'vitest';
import { codecOf } from '../../../lib/transport/framing.ts';

const MIB = 1024 * 1024;
const piece = Buffer.alloc(MIB, 'a');

/** A frame that begins, and goes on for as many MiB. */
function feed(cutter: { push(chunk: Uint8Array): unknown }, begin: string, mebibytes: number): void {
  cutter.push(Buffer.from(begin));
  for (let sent = 0; sent < mebibytes; sent++) cutter.push(piece);
}

const BEGINNINGS = { sse: 'data: ', ndjson: '{"response":"', 'json-array': '[{"text":"' };

describe.each(Object.entries(BEGINNINGS))('a frame of %s', (framing, begin) => {
  it('may hold a large picture', () => {
    expect(() => feed(codecOf(framing).parser(), begin, 30)).not.toThrow();
  });

  it('is refused when it does not end', () => {
    expect(() => feed(codecOf(framing).parser(), begin, 65)).toThrow(/more than 67108864 bytes/);
  });
});

describe.each(['sse', 'ndjson'] as const)('a frame of %s that passes through', (framing) => {
  it('is refused when it does not end', () => {
    const batcher = codecOf(framing).editing?.batcher();
    if (batcher === undefined) throw new Error('no batcher');

    expect(() => feed(batcher, BEGINNINGS[framing], 65)).toThrow(/more than 67108864 bytes/);
  });

  it('counts for itself: a stream of small ones may be as long as it likes', () => {
    const batcher = codecOf(framing).editing?.batcher();
    if (batcher === undefined) throw new Error('no batcher');
    const frame = Buffer.from(`${BEGINNINGS[framing]}${'a'.repeat(MIB)}\n\n`);

    let passed = 0;
    for (let sent = 0; sent < 70; sent++) passed += batcher.push(frame).raw.length;
    passed += batcher.end().raw.length;

    expect(passed).toBe(70 * frame.length);
  });
});
