/**
 * A provider's answer as events, from chunks or from one whole body: both go through here, so that they cannot differ. Tolerates
 * what recorded answers of some twenty providers hold; the peculiar ones are named where they are handled.
 */
import type { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding } from '../dialect.ts';
import { ChoiceDecoder, type ChoiceContext } from './choice.ts';
import { decodeSource, sourcesOf } from './citations.ts';
import { usageOf } from './usage.ts';
import { numberOf, textOf, unknownFields } from '../values.ts';
import { DIALECT } from './wire.ts';

const KNOWN: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created',
  'model',
  'choices',
  'usage',
  'service_tier',
  'citations',
  'search_results',
  'cost',
  'error',
  // Padding against traffic analysis (OpenAI, Mistral).
  'obfuscation',
  'p',
]);

/** Decodes one answer. `take()` hands out the events since the last time. */
export class AnswerDecoder {
  readonly #choices = new Map<number, ChoiceDecoder>();
  readonly #context: ChoiceContext;
  #events: GenerateEvent[] = [];
  #head: JsonObject = {};
  #own: JsonObject | undefined;
  #started = false;
  #sources: readonly JsonObject[] = [];
  #tier: string | undefined;
  /** Usage that came before the first choice. */
  #early: GenerateEvent | undefined;

  constructor({ jsonTool }: Decoding) {
    this.#context = {
      emit: (event) => void this.#events.push(event),
      jsonTool,
      answerId: () => textOf(this.#head['id']),
    };
  }

  /** True once a choice was heard of. */
  get started(): boolean {
    return this.#started;
  }

  /** True when every choice said why it ended. */
  get finished(): boolean {
    return this.#started && [...this.#choices.values()].every((choice) => choice.finished !== undefined);
  }

  /** Events since the last call. */
  take(): readonly GenerateEvent[] {
    if (this.#events.length === 0) return this.#events;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Reads a chunk; `whole` says that it is a body. */
  push(chunk: JsonObject, whole = false): void {
    const choices: readonly unknown[] = Array.isArray(chunk['choices']) ? chunk['choices'] : [];
    if (!this.#started) this.#begin(chunk, choices.length > 0);
    for (let at = 0; at < choices.length; at++) {
      const choice = choices[at];
      if (isObject(choice)) this.#choiceAt(numberOf(choice['index']) ?? at).push(choice, whole);
    }
    const { citations, search_results: results } = chunk;
    if (citations !== undefined || results !== undefined) {
      const sources = sourcesOf(chunk);
      if (sources.length > 0) this.#sources = sources;
    }
    this.#tier = textOf(chunk['service_tier']) ?? this.#tier;
    const usage = usageOf(chunk);
    if (usage === undefined) return;
    const tier = usage.serviceTier ?? this.#tier;
    const event: GenerateEvent = { type: 'usage', usage: tier === undefined ? usage : { ...usage, serviceTier: tier } };
    if (this.#started) this.#context.emit(event);
    else this.#early = event;
  }

  say(choice: number, text: string): void {
    this.#choices.get(choice)?.write(text);
  }

  /** The answer is complete: closes blocks and tells each choice's finish. */
  finish(): void {
    const first = this.#choices.keys().next().value;
    for (const [index, choice] of this.#choices) choice.finish(index === first ? this.#sources.map(decodeSource) : []);
    this.#choices.clear();
  }

  /** The answer broke off: closes blocks, then the error. Nothing follows. */
  fail(error: GatewayError): void {
    for (const choice of this.#choices.values()) choice.close();
    this.#choices.clear();
    this.#context.emit({ type: 'error', error });
  }

  /** The start is told with the first choice: Azure's first chunk has neither id nor model. */
  #begin(chunk: JsonObject, now: boolean): void {
    for (const key of ['id', 'model'] as const) if (textOf(chunk[key]) !== undefined) this.#head[key] = chunk[key];
    const created = numberOf(chunk['created']);
    if (created) this.#head['created'] = created;
    const own = unknownFields(chunk, KNOWN);
    if (own !== undefined) this.#own = { ...this.#own, ...own };
    if (!now) return;
    this.#started = true;
    this.#context.emit({
      type: 'start',
      ...(this.#head as { id?: string; model?: string; created?: number }),
      ...(this.#own !== undefined && { extensions: { [DIALECT]: this.#own } }),
    });
    if (this.#early !== undefined) this.#context.emit(this.#early);
  }

  #choiceAt(index: number): ChoiceDecoder {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const fresh = new ChoiceDecoder(index, this.#context);
    this.#choices.set(index, fresh);
    return fresh;
  }
}
