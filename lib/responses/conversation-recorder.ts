/**
 * Finds the finished response in what goes out to a client of the Responses API, and holds back its end until the response is kept: a
 * client that has seen it may name it in its next request at once.
 */
import type { Reply } from '../exchange.ts';
import { isObject, parseObject, type JsonObject } from '../kinds/json.ts';
import { isStream, joined, type SseFrame } from '../transport/message.ts';
import { createFrameCutter, type RawFrame } from '../transport/sse.ts';

/** Keeps a response; `bytes` is the length of its JSON. Never throws. */
export type Keep = (response: JsonObject, bytes: number) => Promise<void>;

/** Events that end a stream and hold the whole response. */
const TERMINAL = /^response\.(completed|incomplete)$/;

/** States of a response that can be gone on from. */
const FINISHED = new Set<unknown>(['completed', 'incomplete']);

/** The same reply, which calls `keep` once its response is finished. The bytes of the body stay as they are. */
export async function recordResponse(reply: Reply, keep: Keep): Promise<Reply> {
  if (isStream(reply.body)) return { ...reply, body: recorded(reply.body, keep) };
  if (reply.status !== 200) return reply;
  const { body } = reply;
  const found = reply.headers['content-type']?.startsWith('text/event-stream') ? lastOf(body) : wholeOf(body);
  if (found !== undefined) await keep(found.response, found.bytes);
  return reply;
}

interface Found {
  readonly response: JsonObject;
  readonly bytes: number;
}

/** Frames as they come, with a pause before the one that ends the response. */
async function* recorded(body: AsyncIterable<Uint8Array>, keep: Keep): AsyncGenerator<Uint8Array> {
  const cutter = createFrameCutter();
  async function* passed(frames: readonly RawFrame[]): AsyncGenerator<Uint8Array> {
    // What one chunk brought leaves as one chunk.
    let ready: Uint8Array[] = [];
    for (const { raw, frame } of frames) {
      const found = frame === undefined ? undefined : terminalOf(frame);
      if (found !== undefined) {
        if (ready.length > 0) yield joined(ready);
        ready = [];
        await keep(found.response, found.bytes);
      }
      ready.push(raw);
    }
    if (ready.length > 0) yield joined(ready);
  }
  for await (const chunk of body) yield* passed(cutter.push(chunk));
  yield* passed(cutter.end());
}

/** The response in a stream that was written at once. */
function lastOf(body: Uint8Array): Found | undefined {
  const cutter = createFrameCutter();
  return [...cutter.push(body), ...cutter.end()]
    .map(({ frame }) => (frame === undefined ? undefined : terminalOf(frame)))
    .findLast((found) => found !== undefined);
}

/** The response in a frame that ends a stream. Frames without an `event:` line are asked for their type. */
function terminalOf({ event, data }: SseFrame): Found | undefined {
  if (event === undefined ? !data.includes('"response.') : !TERMINAL.test(event)) return undefined;
  const value = parseObject(data);
  const { type = event, response } = value ?? {};
  if (typeof type !== 'string' || !TERMINAL.test(type)) return undefined;
  return isObject(response) ? { response, bytes: Buffer.byteLength(data) } : undefined;
}

function wholeOf(body: Uint8Array): Found | undefined {
  const response = parseObject(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  return response !== undefined && FINISHED.has(response['status']) ? { response, bytes: body.length } : undefined;
}
