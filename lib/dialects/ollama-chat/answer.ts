/** A provider's answer as events, line by line; a whole body is a stream of one line. */
import type { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { objectsOf, textOf, unknownFields } from '../values.ts';
import { argumentsText } from './calls.ts';
import { errorInside } from './error.ts';
import { mediaOf } from './images.ts';
import { decodeUsage, DIALECT, finishOf } from './wire.ts';

const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'created_at',
  'message',
  'done',
  'done_reason',
  'prompt_eval_count',
  'eval_count',
  'logprobs',
]);

/** Decodes one answer: `take` one line after the other. */
export class AnswerDecoder {
  #events: GenerateEvent[] = [];
  #started = false;
  #ended = false;
  #blocks = 0;
  #open: 'text' | 'thinking' | undefined;
  #block = -1;
  #calls = 0;
  /** Makes ids of calls that have none: the time of the answer, digits only. */
  #stamp = 'x';

  /** True once the last line or an error was read. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The events of one line. After the end there are none. */
  take(line: JsonObject): readonly GenerateEvent[] {
    if (this.#ended) return [];
    if (line.error !== undefined || !(isObject(line.message) || line.done === true)) return this.fail(errorInside(line));
    this.#read(line);
    return this.#told();
  }

  /** Closes what is open and tells the error. */
  fail(error: GatewayError): readonly GenerateEvent[] {
    this.#shut();
    this.#ended = true;
    this.#events.push({ type: 'error', error });
    return this.#told();
  }

  #told(): readonly GenerateEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #read(line: JsonObject): void {
    if (!this.#started) this.#start(line);
    const message = isObject(line.message) ? line.message : {};
    this.#write('thinking', textOf(message.thinking) ?? '');
    this.#write('text', textOf(message.content) ?? '');
    for (const part of mediaOf(message.images)) {
      this.#shut();
      this.#events.push({ type: 'media', choice: 0, block: this.#blocks++, part });
    }
    for (const call of objectsOf(message.tool_calls)) this.#call(call);
    const content = objectsOf(line.logprobs);
    if (content.length > 0) this.#events.push({ type: 'logprobs', choice: 0, logprobs: { content, refusal: null } });
    if (line.done === true) this.#end(line);
  }

  #start(line: JsonObject): void {
    this.#started = true;
    const model = textOf(line.model);
    const at = textOf(line.created_at);
    if (at !== undefined) this.#stamp = at.replaceAll(/\D/g, '');
    const created = Math.floor(Date.parse(at ?? '') / 1000);
    this.#events.push({
      type: 'start',
      ...(model !== undefined && { model }),
      ...(created > 0 && { created }),
    });
  }

  #write(kind: 'text' | 'thinking', text: string): void {
    if (text === '') return;
    if (this.#open !== kind) this.#begin(kind);
    const at = { choice: 0, block: this.#block };
    this.#events.push(kind === 'text' ? { type: 'text-delta', ...at, text } : { type: 'reasoning-delta', ...at, text });
  }

  #begin(kind: 'text' | 'thinking'): void {
    this.#shut();
    this.#open = kind;
    this.#block = this.#blocks++;
    const at = { choice: 0, block: this.#block };
    this.#events.push(kind === 'text' ? { type: 'text-start', ...at } : { type: 'reasoning-start', ...at, origin: DIALECT });
  }

  #shut(): void {
    const at = { choice: 0, block: this.#block };
    if (this.#open === 'text') this.#events.push({ type: 'text-end', ...at });
    if (this.#open === 'thinking') this.#events.push({ type: 'reasoning-end', ...at });
    this.#open = undefined;
  }

  #call(call: JsonObject): void {
    const inner = isObject(call.function) ? call.function : {};
    const name = textOf(inner.name);
    if (name === undefined) return;
    this.#shut();
    const at = { choice: 0, block: this.#blocks++ };
    const id = textOf(call.id) ?? `call_${this.#stamp}_${this.#calls}`;
    this.#calls += 1;
    this.#events.push(
      { type: 'tool-call-start', ...at, id, name },
      { type: 'tool-call-delta', ...at, arguments: argumentsText(inner.arguments) },
      { type: 'tool-call-end', ...at },
    );
  }

  #end(line: JsonObject): void {
    this.#shut();
    this.#ended = true;
    const usage = decodeUsage(line);
    if (usage !== undefined) this.#events.push({ type: 'usage', usage });
    const raw = textOf(line.done_reason);
    const own = unknownFields(line, KNOWN);
    this.#events.push({
      type: 'finish',
      choice: 0,
      reason: finishOf(raw, this.#calls > 0),
      ...(raw !== undefined && { raw }),
      ...(own !== undefined && { extensions: { [DIALECT]: own } }),
    });
  }
}
