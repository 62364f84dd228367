/** What each vendor's body has to say, and how those say it whose body is another dialect's. */
import type { DialectId, GenerateEvent, GenerateRequest, GenerateResponse } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Asked, Dialect, ReplyContext, StreamEncoder } from '../dialect.ts';

/** Writes the pieces of a stream. One per answer. */
export interface PieceWriter {
  push(event: GenerateEvent): readonly JsonObject[];
  /** Called once, for answers that were finished. */
  end(): readonly JsonObject[];
}

/** Reads the pieces of a stream. One per answer. */
export interface PieceReader {
  push(piece: JsonObject): readonly GenerateEvent[];
  end(): readonly GenerateEvent[];
}

/** One vendor's bodies, both ways. */
export interface Codec {
  /** The dialect that is nearest: a provider's API in it is preferred. */
  readonly like: DialectId;
  decodeRequest(body: JsonObject, asked: Required<Asked>): GenerateRequest;
  encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject;
  writer(context: ReplyContext): PieceWriter;
  decodeResponse(body: unknown): readonly GenerateEvent[];
  reader(): PieceReader;
  /** The body with its output capped. */
  clamp(body: JsonObject, tokens: number): JsonObject;
  /** See `Passthrough`. */
  withoutForeignProofs?(body: JsonObject): JsonObject;
}

/** A body with the lower of two caps in one of its fields. */
export const capped = (body: JsonObject, field: string, tokens: number): JsonObject => {
  const asked = body[field];
  return { ...body, [field]: typeof asked === 'number' ? Math.min(asked, tokens) : tokens };
};

/** The pieces in the text of an encoder that writes server-sent events: what stands after `data:`, but for `[DONE]`. */
export function eventsIn(text: string): JsonObject[] {
  return text.split('\n').flatMap((line) => {
    const value = line.startsWith('data: ') ? parseJson(line.slice('data: '.length)) : undefined;
    return isObject(value) ? [value] : [];
  });
}

/** A writer of pieces over the encoder of a dialect. */
export function piecesOf(encoder: StreamEncoder, pieces: (text: string) => readonly JsonObject[]): PieceWriter {
  return { push: (event) => pieces(encoder.push(event)), end: () => pieces(encoder.end()) };
}

/** A reader of pieces over the decoder of a dialect. */
export function readingAs(
  dialect: Pick<Dialect, 'decodeStream'>,
  frameOf: (piece: JsonObject) => { readonly event?: string; readonly data: string } | undefined,
): PieceReader {
  const decoder = dialect.decodeStream({});
  return {
    push(piece) {
      const frame = frameOf(piece);
      return frame === undefined ? [] : decoder.push(frame);
    },
    end: () => decoder.end(),
  };
}
