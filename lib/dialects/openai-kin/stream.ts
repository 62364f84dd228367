/** Streams of a provider. */
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Decoding, StreamDecoder } from '../dialect.ts';
import { decodeStream as decodeOpenai } from '../openai-chat/stream.ts';
import { chunkOf, type Kin } from './wire.ts';

/** Decodes a provider's stream: each frame as the chunks of OpenAI's that it comes to. Errors, and the end, are OpenAI's. */
export function decodeStream(kin: Kin, decoding: Decoding): StreamDecoder {
  const inner = decodeOpenai(decoding);
  const chunksOf = kin.chunks();
  let began = false;
  const push = (chunk: JsonObject) => inner.push({ data: JSON.stringify(chunk) });
  return {
    push(frame) {
      const { data, event } = frame;
      if (data === '' || data === '[DONE]' || event === 'error') return inner.push(frame);
      const parsed = parseJson(data);
      const value = Array.isArray(parsed) ? { list: parsed } : parsed;
      if (value === null) return [];
      if (!isObject(value) || isFailure(value)) return inner.push(frame);
      const chunks = chunksOf(value, event);
      began ||= chunks.length > 0;
      return chunks.flatMap(push);
    },
    end: () => [...(began && kin.endsWithBytes === true ? push(chunkOf(undefined, 'stop')) : []), ...inner.end()],
  };
}

const isFailure = ({ error }: JsonObject): boolean => isObject(error) || typeof error === 'string';
