/**
 * Output items of a provider's answer: each turns its own events into ours. The whole item comes last and tells what its events did not,
 * so an item without events (a body that was not streamed, a server that streams little) says the same.
 */
import type { Citation, GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { numberOf, objectsOf, present, textOf, unknownFields } from '../values.ts';
import { decodeAnnotation } from './citations.ts';
import { imageOf } from './input.ts';
import { proofOf, readableText, SEPARATOR } from './reasoning.ts';
import { DIALECT } from './wire.ts';

/** The answer an item belongs to. */
export interface Answer {
  readonly emit: (event: GenerateEvent) => void;
  /** Number for the next block. */
  readonly nextBlock: () => number;
  /** The tool whose arguments are the text of the answer. */
  readonly jsonTool: string | undefined;
  /** An id for a call, unique in the answer. */
  readonly callId: (given: string | undefined) => string;
  /** Told of what decides how the answer ends. */
  readonly note: (fact: 'call' | 'refusal') => void;
  /** Told of the calls of tools that the provider runs: it may bill them. */
  readonly noteHosted: (item: JsonObject) => void;
}

/** Decodes one item. */
export interface ItemDecoder {
  /** An event about the item; `type` without `response.`. */
  push(type: string, event: JsonObject): void;
  /** The whole item. */
  done(item: JsonObject): void;
  /** Ends what is open, when the item never came whole. */
  close(): void;
}

/** The decoder for an item that begins like this. */
export function itemDecoder(item: JsonObject, answer: Answer): ItemDecoder {
  switch (item['type']) {
    case 'message':
      return new MessageDecoder(answer);
    case 'reasoning':
      return new ReasoningDecoder(answer);
    case 'function_call':
    case 'custom_tool_call':
      return new CallDecoder(item, answer);
    default:
      return hostedDecoder(answer);
  }
}

/** The part of `whole` that was not told yet; nothing when the two disagree, since what was said cannot be unsaid. */
const missing = (told: string, whole: unknown): string =>
  typeof whole === 'string' && whole.startsWith(told) ? whole.slice(told.length) : '';

/** A content part on its way. */
interface Words {
  block: number;
  text: string;
  refusal: boolean;
  annotations: number;
  logprobs: number;
  ended: boolean;
}

class MessageDecoder implements ItemDecoder {
  readonly #answer: Answer;
  readonly #parts = new Map<number, Words>();

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  push(type: string, event: JsonObject): void {
    const words = this.#partAt(numberOf(event['content_index']) ?? 0);
    switch (type) {
      case 'output_text.delta':
        this.#write(words, textOf(event['delta']) ?? '', event['logprobs']);
        return;
      case 'output_text.done':
        this.#write(words, missing(words.text, event['text']));
        return;
      case 'refusal.delta':
        this.#refuse(words, textOf(event['delta']) ?? '');
        return;
      case 'refusal.done':
        this.#refuse(words, missing(words.text, event['refusal']));
        return;
      case 'output_text.annotation.added':
        if (isObject(event['annotation'])) this.#cite(words, event['annotation']);
        return;
      case 'content_part.done':
        if (isObject(event['part'])) this.#finish(words, event['part']);
    }
  }

  /** Parts are matched by order: some servers count `content_index` over all items of the answer. */
  done(item: JsonObject): void {
    const known = [...this.#parts.values()];
    for (const [index, part] of objectsOf(item['content']).entries()) {
      this.#finish(known[index] ?? this.#partAt(Math.max(index, ...this.#parts.keys(), -1) + 1), part);
    }
    this.close();
  }

  close(): void {
    for (const words of this.#parts.values()) this.#end(words);
  }

  #partAt(index: number): Words {
    const known = this.#parts.get(index);
    if (known !== undefined) return known;
    const fresh: Words = { block: -1, text: '', refusal: false, annotations: 0, logprobs: 0, ended: false };
    this.#parts.set(index, fresh);
    return fresh;
  }

  #write(words: Words, text: string, logprobs?: unknown): void {
    if (text !== '') {
      this.#open(words);
      words.text += text;
      this.#answer.emit({ type: 'text-delta', choice: 0, block: words.block, text });
    }
    if (logprobs !== undefined) this.#measure(words, logprobs);
  }

  #open(words: Words): void {
    if (words.block !== -1) return;
    words.block = this.#answer.nextBlock();
    this.#answer.emit({ type: 'text-start', choice: 0, block: words.block });
  }

  #refuse(words: Words, text: string): void {
    if (text === '') return;
    if (words.block === -1) words.block = this.#answer.nextBlock();
    words.refusal = true;
    words.text += text;
    this.#answer.note('refusal');
    this.#answer.emit({ type: 'refusal-delta', choice: 0, block: words.block, text });
  }

  #cite(words: Words, annotation: JsonObject): void {
    this.#open(words);
    words.annotations++;
    const citation: Citation = decodeAnnotation(annotation);
    this.#answer.emit({ type: 'citation', choice: 0, block: words.block, citation });
  }

  #measure(words: Words, logprobs: unknown): void {
    const content = objectsOf(logprobs);
    if (content.length === 0) return;
    words.logprobs += content.length;
    this.#answer.emit({ type: 'logprobs', choice: 0, logprobs: { content } });
  }

  /** The whole part: what its events left out, then its end. */
  #finish(words: Words, part: JsonObject): void {
    if (words.ended) return;
    if (part['type'] === 'refusal') {
      this.#refuse(words, missing(words.text, part['refusal']));
      this.#end(words);
      return;
    }
    this.#write(words, missing(words.text, part['text']));
    for (const annotation of objectsOf(part['annotations']).slice(words.annotations)) this.#cite(words, annotation);
    this.#measure(words, objectsOf(part['logprobs']).slice(words.logprobs));
  }

  #end(words: Words): void {
    if (words.ended) return;
    words.ended = true;
    if (words.block === -1 || words.refusal) return;
    this.#answer.emit({ type: 'text-end', choice: 0, block: words.block });
  }
}

