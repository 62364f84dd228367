/** Streams of a provider. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding, StreamDecoder } from '../dialect.ts';
import { decodeStream as decodeOpenai } from '../openai-chat/stream.ts';
import { parseJson } from '../values.ts';
import type { Kin } from './wire.ts';

/** Decodes a provider's stream: each frame as the chunks of OpenAI's that it comes to. Errors, and the end, are OpenAI's. */
export function decodeStream(kin: Kin, decoding: Decoding): StreamDecoder {
  const inner = decodeOpenai(decoding);
  const chunksOf = kin.chunks();
  return {
    push(frame) {
      const { data, event } = frame;
      if (data === '' || data === '[DONE]' || event === 'error') return inner.push(frame);
      const value = parseJson(data);
      if (!isObject(value) || isFailure(value)) return inner.push(frame);
      return chunksOf(value, event).flatMap((chunk) => inner.push({ data: JSON.stringify(chunk) }));
    },
    end: () => inner.end(),
  };
}

const isFailure = ({ error }: JsonObject): boolean => isObject(error) || typeof error === 'string';
