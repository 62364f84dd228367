/** A provider's stream to events. Whole answers go through the same machine, so both ways of asking give the same answer. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { SseFrame } from '../../transport/message.ts';
import type { Decoding, StreamDecoder } from '../dialect.ts';
import { objectsOf, present, textOf, unknownFields } from '../values.ts';
import { ChoiceDecoder } from './choice.ts';
import { reportedError } from './error.ts';
import { decodeUsage } from './usage.ts';
import { generationOf, ID } from './wire.ts';

/** Turns the frames of a provider's stream into events. */
export function decodeStream(decoding: Decoding): StreamDecoder {
  const decoder = new EventDecoder(decoding);
  return {
    push({ data }: SseFrame): readonly GenerateEvent[] {
      if (data === '' || data === '[DONE]') return [];
      const value = parseJson(data);
      if (value === undefined)
        return decoder.fail(new GatewayError('upstream', 'The provider sent a stream event that is not JSON.'));
      return (Array.isArray(value) ? value : [value]).filter(isObject).flatMap((chunk) => decoder.take(chunk));
    },
    end: () => decoder.end(false),
  };
}

const HEAD: ReadonlySet<string> = new Set(['candidates', 'usageMetadata', 'modelVersion', 'responseId', 'error']);

/**
 * Chunks of an answer to canonical events. Each chunk holds a piece of one or more candidates; an answer is whole once each of them has
 * its finish reason, or the prompt was blocked, and ends with the stream, since usage may follow.
 */
export class EventDecoder {
  readonly #decoding: Decoding;
  readonly #choices = new Map<number, ChoiceDecoder>();
  #started = false;
  #done = false;
  #id: string | undefined;
  #model: string | undefined;
  #blocked: string | undefined;

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
  }

  take(chunk: JsonObject): readonly GenerateEvent[] {
    if (this.#done) return [];
    if (isObject(chunk.error)) return this.fail(reportedError(chunk));
    const feedback = isObject(chunk.promptFeedback) ? chunk.promptFeedback : {};
    this.#blocked ??= textOf(feedback.blockReason);
    const usage = decodeUsage(chunk.usageMetadata);
    return [
      ...this.#start(chunk),
      ...objectsOf(chunk.candidates).flatMap((candidate, position) => this.#candidate(candidate, position)),
      ...(usage === undefined ? [] : [{ type: 'usage' as const, usage }]),
    ];
  }

  /** Ends the events with an error. */
  fail(error: GatewayError): readonly GenerateEvent[] {
    if (this.#done) return [];
    this.#done = true;
    return [{ type: 'error', error }];
  }

  /** @param whole True when nothing can be missing: a body that was read to its end needs no finish reason. */
  end(whole: boolean): readonly GenerateEvent[] {
    if (this.#done) return [];
    const choices = [...this.#choices.values()];
    const finished = choices.length > 0 && choices.every(({ finished }) => finished);
    if (this.#blocked === undefined && !finished && !(whole && choices.length > 0)) {
      const closed = choices.flatMap((choice) => choice.close());
      return [
        ...closed,
        ...this.fail(new GatewayError('upstream', 'The provider ended the stream before the answer was complete.')),
      ];
    }
    this.#done = true;
    const blocked = this.#blocked;
    if (choices.length === 0) return [{ type: 'finish', choice: 0, reason: 'content-filter', ...present('raw', blocked) }];
    const searches = choices.reduce((sum, choice) => sum + choice.searches, 0);
    return [...choices.flatMap((choice) => choice.end(blocked)), ...this.#searched(searches)];
  }

  #start(chunk: JsonObject): readonly GenerateEvent[] {
    if (this.#started) return [];
    this.#started = true;
    this.#id = textOf(chunk.responseId);
    this.#model = textOf(chunk.modelVersion);
    const created = Math.floor(Date.parse(textOf(chunk.createTime) ?? '') / 1000);
    const others = unknownFields(chunk, HEAD);
    return [
      {
        type: 'start',
        ...present('id', this.#id),
        ...present('model', this.#model),
        ...(Number.isNaN(created) ? {} : { created }),
        ...(others !== undefined && { extensions: { [ID]: others } }),
      },
    ];
  }

  #candidate(candidate: JsonObject, position: number): readonly GenerateEvent[] {
    // The API leaves out an index of zero.
    const index = typeof candidate.index === 'number' ? candidate.index : position;
    const known = this.#choices.get(index);
    const choice = known ?? new ChoiceDecoder(index, this.#id, this.#decoding);
    if (known === undefined) this.#choices.set(index, choice);
    return choice.take(candidate);
  }

  /** Up to 2.5 a grounded prompt counts as one search, whatever it took; later models count each (Gemini API pricing). */
  #searched(searches: number): readonly GenerateEvent[] {
    if (searches === 0) return [];
    const each = (generationOf(this.#model ?? '') ?? 0) >= 3;
    return [{ type: 'usage', usage: { webSearchRequests: each ? searches : 1, source: 'provider' } }];
  }
}
