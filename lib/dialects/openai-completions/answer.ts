/**
 * A provider's answer as events, from chunks or from one whole body. The text of a choice stands in `text`; Mistral's fill-in-the-middle
 * API has it in `message` or `delta`, Together in both.
 */
import type { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { ChunkReader } from '../openai-chat/chunks.ts';
import { finishOf } from '../openai-chat/wire.ts';
import { usageOf } from '../openai-chat/usage.ts';
import { numberOf, textOf, unknownFields } from '../values.ts';
import { decodeLogprobs } from './logprobs.ts';
import { DIALECT } from './wire.ts';

const KNOWN: ReadonlySet<string> = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', 'error', 'prompt']);

/** The text of a choice is its only block. */
const BLOCK = 0;

interface Choice {
  spoke: boolean;
  word?: string;
  stopSequence?: string;
}

/** Decodes one answer. `take()` hands out the events since the last time. */
export class AnswerDecoder implements ChunkReader {
  readonly #choices = new Map<number, Choice>();
  #events: GenerateEvent[] = [];
  #started = false;

  /** True once a choice was heard of. */
  get started(): boolean {
    return this.#started;
  }

  /** True when every choice said why it ended. */
  get finished(): boolean {
    return this.#started && [...this.#choices.values()].every(({ word }) => word !== undefined);
  }

  /** Events since the last call. */
  take(): readonly GenerateEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Reads a chunk, or a whole body. */
  push(chunk: JsonObject): void {
    const choices: readonly unknown[] = Array.isArray(chunk['choices']) ? chunk['choices'] : [];
    if (!this.#started && choices.length > 0) this.#begin(chunk);
    for (const [at, choice] of choices.entries()) {
      if (isObject(choice)) this.#read(choice, numberOf(choice['index']) ?? at);
    }
    const usage = usageOf(chunk);
    if (usage !== undefined) this.#events.push({ type: 'usage', usage });
  }

  /** The answer is complete: closes the texts and tells each choice's finish. */
  finish(): void {
    this.#close();
    for (const [choice, { word, stopSequence }] of this.#choices) {
      const ending = { ...(word !== undefined && { raw: word }), ...(stopSequence !== undefined && { stopSequence }) };
      this.#events.push({ type: 'finish', choice, reason: word === undefined ? 'other' : finishOf(word), ...ending });
    }
  }

  /** The answer broke off: closes the texts, then the error. Nothing follows. */
  fail(error: GatewayError): void {
    this.#close();
    this.#events.push({ type: 'error', error });
  }

  #begin(chunk: JsonObject): void {
    this.#started = true;
    const id = textOf(chunk['id']);
    const model = textOf(chunk['model']);
    const created = numberOf(chunk['created']);
    const own = unknownFields(chunk, KNOWN);
    this.#events.push({
      type: 'start',
      ...(id !== undefined && { id }),
      ...(model !== undefined && { model }),
      ...(created !== undefined && { created }),
      ...(own !== undefined && { extensions: { [DIALECT]: own } }),
    });
  }

  #read(choice: JsonObject, index: number): void {
    const state = this.#choices.get(index) ?? { spoke: false };
    this.#choices.set(index, state);
    const text = wordsOf(choice);
    if (text !== undefined) {
      if (!state.spoke) this.#events.push({ type: 'text-start', choice: index, block: BLOCK });
      state.spoke = true;
      this.#events.push({ type: 'text-delta', choice: index, block: BLOCK, text });
    }
    const logprobs = decodeLogprobs(choice['logprobs']);
    if (logprobs !== undefined) this.#events.push({ type: 'logprobs', choice: index, logprobs });
    const word = textOf(choice['finish_reason']);
    if (word !== undefined) state.word = word;
    const stopSequence = textOf(choice['stop_reason']);
    if (stopSequence !== undefined) state.stopSequence = stopSequence;
  }

  #close(): void {
    for (const [choice, { spoke }] of this.#choices) {
      if (spoke) this.#events.push({ type: 'text-end', choice, block: BLOCK });
    }
  }
}

function wordsOf({ text, message, delta }: JsonObject): string | undefined {
  const inner = isObject(delta) ? delta : isObject(message) ? message : {};
  return textOf(text) ?? textOf(inner['content']);
}
