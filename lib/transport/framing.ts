/** How streams are cut into frames, whatever the wire format. A frame that does not end is refused: nothing is kept for ever. */
import { GatewayError } from '../errors.ts';
import { createEventStreamCutter, createEventStreamParser, writeEventStream } from './aws-event-stream.ts';
import { createJsonArrayParser, createJsonArrayWriter } from './json-array.ts';
import type { SseFrame } from './message.ts';
import { createNdjsonCutter, createNdjsonParser } from './ndjson.ts';
import { batched, createFrameBatcher, createSseParser, type FrameBatcher } from './sse.ts';

/** Bytes in, frames out, however the bytes were split. */
export interface FrameParser {
  push(chunk: Uint8Array): readonly SseFrame[];
  /** What is left when the stream ends. */
  end(): readonly SseFrame[];
}

/** Text of an encoder to the bytes on the wire. */
export type FrameWriter = (text: string) => Uint8Array;

/** Writes the stream of one answer. */
export interface StreamWriter {
  /** Bytes of whole events, as an encoder writes them. */
  readonly write: FrameWriter;
  /** What closes the stream; empty for most. */
  end(): Uint8Array;
}

/** One framing, both ways. */
interface FramingCodec {
  /** Content type of such a stream. */
  readonly type: string;
  /** Other content types under which servers send it. */
  readonly aliases?: readonly string[];
  /** Content types that are this stream only where one was asked for: whole answers come under them too. */
  readonly ifAsked?: readonly string[];
  readonly parser: () => FrameParser;
  /** Writes the text of a whole stream, or, without `streamWriter`, of any part of it. */
  readonly writer: FrameWriter;
  /** For framings with a beginning and an end. */
  readonly streamWriter?: () => StreamWriter;
  /** How such a stream is passed on in whole frames, some taken out or edited; absent where its bytes go through as they come. */
  readonly editing?: Editing;
}

/** How frames are edited. */
export interface Editing {
  readonly batcher: () => FrameBatcher;
  /** The text of an edited frame, for the writer. */
  readonly text: (frame: SseFrame) => string;
}

const utf8 = new TextEncoder();

/** Largest frame, bytes: a picture in base64 fits, and as much as an answer that is read whole may hold. */
const LARGEST_FRAME = 64 * 1024 * 1024;

/** Something that cuts, which throws `upstream` for a frame without an end. @param cutsIn whether any frame ended in what was taken */
function bounded<Taken>(
  cutter: { push(chunk: Uint8Array): Taken; end(): Taken },
  cutsIn: (taken: Taken) => boolean,
): { push(chunk: Uint8Array): Taken; end(): Taken } {
  let open = 0;
  return {
    push(chunk) {
      const taken = cutter.push(chunk);
      open = cutsIn(taken) ? 0 : open + chunk.length;
      if (open <= LARGEST_FRAME) return taken;
      throw new GatewayError('upstream', `The provider sent an event of more than ${LARGEST_FRAME} bytes.`);
    },
    end: () => cutter.end(),
  };
}

const boundedParser = (parser: FrameParser): FrameParser => bounded(parser, (frames) => frames.length > 0);
const boundedBatcher = (batcher: FrameBatcher): FrameBatcher => bounded(batcher, ({ raw }) => raw.length > 0);

const CODECS: Readonly<Record<string, FramingCodec>> = {
  sse: {
    type: 'text/event-stream; charset=utf-8',
    parser: () => boundedParser(createSseParser()),
    writer: (text) => utf8.encode(text),
    editing: {
      batcher: () => boundedBatcher(createFrameBatcher()),
      text: ({ event, data }) => `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`,
    },
  },
  ndjson: {
    type: 'application/x-ndjson',
    aliases: ['application/stream+json'],
    ifAsked: ['application/json'],
    parser: () => boundedParser(createNdjsonParser()),
    writer: (text) => utf8.encode(text),
    editing: { batcher: () => boundedBatcher(batched(createNdjsonCutter())), text: ({ data }) => `${data}\n` },
  },
  'aws-event-stream': {
    type: 'application/vnd.amazon.eventstream',
    parser: createEventStreamParser,
    writer: writeEventStream,
    editing: {
      batcher: () => batched(createEventStreamCutter()),
      text: ({ event = '', data }) => `{"event":${JSON.stringify(event)},"data":${data}}\n`,
    },
  },
  'json-array': {
    type: 'application/json',
    parser: () => boundedParser(createJsonArrayParser()),
    writer: (text) => {
      const writer = createJsonArrayWriter();
      return Buffer.concat([writer.write(text), writer.end()]);
    },
    streamWriter: createJsonArrayWriter,
  },
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

const NOTHING = new Uint8Array();

/** A writer for one stream in a framing. */
export function createStreamWriter(framing: string): StreamWriter {
  const { writer, streamWriter } = codecOf(framing);
  return streamWriter?.() ?? { write: writer, end: () => NOTHING };
}

/** Whether a content type is that of the framing's streams. `asked`: a stream was asked for. */
export function isStreamOf(framing: string, contentType: string | undefined, asked: boolean): boolean {
  const { type, aliases = [], ifAsked = [] } = codecOf(framing);
  const sent = mediaTypeOf(contentType ?? '');
  return sent === mediaTypeOf(type) || aliases.includes(sent) || (asked && ifAsked.includes(sent));
}

/** A content type without its parameters. */
function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
