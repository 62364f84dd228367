/**
 * Reads along in the stream of a response (OpenAI's Responses API) that is made in the background: what the response is so far, and the
 * same events under the id that the client knows.
 */
import type { Exchange } from '../exchange.ts';
import { isObject, parseObject, type JsonObject } from '../kinds/json.ts';
import type { Follower } from '../policies/background.ts';
import type { NumberedFrame, StoredStreamDeps } from './stored-stream.ts';
import { joined, type SseFrame } from '../transport/message.ts';
import { createFrameCutter, type RawFrame } from '../transport/sse.ts';

/** Events that end a response and hold all of it. */
const TERMINAL = new Set<unknown>(['response.completed', 'response.incomplete', 'response.failed']);

/** What of a response is ours to say, whatever the provider says: its id, and what the client asked for. */
export type OwnFields = Readonly<Pick<JsonObject, 'id' | 'background' | 'store' | 'previous_response_id'>>;

/** A follower of the answer to a request. */
export const followResponse = ({ id, turn }: Exchange): Follower =>
  createFollower({
    id: `resp_${id}`,
    background: true,
    store: true,
    previous_response_id: turn?.asSent['previous_response_id'] ?? null,
  });

/** A follower of one stream. */
export function createFollower(own: OwnFields): Follower {
  const cutter = createFrameCutter();
  /** Items that are complete, by their place in the output. */
  const items: JsonObject[] = [];
  let response: JsonObject = { ...own };
  let upstreamId: string | undefined;
  let error: JsonObject | undefined;
  let over = false;
  let serial = 0;
  const held: Uint8Array[] = [];

  /** The frame as the client may see it. */
  function read({ raw, frame }: RawFrame): Uint8Array {
    const event = frame === undefined ? undefined : parseObject(frame.data);
    if (frame === undefined || event === undefined) return raw;
    const { type, response: told, sequence_number: number } = event;
    if (typeof number === 'number') serial = number + 1;
    if (type === 'error')
      error = { code: event['code'] ?? 'server_error', message: event['message'] ?? 'The response failed.' };
    if (type === 'response.output_item.done' && isObject(event['item'])) items[Number(event['output_index'])] = event['item'];
    if (!isObject(told)) return raw;
    if (typeof told['id'] === 'string' && told['id'] !== own['id']) upstreamId = told['id'];
    response = { ...told, ...own };
    over ||= TERMINAL.has(type);
    return frameOf(frame, { ...event, response });
  }

  /** What is left when the stream is over: a last event without its blank line, or half of one, which nobody could read. */
  function flush(): void {
    held.push(
      ...cutter
        .end()
        .filter(({ frame }) => frame !== undefined && parseObject(frame.data) !== undefined)
        .map(read),
    );
  }

  function take(frames: readonly RawFrame[]): Uint8Array {
    const ready: Uint8Array[] = [];
    for (const frame of frames) {
      const bytes = read(frame);
      (over || error !== undefined ? held : ready).push(bytes);
    }
    return joined(ready);
  }

  return {
    push: (chunk) => take(cutter.push(chunk)),
    end(ending) {
      flush();
      if (ending === 'cancelled') return cancellation(serial);
      if (over || error !== undefined) return joined(held);
      const failed = { type: 'response.failed', sequence_number: serial, response: this.final(ending) };
      return joined([...held, frameOf({ data: '' }, failed)]);
    },
    get response() {
      return response;
    },
    final(ending) {
      flush();
      const output = over ? response['output'] : items.filter(isObject);
      if (ending === 'cancelled') return { ...response, status: 'cancelled', output };
      if (over) return response;
      return { ...response, status: 'failed', output, error: error ?? BROKEN };
    },
    get upstreamId() {
      return upstreamId;
    },
  };
}

/** Cuts stored events into frames that know their numbers. */
export function createNumberedCutter(): ReturnType<StoredStreamDeps['cutter']> {
  const cutter = createFrameCutter();
  return {
    push: (bytes) =>
      cutter.push(bytes).map(({ raw, frame }): NumberedFrame => {
        const number = frame === undefined ? undefined : parseObject(frame.data)?.['sequence_number'];
        // One without a number is never left out.
        return { bytes: raw, number: typeof number === 'number' ? number : Number.POSITIVE_INFINITY };
      }),
  };
}

const BROKEN: JsonObject = { code: 'server_error', message: 'The answer ended before it was finished.' };

const cancellation = (serial: number): Uint8Array => {
  const message = 'The response was cancelled.';
  return frameOf({ data: '' }, { type: 'error', sequence_number: serial, code: 'response_cancelled', message, param: null });
};

const frameOf = ({ event }: SseFrame, data: JsonObject): Uint8Array =>
  Buffer.from(`event: ${event ?? String(data['type'])}\ndata: ${JSON.stringify(data)}\n\n`);
