/** Streams of a prediction: events `output`, `error` and `done`, then the prediction itself, which the row asks for. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import type { SseFrame } from '../../transport/message.ts';
import type { StreamDecoder } from '../dialect.ts';
import { textOf } from '../values.ts';
import { errorInside, errorOfPrediction } from './error.ts';
import { isOver, PREDICTION_EVENT, usageOf } from './wire.ts';

const AT = { choice: 0, block: 0 } as const;

/** Decodes a provider's stream. Its end is told when the bytes end, since what was counted comes after `done`. */
export const decodeStream = (): StreamDecoder => new PredictionDecoder();

class PredictionDecoder implements StreamDecoder {
  #events: GenerateEvent[] = [];
  #state: 'waiting' | 'started' | 'writing' | 'over' = 'waiting';
  #done = false;
  #usage: Usage | undefined;

  push({ event = 'output', data }: SseFrame): readonly GenerateEvent[] {
    if (this.#state !== 'over') this.#take(event, data);
    return this.#flush();
  }

  end(): readonly GenerateEvent[] {
    if (this.#state !== 'over') {
      if (this.#done) this.#finish();
      else this.#fail(new GatewayError('upstream', 'The provider ended its stream before the answer was finished.'));
    }
    return this.#flush();
  }

  #flush(): readonly GenerateEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #take(event: string, data: string): void {
    const value = parseJson(data);
    if (event === 'output') this.#write(data);
    else if (event === 'error') this.#fail(errorInside(value ?? data));
    else if (event === 'done') this.#end(value);
    else if (event === PREDICTION_EVENT && isObject(value)) {
      this.#usage = usageOf(value);
      const error = this.#done || !isOver(value) ? undefined : errorOfPrediction(value);
      if (error !== undefined) this.#fail(error);
    }
  }

  #start(): void {
    if (this.#state !== 'waiting') return;
    this.#events.push({ type: 'start' });
    this.#state = 'started';
  }

  #write(text: string): void {
    if (text === '' || this.#done) return;
    this.#start();
    if (this.#state === 'started') this.#events.push({ type: 'text-start', ...AT });
    this.#state = 'writing';
    this.#events.push({ type: 'text-delta', ...AT, text });
  }

  /** `done` with a reason is the end of a prediction that came to nothing. */
  #end(value: unknown): void {
    const reason = isObject(value) ? textOf(value['reason']) : undefined;
    if (reason === undefined) this.#done = true;
    else this.#fail(new GatewayError('upstream', `The prediction ended as ${reason}.`, { fromUpstream: true }));
  }

  #close(): void {
    this.#start();
    if (this.#state === 'writing') this.#events.push({ type: 'text-end', ...AT });
    this.#state = 'over';
    if (this.#usage !== undefined) this.#events.push({ type: 'usage', usage: this.#usage });
  }

  #finish(): void {
    this.#close();
    this.#events.push({ type: 'finish', choice: 0, reason: 'stop' });
  }

  #fail(error: GatewayError): void {
    this.#close();
    this.#events.push({ type: 'error', error });
  }
}
