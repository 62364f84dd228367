/**
 * A provider's answer as events. A whole body is told as the stream it would have been (see `response.ts`), so that both ways cannot
 * differ. The plan of a tool turn (`tool_plan`) is reasoning without an origin; `thinking` content is reasoning of this dialect.
 */
import type { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { numberOf, objectsOf, textOf, unknownFields } from '../values.ts';
import type { Decoding } from '../dialect.ts';
import { decodeCitation, isOfText } from './citations.ts';
import { errorInside, errorOfEnding } from './error.ts';
import { decodeLogprobs, decodeUsage, DIALECT, finishOf } from './wire.ts';

const KNOWN_START: ReadonlySet<string> = new Set(['type', 'id', 'delta']);

/** A text as it grows, for the citations that point into it. */
interface Text {
  readonly block: number;
  text: string;
}

interface Call {
  readonly block: number;
  /** Arguments that may yet turn out to be `null`, which stands for none. */
  held: string;
  ended: boolean;
  /** The forced tool whose arguments are the text of the answer. */
  readonly isText: boolean;
}

/** `{}` or an object in a field that is also seen as a list with one element. */
const only = (value: unknown): JsonObject => (isObject(value) ? value : (objectsOf(value)[0] ?? {}));

/** Decodes one answer: `take` one event of Cohere's after the other. */
export class AnswerDecoder {
  readonly #jsonTool: string | undefined;
  readonly #calls = new Map<number, Call>();
  /** Texts by their index in `content`; -1 is the last one. */
  readonly #texts = new Map<number, Text>();
  #events: GenerateEvent[] = [];
  #id: string | undefined;
  #started = false;
  #ended = false;
  #blocks = 0;
  #open: 'text' | 'thinking' | 'plan' | undefined;
  #block = -1;
  /** Citations of the plan or the thinking: nothing for other dialects. */
  #asides: JsonObject[] = [];

  constructor({ jsonTool }: Decoding) {
    this.#jsonTool = jsonTool;
  }

  /** True once the answer said how it ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The events that one event of Cohere's means. After the end there are none. */
  take(event: JsonObject): readonly GenerateEvent[] {
    if (this.#ended) return [];
    this.#read(event);
    return this.#told();
  }

  /** Closes what is open and tells the error. */
  fail(error: GatewayError): readonly GenerateEvent[] {
    this.#break(error);
    return this.#told();
  }

  #told(): readonly GenerateEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #break(error: GatewayError): void {
    this.#close();
    this.#ended = true;
    this.#emit({ type: 'error', error });
  }

  #emit(event: GenerateEvent): void {
    this.#events.push(event);
  }

  #read(event: JsonObject): void {
    const delta = only(event.delta);
    const message = only(delta.message);
    if (event.type === 'message-start') return this.#start(event);
    if (!this.#started) this.#start({});
    switch (event.type) {
      case 'content-start':
        return this.#content(only(message.content), numberOf(event.index), true);
      case 'content-delta':
        this.#content(only(message.content), numberOf(event.index), false);
        return this.#logprobs(event.logprobs);
      case 'tool-plan-delta':
        return this.#plan(textOf(message.tool_plan) ?? '');
      case 'tool-call-start':
        return this.#startCall(numberOf(event.index) ?? this.#calls.size, only(message.tool_calls));
      case 'tool-call-delta':
        return this.#argue(this.#calls.get(numberOf(event.index) ?? this.#calls.size - 1), only(message.tool_calls));
      case 'tool-call-end':
        return this.#endCall(this.#calls.get(numberOf(event.index) ?? this.#calls.size - 1));
      case 'citation-start':
        for (const raw of objectsOf(Array.isArray(message.citations) ? message.citations : [message.citations]))
          this.#cite(raw);
        return undefined;
      case 'message-end':
        this.#logprobs(event.logprobs);
        return this.#end(delta);
      default:
        // The end of a block is told when another begins, since citations follow it. Events without a type are errors.
        if (event.type === undefined) this.#break(errorInside(event));
        return undefined;
    }
  }

  #start(event: JsonObject): void {
    if (this.#started) return;
    this.#started = true;
    this.#id = textOf(event.id);
    const own = unknownFields(event, KNOWN_START);
    this.#emit({
      type: 'start',
      ...(this.#id !== undefined && { id: this.#id }),
      ...(own !== undefined && { extensions: { [DIALECT]: own } }),
    });
  }

  #content(content: JsonObject, index: number | undefined, begins: boolean): void {
    const thinking = content.type === 'thinking' || typeof content.thinking === 'string';
    const text = textOf(thinking ? content.thinking : content.text) ?? '';
    const kind = thinking ? 'thinking' : 'text';
    if (begins || (text !== '' && this.#open !== kind)) this.#begin(kind, index);
    if (text !== '') this.#write(text);
  }

  #plan(text: string): void {
    if (text === '') return;
    if (this.#open !== 'plan') this.#begin('plan');
    this.#write(text);
  }

  #begin(kind: 'text' | 'thinking' | 'plan', index?: number): void {
    this.#shut();
    this.#open = kind;
    this.#block = this.#blocks++;
    const at = { choice: 0, block: this.#block };
    if (kind !== 'text') {
      this.#emit({ type: 'reasoning-start', ...at, ...(kind === 'thinking' && { origin: DIALECT }) });
      return;
    }
    const text = { block: this.#block, text: '' };
    this.#texts.set(-1, text);
    if (index !== undefined) this.#texts.set(index, text);
    this.#emit({ type: 'text-start', ...at });
  }

  #write(text: string): void {
    const at = { choice: 0, block: this.#block };
    if (this.#open !== 'text') {
      this.#emit({ type: 'reasoning-delta', ...at, text });
      return;
    }
    const current = this.#texts.get(-1);
    if (current !== undefined) current.text += text;
    this.#emit({ type: 'text-delta', ...at, text });
  }

  #shut(): void {
    const at = { choice: 0, block: this.#block };
    if (this.#open === 'text') this.#emit({ type: 'text-end', ...at });
    else if (this.#open !== undefined) this.#emit({ type: 'reasoning-end', ...at });
    this.#open = undefined;
  }

  #cite(raw: JsonObject): void {
    const text = this.#texts.get(numberOf(raw.content_index) ?? -1) ?? this.#texts.get(-1);
    if (text === undefined || !isOfText(raw)) this.#asides.push(raw);
    else this.#emit({ type: 'citation', choice: 0, block: text.block, citation: decodeCitation(raw, text.text) });
  }

  #startCall(index: number, call: JsonObject): void {
    const { name: given } = only(call.function);
    const name = textOf(given) ?? '';
    const isText = name !== '' && name === this.#jsonTool;
    if (isText) this.#begin('text');
    else this.#shut();
    const block = isText ? this.#block : this.#blocks++;
    const known: Call = { block, held: '', ended: false, isText };
    const id = textOf(call.id) ?? `call_${this.#id ?? 'x'}_${this.#calls.size}`;
    this.#calls.set(index, known);
    if (!isText) this.#emit({ type: 'tool-call-start', choice: 0, block, id, name });
    this.#argue(known, call);
  }

  #argue(call: Call | undefined, value: JsonObject): void {
    const { arguments: given } = only(value.function);
    const text = typeof given === 'string' ? given : isObject(given) ? JSON.stringify(given) : '';
    if (call === undefined || text === '') return;
    const pending = call.held + text;
    call.held = 'null'.startsWith(pending) ? pending : '';
    if (call.held === '') this.#tell(call, pending);
  }

  #tell({ block, isText }: Call, text: string): void {
    if (isText) this.#write(text);
    else this.#emit({ type: 'tool-call-delta', choice: 0, block, arguments: text });
  }

  #endCall(call: Call | undefined): void {
    if (call === undefined || call.ended) return;
    call.ended = true;
    if (call.held !== '' && call.held !== 'null') this.#tell(call, call.held);
    if (!call.isText) this.#emit({ type: 'tool-call-end', choice: 0, block: call.block });
  }

  #logprobs(value: unknown): void {
    const logprobs = decodeLogprobs(value);
    if (logprobs !== undefined) this.#emit({ type: 'logprobs', choice: 0, logprobs });
  }

  #close(): void {
    for (const call of this.#calls.values()) this.#endCall(call);
    this.#shut();
  }

  #end(ending: JsonObject): void {
    const usage = decodeUsage(ending.usage);
    if (usage !== undefined) this.#emit({ type: 'usage', usage });
    const error = errorOfEnding(ending);
    if (error !== undefined) return this.#break(error);
    this.#close();
    this.#ended = true;
    const raw = textOf(ending.finish_reason);
    const calls = [...this.#calls.values()].some(({ isText }) => !isText);
    this.#emit({
      type: 'finish',
      choice: 0,
      reason: finishOf(raw, calls),
      ...(raw !== undefined && { raw }),
      ...(this.#asides.length > 0 && { extensions: { [DIALECT]: { citations: this.#asides } } }),
    });
  }
}
