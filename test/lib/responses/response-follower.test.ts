import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { createFollower } from '../../../lib/responses/response-follower.ts';

const own = { id: 'resp_ours', background: true, store: true, previous_response_id: null };
let serial = 0;
const frame = (type: string, fields: JsonObject = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: serial++, ...fields })}\n\n`;

const item = { type: 'message', id: 'msg_1', content: [{ type: 'output_text', text: 'ü👋 "response.completed"' }] };
const theirs = { id: 'resp_theirs', background: false, status: 'in_progress', output: [], model: 'm' };
const CREATED = frame('response.created', { response: theirs });
const ITEM = frame('response.output_item.done', { output_index: 0, item });
const COMPLETED = frame('response.completed', { response: { ...theirs, status: 'completed', output: [item] } });
const FAILED = frame('response.failed', { response: { ...theirs, status: 'failed', error: { code: 'x', message: 'No.' } } });

const dataOf = (bytes: Uint8Array): JsonObject[] =>
  Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as JsonObject] : []));

/** Follows these frames, cut at `at`. */
function followed(text: string, at = 0) {
  const follower = createFollower(own);
  const bytes = Buffer.from(text);
  const passed = Buffer.concat([follower.push(bytes.subarray(0, at)), follower.push(bytes.subarray(at))]);
  return { follower, passed };
}

describe('following a response', () => {
  it('tells it under our id and holds back its end, wherever the bytes are cut', () => {
    const text = CREATED + ITEM + COMPLETED;
    for (let at = 0; at <= Buffer.byteLength(text); at++) {
      const { follower, passed } = followed(text, at);
      expect(dataOf(passed).map(({ type }) => type)).toEqual(['response.created', 'response.output_item.done']);
      expect(dataOf(passed)[0]).toMatchObject({ response: { ...theirs, ...own } });
      expect(dataOf(follower.end('finished'))).toMatchObject([{ type: 'response.completed', response: { id: 'resp_ours' } }]);
      expect(follower.final('finished')).toEqual({ ...theirs, ...own, status: 'completed', output: [item] });
      expect(follower.upstreamId).toBe('resp_theirs');
    }
  });

  it('says in_progress until then', () => {
    expect(followed(CREATED + ITEM).follower.response).toMatchObject({ status: 'in_progress', output: [] });
  });

  it('keeps what was complete when the stream breaks off, and tells that it failed', () => {
    const { follower } = followed(CREATED + ITEM + COMPLETED.slice(0, -40));
    const failed = { status: 'failed', output: [item], error: { code: 'server_error' } };
    expect(follower.final('finished')).toMatchObject(failed);
    expect(dataOf(follower.end('finished')).at(-1)).toMatchObject({ type: 'response.failed', response: failed });
  });

  it('keeps the error that an event tells, and the one of a failed response', () => {
    const event = followed(CREATED + frame('error', { code: 'timeout', message: 'Too long.' }));
    expect(dataOf(event.passed)).toHaveLength(1);
    expect(event.follower.final('finished')).toMatchObject({
      status: 'failed',
      error: { code: 'timeout', message: 'Too long.' },
    });
    expect(followed(CREATED + FAILED).follower.final('finished')).toMatchObject({ status: 'failed', error: { code: 'x' } });
  });

  it('ends a cancelled one with what was complete, whether the provider came to an end or not', () => {
    const { follower } = followed(CREATED + ITEM);
    expect(follower.final('cancelled')).toMatchObject({ status: 'cancelled', output: [item] });
    expect(dataOf(follower.end('cancelled'))).toMatchObject([{ type: 'error', code: 'response_cancelled' }]);
    expect(followed(CREATED + COMPLETED).follower.final('cancelled')).toMatchObject({ status: 'cancelled', output: [item] });
  });

  it('has no other id where the provider was given ours', () => {
    expect(followed(CREATED.replace('resp_theirs', 'resp_ours')).follower.upstreamId).toBeUndefined();
  });
});
