/** How OpenAI's chat and legacy completions frame an answer: one body, or chunks up to `[DONE]`. What a chunk means is the reader's. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { StreamDecoder } from '../dialect.ts';
import { errorInside } from '../openai-error.ts';
import { errorOfChunk } from './error.ts';
import { mouldOf, textIn, type Mould } from './mould.ts';

/** Puts an answer together from its chunks. */
export interface ChunkReader {
  /** True once a choice was heard of. */
  readonly started: boolean;
  /** True when every choice said why it ended. */
  readonly finished: boolean;
  /** Reads a chunk; `whole` says that it is a body. */
  push(chunk: JsonObject, whole?: boolean): void;
  /** Reads a chunk like the one before it, which brought nothing but text of this choice. Absent where chunks have no such form. */
  say?(choice: number, text: string): void;
  /** The answer is complete. */
  finish(): void;
  /** The answer broke off. Nothing follows. */
  fail(error: GatewayError): void;
  /** Events since the last call. */
  take(): readonly GenerateEvent[];
}

/**
 * Reads a whole answer.
 *
 * @throws GatewayError `upstream` for what is no answer, or the error that came with status 200.
 */
export function decodeBody(body: unknown, reader: ChunkReader): readonly GenerateEvent[] {
  if (!isObject(body)) throw new GatewayError('upstream', 'The provider answered with JSON that is not an object.');
  const error = errorOfChunk(body);
  if (error !== undefined) throw error;
  reader.push(body, true);
  if (!reader.started) throw new GatewayError('upstream', 'The provider answered without any choices.');
  reader.finish();
  return reader.take();
}

const NOTHING: readonly GenerateEvent[] = [];

/**
 * Reads a stream. Finishes are told at the end, since some servers repeat them or say them early. The end is `[DONE]`, or the end of
 * the bytes when every choice had a `finish_reason`; anything else was cut short and yields an `error` event.
 */
export function decodeChunks(reader: ChunkReader): StreamDecoder {
  let ended = false;
  /** Of the last chunk, where it was text. */
  let mould: Mould | undefined;

  const fail = (error: GatewayError): readonly GenerateEvent[] => {
    ended = true;
    reader.fail(error);
    return reader.take();
  };
  const finish = (): readonly GenerateEvent[] => {
    ended = true;
    reader.finish();
    return reader.take();
  };

  return {
    push({ event, data }) {
      if (ended || data === '') return NOTHING;
      if (data === '[DONE]') {
        if (reader.started) return finish();
        return fail(new GatewayError('upstream', 'The provider ended its stream without an answer.'));
      }
      const text = mould === undefined || event === 'error' ? undefined : textIn(mould, data);
      if (mould !== undefined && text !== undefined) {
        reader.say?.(mould.choice, text);
        return reader.take();
      }
      const chunk = parseJson(data);
      if (event === 'error') return fail(errorInside(chunk ?? data));
      if (!isObject(chunk)) {
        return fail(new GatewayError('upstream', 'The provider sent a stream event that is not a JSON object.'));
      }
      const error = errorOfChunk(chunk);
      if (error !== undefined) return fail(error);
      reader.push(chunk);
      const events = reader.take();
      mould = reader.say === undefined ? undefined : mouldOf(data, chunk, events);
      return events;
    },
    end() {
      if (ended) return NOTHING;
      if (reader.finished) return finish();
      return fail(new GatewayError('upstream', 'The provider ended its stream before the answer was finished.'));
    },
  };
}
