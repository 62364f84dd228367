import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordResponse } from '../../../lib/responses/conversation-recorder.ts';
import type { Reply } from '../../../lib/exchange.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { isStream } from '../../../lib/transport/message.ts';

const frame = (type: string, fields: JsonObject = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const finished = { id: 'resp_1', status: 'completed', output: [{ id: 'msg_1', text: 'ü👋' }] };
const STREAM =
  frame('response.created', { response: { id: 'resp_1', status: 'in_progress' } }) +
  frame('response.output_text.delta', { delta: 'says "response.completed"' }) +
  frame('response.completed', { response: finished });

const streaming = (chunks: readonly Uint8Array[]): Reply => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  body: (async function* () {
    yield* chunks;
  })(),
  done: Promise.resolve({ status: 'success' }),
});

const whole = (text: string, over: Partial<Reply> = {}): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(text),
  done: Promise.resolve({ status: 'success' }),
  ...over,
});

/** Sends the reply; `log` holds, in order, what the client got and what was kept. */
async function sent(reply: Reply) {
  const log: string[] = [];
  const kept: JsonObject[] = [];
  const recorded = await recordResponse(reply, async (response, bytes) => {
    await Promise.resolve();
    kept.push(response);
    log.push(`kept ${bytes > 0}`);
  });
  if (isStream(recorded.body)) for await (const chunk of recorded.body) log.push(Buffer.from(chunk).toString('latin1'));
  else log.push(Buffer.from(recorded.body).toString('latin1'));
  const text = log.filter((line) => !line.startsWith('kept')).join('');
  return { log, kept, text: Buffer.from(text, 'latin1').toString('utf8') };
}

describe('recording a stream', () => {
  it('keeps the response before the client sees its end, however the bytes were split', async () => {
    const bytes = Buffer.from(STREAM);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 }), async (cuts) => {
        const ends = [...cuts.toSorted((one, other) => one - other), bytes.length];
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));

        const { log, kept, text } = await sent(streaming(chunks));

        expect(text).toBe(STREAM);
        expect(kept).toEqual([finished]);
        const before = log.slice(0, log.indexOf('kept true')).join('');
        expect(before).not.toContain('event: response.completed');
        expect(before).toContain('event: response.output_text.delta');
      }),
    );
  });

  it('keeps an incomplete response, and one whose frames have no names', async () => {
    const incomplete = { ...finished, status: 'incomplete' };
    const named = frame('response.incomplete', { response: incomplete });
    expect((await sent(streaming([Buffer.from(named)]))).kept).toEqual([incomplete]);
    const unnamed = `data: {"type":"response.completed","response":{"id":"resp_2"}}\n\ndata: [DONE]\n\n`;
    expect((await sent(streaming([Buffer.from(unnamed)]))).kept).toEqual([{ id: 'resp_2' }]);
  });

  it.each([
    ['failed', frame('response.failed', { response: { id: 'resp_1', status: 'failed' } })],
    ['cut short', frame('response.created', { response: { id: 'resp_1' } })],
    ['broken', 'event: response.completed\ndata: {"response":\n\n'],
    ['empty', frame('response.completed')],
    ['of comments', ': ping\n\n'],
  ])('keeps nothing of a stream that is %s', async (_name, text) => {
    const result = await sent(streaming([Buffer.from(text)]));
    expect(result.kept).toEqual([]);
    expect(result.text).toBe(text);
  });

  it('finds the response in a stream that was written at once', async () => {
    const { log, kept } = await sent(whole(STREAM, { headers: { 'content-type': 'text/event-stream' } }));
    expect(kept).toEqual([finished]);
    expect(log[0]).toBe('kept true');
  });
});

describe('recording a whole answer', () => {
  it('keeps it before it goes out', async () => {
    const { log, kept } = await sent(whole(JSON.stringify(finished)));
    expect(kept).toEqual([finished]);
    expect(log[0]).toBe('kept true');
  });

  it.each([
    ['an error', whole('{"error":{}}', { status: 400 })],
    ['a failed response', whole('{"id":"resp_1","status":"failed"}')],
    ['no JSON', whole('<html>')],
    ['a list', whole('[]')],
  ])('keeps nothing of %s', async (_name, reply) => {
    expect((await sent(reply)).kept).toEqual([]);
  });
});
