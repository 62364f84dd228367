/** Streams of a provider. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import type { SseFrame } from '../../transport/message.ts';
import type { StreamDecoder } from '../dialect.ts';
import { textOf } from '../values.ts';
import { errorInside } from './error.ts';
import { finishOf, usageAt, valueAt, type StreamPlaces, type Variant } from './wire.ts';

/** Decodes a provider's stream. APIs without one never get to send any: whatever comes is an error. */
export function decodeStream({ stream }: Variant): StreamDecoder {
  if (stream !== undefined) return new TextDecoder(stream);
  const error = new GatewayError('upstream', 'The provider answered with a stream, which it was not asked for.');
  return { push: () => [], end: () => [{ type: 'error', error }] };
}

const AT = { choice: 0, block: 0 } as const;

const DONE = '[DONE]';

class TextDecoder implements StreamDecoder {
  readonly #places: StreamPlaces;
  #events: GenerateEvent[] = [];
  #state: 'waiting' | 'started' | 'writing' | 'ended' = 'waiting';
  #usage: Usage | undefined;
  #finish: string | undefined;

  constructor(places: StreamPlaces) {
    this.#places = places;
  }

  push({ event, data }: SseFrame): readonly GenerateEvent[] {
    if (event === 'error') this.#fail(errorInside(objectOf(data)));
    else this.#take(this.#places.lines === true ? data.replace(/^data:/, '').trim() : data);
    return this.#flush();
  }

  end(): readonly GenerateEvent[] {
    if (this.#places.end === 'close' && this.#state !== 'waiting') this.#end();
    this.#fail(new GatewayError('upstream', 'The provider ended its stream before the answer was finished.'));
    return this.#flush();
  }

  #flush(): readonly GenerateEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #take(text: string): void {
    if (this.#state === 'ended' || text === '') return;
    if (text.trim() === DONE) {
      if (this.#places.end === 'done') this.#end();
      return;
    }
    const value = parseJson(text);
    if (!isObject(value)) this.#fail(new GatewayError('upstream', 'The provider sent an event that is not a JSON object.'));
    else if ((value['error'] ?? null) !== null) this.#fail(errorInside(value));
    else this.#read(value);
  }

  #read(value: JsonObject): void {
    const { text: place, mark, end, unfinished, finish } = this.#places;
    if (this.#state === 'waiting') {
      this.#events.push({ type: 'start' });
      this.#state = 'started';
    }
    const text = valueAt(value, mark) === true ? undefined : textOf(valueAt(value, place));
    if (text !== undefined) this.#write(text);
    this.#usage = larger(this.#usage, usageAt(value, this.#places));
    this.#finish = textOf(valueAt(value, finish)) ?? this.#finish;
    if (typeof end === 'string') return;
    const ending = valueAt(value, end);
    if (ending !== undefined && ending !== unfinished) this.#end();
  }

  #write(text: string): void {
    if (this.#state !== 'writing') this.#events.push({ type: 'text-start', ...AT });
    this.#state = 'writing';
    this.#events.push({ type: 'text-delta', ...AT, text });
  }

  #end(): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'writing') this.#events.push({ type: 'text-end', ...AT });
    this.#state = 'ended';
    if (this.#usage !== undefined) this.#events.push({ type: 'usage', usage: this.#usage });
    const raw = this.#finish;
    this.#events.push({ type: 'finish', choice: 0, reason: finishOf(raw), ...(raw !== undefined && { raw }) });
  }

  #fail(error: GatewayError): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'writing') this.#events.push({ type: 'text-end', ...AT });
    this.#state = 'ended';
    this.#events.push({ type: 'error', error });
  }
}

/** Figures that run: the first event may have the input, the last one the output. */
function larger(known: Usage | undefined, next: Usage | undefined): Usage | undefined {
  if (known === undefined || next === undefined) return next ?? known;
  return {
    ...next,
    inputTokens: Math.max(known.inputTokens ?? 0, next.inputTokens ?? 0),
    outputTokens: Math.max(known.outputTokens ?? 0, next.outputTokens ?? 0),
  };
}

const objectOf = (text: string): JsonObject => {
  const value = parseJson(text);
  return isObject(value) ? value : { message: text };
};