class ReasoningDecoder implements ItemDecoder {
  readonly #answer: Answer;
  #block = -1;
  #text = '';
  /** The part the text so far belongs to. */
  #part: string | undefined;
  #ended = false;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  push(type: string, event: JsonObject): void {
    const delta = textOf(event['delta']);
    if (delta === undefined) return;
    const kind = type === 'reasoning_summary_text.delta' ? 'summary' : type === 'reasoning_text.delta' ? 'content' : undefined;
    if (kind === undefined) return;
    const part = `${kind}-${numberOf(event[`${kind}_index`]) ?? 0}`;
    this.#write((this.#part === undefined || this.#part === part ? '' : SEPARATOR) + delta);
    this.#part = part;
  }

  /** An item without words and without proof says nothing to anybody but its own provider's store. */
  done(item: JsonObject): void {
    this.#write(missing(this.#text, readableText(item)));
    const proof = proofOf(item);
    if (this.#block === -1 && proof.data === undefined) return;
    this.#open();
    this.#ended = true;
    this.#answer.emit({ type: 'reasoning-end', choice: 0, block: this.#block, ...proof });
  }

  close(): void {
    if (this.#block === -1 || this.#ended) return;
    this.#ended = true;
    this.#answer.emit({ type: 'reasoning-end', choice: 0, block: this.#block });
  }

  #write(text: string): void {
    if (text === '' || this.#ended) return;
    this.#open();
    this.#text += text;
    this.#answer.emit({ type: 'reasoning-delta', choice: 0, block: this.#block, text });
  }

  #open(): void {
    if (this.#block !== -1) return;
    this.#block = this.#answer.nextBlock();
    this.#answer.emit({ type: 'reasoning-start', choice: 0, block: this.#block, origin: DIALECT });
  }
}

const KNOWN_CALL: ReadonlySet<string> = new Set(['type', 'id', 'call_id', 'name', 'arguments', 'input', 'status']);

class CallDecoder implements ItemDecoder {
  readonly #answer: Answer;
  #block = -1;
  #text = '';
  #ended = false;
  /** True for the tool whose arguments are the text of the answer. */
  #isJson = false;

  constructor(item: JsonObject, answer: Answer) {
    this.#answer = answer;
    this.#start(item);
  }

  push(type: string, event: JsonObject): void {
    switch (type) {
      case 'function_call_arguments.delta':
      case 'custom_tool_call_input.delta':
        this.#write(textOf(event['delta']) ?? '');
        return;
      case 'function_call_arguments.done':
        this.#write(missing(this.#text, event['arguments']));
        return;
      case 'custom_tool_call_input.done':
        this.#write(missing(this.#text, event['input']));
    }
  }

  done(item: JsonObject): void {
    if (this.#ended) return;
    this.#start(item);
    const given = item['arguments'] ?? item['input'];
    this.#write(missing(this.#text, isObject(given) ? JSON.stringify(given) : given));
    this.#end(item);
  }

  close(): void {
    if (!this.#ended) this.#end({});
  }

  /** A call is told when its name is known; some servers say it only at the end. */
  #start(item: JsonObject): void {
    const name = textOf(item['name']);
    if (this.#block !== -1 || name === undefined) return;
    this.#block = this.#answer.nextBlock();
    this.#isJson = name === this.#answer.jsonTool;
    if (this.#isJson) {
      this.#answer.emit({ type: 'text-start', choice: 0, block: this.#block });
    } else {
      this.#answer.note('call');
      this.#answer.emit({
        type: 'tool-call-start',
        choice: 0,
        block: this.#block,
        id: this.#answer.callId(textOf(item['call_id']) ?? textOf(item['id'])),
        name,
        ...(item['type'] === 'custom_tool_call' && { custom: true }),
      });
    }
    const waited = this.#text;
    this.#text = '';
    this.#write(waited);
  }

  #write(text: string): void {
    this.#text += text;
    if (text === '' || this.#block === -1 || this.#ended) return;
    const at = { choice: 0, block: this.#block };
    this.#answer.emit(this.#isJson ? { type: 'text-delta', ...at, text } : { type: 'tool-call-delta', ...at, arguments: text });
  }

  #end(item: JsonObject): void {
    if (this.#block === -1) return;
    this.#ended = true;
    const at = { choice: 0, block: this.#block };
    const own = unknownFields(item, KNOWN_CALL);
    this.#answer.emit(
      this.#isJson
        ? { type: 'text-end', ...at }
        : { type: 'tool-call-end', ...at, ...present('extensions', own && { [DIALECT]: own }) },
    );
  }
}

/** Items of tools the provider runs, pictures, and whatever comes later: told whole. */
function hostedDecoder({ emit, nextBlock, noteHosted }: Answer): ItemDecoder {
  return {
    push: () => {},
    done(item) {
      noteHosted(item);
      const part = item['type'] === 'image_generation_call' ? imageOf(item) : undefined;
      const at = { choice: 0, block: nextBlock() };
      if (part !== undefined) emit({ type: 'media', ...at, part });
      else emit({ type: 'opaque', ...at, part: { type: 'opaque', origin: DIALECT, value: item } });
    },
    close: () => {},
  };
}
