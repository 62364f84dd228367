/** Output items for a client: each tells its events as it grows, and is the same whole at the end. */
import type { JsonObject } from '../../kinds/json.ts';

/** Where events of a stream go; `type` without `response.`. */
export type Emit = (type: string, fields: JsonObject) => void;

/** How an item ended. */
export type ItemStatus = 'completed' | 'incomplete';

/** Place and id of an item. */
export interface Slot {
  readonly index: number;
  readonly id: string;
  readonly emit: Emit;
}

/** What all items have. */
abstract class OutputItem {
  protected readonly slot: Slot;
  /** The item as it stands; whole after `end`. */
  json: JsonObject;
  /** True when nothing more is to come, so that it may be ended. */
  complete = false;
  ended = false;

  constructor(slot: Slot, json: JsonObject) {
    this.slot = slot;
    this.json = json;
    slot.emit('output_item.added', { output_index: slot.index, item: json });
  }

  /** Tells the end of the item, once. */
  end(status: ItemStatus): void {
    if (this.ended) return;
    this.ended = true;
    this.json = this.whole(status);
    this.slot.emit('output_item.done', { output_index: this.slot.index, item: this.json });
  }

  protected abstract whole(status: ItemStatus): JsonObject;

  protected tell(type: string, fields: JsonObject): void {
    this.slot.emit(type, { item_id: this.slot.id, output_index: this.slot.index, ...fields });
  }
}

/** A content part of a message. */
interface Part {
  readonly type: 'output_text' | 'refusal';
  text: string;
  readonly annotations: JsonObject[];
  readonly logprobs: unknown[];
  ended: boolean;
}

const partJson = ({ type, text, annotations, logprobs }: Part): JsonObject =>
  type === 'refusal' ? { type, refusal: text } : { type, text, annotations: [...annotations], logprobs: [...logprobs] };

/** A message: texts and refusals. */
export class MessageItem extends OutputItem {
  readonly #parts: Part[] = [];

  constructor(slot: Slot) {
    super(slot, { id: slot.id, type: 'message', status: 'in_progress', role: 'assistant', content: [] });
  }

  /** Begins a part; gives its number. */
  open(type: Part['type']): number {
    // A refusal has no end of its own.
    for (const [index, part] of this.#parts.entries()) if (part.type === 'refusal') this.close(index);
    const part: Part = { type, text: '', annotations: [], logprobs: [], ended: false };
    this.complete = type === 'refusal';
    const index = this.#parts.push(part) - 1;
    this.tell('content_part.added', { content_index: index, part: partJson(part) });
    return index;
  }

  /** Adds text to a part. */
  write(index: number, delta: string): void {
    const part = this.#parts[index] as Part;
    part.text += delta;
    if (part.type === 'refusal') this.tell('refusal.delta', { content_index: index, delta });
    else this.tell('output_text.delta', { content_index: index, delta, logprobs: [] });
  }

  /** Length of a part's text, UTF-16 units. */
  lengthOf(index: number): number {
    return (this.#parts[index] as Part).text.length;
  }

  /** Adds an annotation, also to a part that ended: some providers name their sources last. */
  cite(index: number, annotation: JsonObject): void {
    const { annotations } = this.#parts[index] as Part;
    const place = annotations.push(annotation) - 1;
    this.tell('output_text.annotation.added', { content_index: index, annotation_index: place, annotation });
    if (this.ended) this.json = { ...this.json, content: this.#parts.map(partJson) };
  }

  /** Adds log probabilities to the last text. */
  measure(logprobs: readonly unknown[]): void {
    const index = this.#parts.findLastIndex((part) => part.type === 'output_text');
    this.#parts[index]?.logprobs.push(...logprobs);
    if (index !== -1 && !this.ended)
      this.tell('output_text.delta', { content_index: index, delta: '', logprobs: [...logprobs] });
    if (this.ended) this.json = { ...this.json, content: this.#parts.map(partJson) };
  }

  /** Ends a part. */
  close(index: number): void {
    const part = this.#parts[index] as Part;
    if (part.ended) return;
    part.ended = true;
    this.complete = this.#parts.every(({ ended, type }) => ended || type === 'refusal');
    const at = { content_index: index };
    if (part.type === 'refusal') this.tell('refusal.done', { ...at, refusal: part.text });
    else this.tell('output_text.done', { ...at, text: part.text, logprobs: [...part.logprobs] });
    this.tell('content_part.done', { ...at, part: partJson(part) });
  }

  protected whole(status: ItemStatus): JsonObject {
    for (const index of this.#parts.keys()) this.close(index);
    return { ...this.json, status, content: this.#parts.map(partJson) };
  }
}

/** Reasoning: readable text as one summary, and its token. */
export class ReasoningItem extends OutputItem {
  #text: string | undefined;
  #token: string | undefined;

  constructor(slot: Slot) {
    super(slot, { id: slot.id, type: 'reasoning', summary: [] });
  }

  write(delta: string): void {
    if (this.#text === undefined) {
      this.#text = '';
      this.tell('reasoning_summary_part.added', { summary_index: 0, part: { type: 'summary_text', text: '' } });
    }
    this.#text += delta;
    this.tell('reasoning_summary_text.delta', { summary_index: 0, delta });
  }

  /** Nothing more is to come but this. */
  prove(token: string): void {
    this.#token = token;
    this.complete = true;
  }

  protected whole(): JsonObject {
    const text = this.#text;
    if (text !== undefined) {
      this.tell('reasoning_summary_text.done', { summary_index: 0, text });
      this.tell('reasoning_summary_part.done', { summary_index: 0, part: { type: 'summary_text', text } });
    }
    return {
      ...this.json,
      summary: text === undefined ? [] : [{ type: 'summary_text', text }],
      ...(this.#token !== undefined && { encrypted_content: this.#token }),
    };
  }
}

/** A call of a function or of a custom tool. */
export class CallItem extends OutputItem {
  readonly #custom: boolean;
  #text = '';
  #own: JsonObject = {};

  constructor(slot: Slot, call: { readonly id: string; readonly name: string; readonly custom: boolean }) {
    const { id: callId, name, custom } = call;
    const head = { id: slot.id, call_id: callId, name, status: 'in_progress' };
    super(slot, custom ? { ...head, type: 'custom_tool_call', input: '' } : { ...head, type: 'function_call', arguments: '' });
    this.#custom = custom;
  }

  write(delta: string): void {
    this.#text += delta;
    this.tell(this.#custom ? 'custom_tool_call_input.delta' : 'function_call_arguments.delta', { delta });
  }

  /** The arguments are a whole; `own` are fields of this dialect beside the call. */
  seal(own: JsonObject = {}): void {
    if (this.complete) return;
    this.complete = true;
    this.#own = own;
    if (!this.#custom && this.#text.trim() === '') this.write('{}');
    if (this.#custom) this.tell('custom_tool_call_input.done', { input: this.#text });
    else this.tell('function_call_arguments.done', { name: this.json['name'], arguments: this.#text });
  }

  protected whole(status: ItemStatus): JsonObject {
    this.seal();
    return { ...this.json, status, [this.#custom ? 'input' : 'arguments']: this.#text, ...this.#own };
  }
}

/** An item that comes whole: a picture, or what a tool of the provider did. */
export class WholeItem extends OutputItem {
  constructor(slot: Slot, json: JsonObject) {
    super(slot, json);
    this.complete = true;
  }

  protected whole(): JsonObject {
    return this.json;
  }
}

/** Any of them. */
export type Item = MessageItem | ReasoningItem | CallItem | WholeItem;
