/** Streams, both ways. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson } from '../../kinds/json.ts';
import type { Decoding, ReplyContext, StreamDecoder, StreamEncoder } from '../dialect.ts';
import { AnswerDecoder } from './answer.ts';
import { ResponseEncoder } from './encoder.ts';

const NOTHING: readonly GenerateEvent[] = [];

/** Decodes a provider's stream. It ends with its terminal event; bytes that stop before were cut short and yield an `error` event. */
export function decodeStream(decoding: Decoding): StreamDecoder {
  const answer = new AnswerDecoder(decoding);
  const fail = (message: string): readonly GenerateEvent[] => {
    answer.fail(new GatewayError('upstream', message));
    return answer.take();
  };
  return {
    push({ data }) {
      if (answer.ended || data === '' || data === '[DONE]') return NOTHING;
      const event = parseJson(data);
      if (!isObject(event)) return fail('The provider sent a stream event that is not a JSON object.');
      answer.push(event);
      return answer.take();
    },
    end: () => (answer.ended ? NOTHING : fail('The provider ended its stream before the answer was finished.')),
  };
}

/** Writes a client's stream. One per answer. */
export function encodeStream(context: ReplyContext): StreamEncoder {
  let text = '';
  let sequence = 0;
  const encoder = new ResponseEncoder(context, (name, fields) => {
    const type = name === 'error' ? name : `response.${name}`;
    text += `event: ${type}\ndata: {"type":"${type}","sequence_number":${sequence++},${JSON.stringify(fields).slice(1)}\n\n`;
  });
  const take = (): string => {
    const taken = text;
    text = '';
    return taken;
  };
  return {
    push(event) {
      encoder.push(event);
      return take();
    },
    end() {
      encoder.end();
      return take();
    },
  };
}
