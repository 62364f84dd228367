/** How streams are cut into frames, whatever the wire format. */
import type { SseFrame } from './message.ts';
import { createSseParser } from './sse.ts';

/** Bytes in, frames out, however the bytes were split. */
export interface FrameParser {
  push(chunk: Uint8Array): readonly SseFrame[];
  /** What is left when the stream ends. */
  end(): readonly SseFrame[];
}

/** Text of an encoder to the bytes on the wire. */
export type FrameWriter = (text: string) => Uint8Array;

/** One framing, both ways. */
interface FramingCodec {
  /** Content type of such a stream. */
  readonly type: string;
  readonly parser: () => FrameParser;
  readonly writer: FrameWriter;
}

const utf8 = new TextEncoder();

const CODECS: Readonly<Record<string, FramingCodec>> = {
  sse: { type: 'text/event-stream; charset=utf-8', parser: createSseParser, writer: (text) => utf8.encode(text) },
};

/**
 * The codec of a framing.
 *
 * @throws RangeError for a framing that has none
 */
export function codecOf(framing: string): FramingCodec {
  const codec = CODECS[framing];
  if (codec === undefined) throw new RangeError(`no codec for ${framing}`);
  return codec;
}

/** Whether a content type is that of the framing's streams. */
export const isStreamOf = (framing: string, contentType: string | undefined): boolean =>
  contentType !== undefined && contentType.toLowerCase().startsWith(codecOf(framing).type.split(';')[0] ?? '');
