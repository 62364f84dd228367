/**
 * Another stream inside an AWS event stream: SageMaker cuts the bytes of a model's container into messages (`PayloadPart`), wherever
 * it likes. Source: `InvokeEndpointWithResponseStream` in the reference of the SageMaker runtime, checked 2026-11-28.
 */
import { createEventStreamCutter } from './aws-event-stream.ts';
import type { SseFrame } from './message.ts';

/** Bytes before the headers of a message, and after its payload. */
const PRELUDE = 12;
const CHECKSUM = 4;

/**
 * The payloads of the messages, in the bytes they came in. A message that tells of an exception is the last one: `failure` writes it in
 * the inner stream's own way.
 *
 * @throws GatewayError `upstream` for damaged messages
 */
export async function* payloadsOf(
  body: AsyncIterable<Uint8Array>,
  failure: (frame: SseFrame) => Uint8Array,
): AsyncGenerator<Uint8Array> {
  const cutter = createEventStreamCutter();
  for await (const chunk of body) {
    for (const { raw, frame } of cutter.push(chunk)) {
      if (frame?.event !== undefined && /^(?:exception|error):/.test(frame.event)) {
        yield failure(frame);
        return;
      }
      const message = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
      yield message.subarray(PRELUDE + message.readUInt32BE(4), message.length - CHECKSUM);
    }
  }
}
