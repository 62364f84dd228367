/** Streams, both ways: the pieces of a vendor's answer in the envelope of Bedrock. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { SseFrame } from '../../transport/message.ts';
import { eventLine } from '../bedrock-converse/wire.ts';
import type { ReplyContext, StreamDecoder, StreamEncoder } from '../dialect.ts';
import type { Codec, PieceWriter } from './codec.ts';
import { reportedError, streamException } from './error.ts';
import { codecFor } from './request.ts';
import { METRICS, metricsOf, usageOfMetrics } from './wire.ts';

/** Writes a client's stream. */
export const encodeStream = (context: ReplyContext): StreamEncoder =>
  new ChunkWriter(codecFor(context.request ?? {}, context.model).writer(context));

/** Every piece in a chunk of its own. What follows the finish is held back: the last piece tells the usage too. */
class ChunkWriter implements StreamEncoder {
  readonly #writer: PieceWriter;
  readonly #held: JsonObject[] = [];
  #usage: Usage | undefined;
  #finished = false;
  #failed = false;

  constructor(writer: PieceWriter) {
    this.#writer = writer;
  }

  push(event: GenerateEvent): string {
    if (this.#failed) return '';
    if (event.type === 'error') return this.#fail(event.error);
    if (event.type === 'usage') this.#usage = mergeUsage(this.#usage, event.usage);
    if (event.type === 'finish') this.#finished = true;
    const pieces = this.#writer.push(event);
    if (!this.#finished) return pieces.map(chunkLine).join('');
    this.#held.push(...pieces);
    return '';
  }

  end(): string {
    if (this.#failed) return '';
    if (!this.#finished) return this.#fail(new GatewayError('upstream', 'The answer ended without a finish reason.'));
    const rest = [...this.#held, ...this.#writer.end()];
    const last = rest.pop() ?? {};
    const told = this.#usage === undefined ? last : { ...last, [METRICS]: metricsOf(this.#usage) };
    return [...rest, told].map(chunkLine).join('');
  }

  #fail(error: GatewayError): string {
    this.#failed = true;
    const held = this.#held.map(chunkLine).join('');
    const { type, data } = streamException(error);
    return held + eventLine(`exception:${type}`, data);
  }
}

const chunkLine = (piece: JsonObject): string =>
  eventLine('chunk', { bytes: Buffer.from(JSON.stringify(piece)).toString('base64') });

/** Reads Bedrock's stream of a vendor's answer. */
export function decodeStream(codec: Codec): StreamDecoder {
  const reader = codec.reader();
  let metrics: Usage | undefined;
  let counted = false;
  let failed = false;
  const watched = (events: readonly GenerateEvent[]): readonly GenerateEvent[] => {
    for (const event of events) if (event.type === 'usage' && event.usage.outputTokens !== undefined) counted = true;
    return events;
  };
  const fail = (error: GatewayError): readonly GenerateEvent[] => {
    failed = true;
    return [{ type: 'error', error }];
  };
  return {
    push({ event = '', data }: SseFrame) {
      if (failed) return [];
      const exception = /^(?:exception|error):(.*)$/.exec(event)?.[1];
      if (exception !== undefined) return fail(reportedError(exception, data));
      const piece = pieceOf(data);
      if (piece === undefined) return fail(new GatewayError('upstream', 'The provider sent a stream event that is not JSON.'));
      metrics = usageOfMetrics(piece[METRICS]) ?? metrics;
      return watched(reader.push(piece));
    },
    end() {
      if (failed) return [];
      const events = watched(reader.end());
      return counted || metrics === undefined ? events : [{ type: 'usage', usage: metrics }, ...events];
    },
  };
}

function pieceOf(data: string): JsonObject | undefined {
  const chunk = parseJson(data);
  const bytes = isObject(chunk) ? chunk['bytes'] : undefined;
  const piece = typeof bytes === 'string' ? parseJson(Buffer.from(bytes, 'base64').toString('utf8')) : undefined;
  return isObject(piece) ? piece : undefined;
}
