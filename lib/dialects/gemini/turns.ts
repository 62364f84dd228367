/** The conversation for a provider: canonical messages to `systemInstruction` and `contents`. */
import type { Message, Part, ReasoningPart, ToolCallPart, ToolResultPart } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { encodeMedia } from './media.ts';
import { generationOf, ID, UNSIGNED } from './wire.ts';

/** A conversation as the API takes it. */
export interface Contents {
  readonly system: readonly JsonObject[];
  readonly contents: readonly Content[];
}

/** One turn; `parts` is never empty. */
export interface Content {
  readonly role: 'user' | 'model';
  readonly parts: JsonObject[];
}

/** Instructions go to the front, wherever they stand; neighbours of one role become one turn. */
export function encodeContents(messages: readonly Message[], model: string, warn: Warn): Contents {
  const system: JsonObject[] = [];
  const contents: Content[] = [];
  const encoder = new PartEncoder(model, warn);
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`;
    const parts = encoder.parts(message, field);
    if (message.role === 'system' || message.role === 'developer') {
      if (contents.length > 0) {
        warn({ kind: 'changed', field, reason: 'Instructions in mid-conversation were moved to the start.' });
      }
      system.push(...parts);
    } else if (parts.length > 0) {
      append(contents, message.role === 'assistant' ? 'model' : 'user', parts);
    }
  }
  if (contents.length > 0 || system.length === 0) return { system, contents };
  const reason = 'The provider needs a user message: the instructions were sent as one.';
  warn({ kind: 'changed', field: 'messages', reason });
  return { system: [], contents: [{ role: 'user', parts: system }] };
}

function append(contents: Content[], role: Content['role'], parts: JsonObject[]): void {
  const last = contents.at(-1);
  if (last?.role === role) last.parts.push(...parts);
  else contents.push({ role, parts });
}

/** Turns parts into parts of the API. Remembers the names of calls: results are sent under them. */
class PartEncoder {
  readonly #signs: boolean;
  readonly #mediaInResults: boolean;
  readonly #warn: Warn;
  readonly #names = new Map<string, string>();

  constructor(model: string, warn: Warn) {
    const generation = generationOf(model) ?? 0;
    this.#signs = generation >= 3;
    this.#mediaInResults = generation >= 3;
    this.#warn = warn;
  }

  parts(message: Message, field: string): JsonObject[] {
    if (message.name !== undefined) this.#dropped(`${field}.name`, 'The provider knows no names of participants.');
    const parts: JsonObject[] = [];
    for (const [index, part] of message.parts.entries()) {
      const path = `${field}.content[${index}]`;
      if (part.type === 'reasoning') this.#reasoning(part, parts, path);
      else parts.push(...this.#part(part, path));
    }
    const settled = message.role === 'assistant' ? withSignedText(parts) : parts;
    if (message.role === 'assistant' && this.#signs) sign(settled);
    return settled;
  }

  #dropped(field: string, reason: string): JsonObject[] {
    this.#warn({ kind: 'dropped', field, reason });
    return [];
  }

  #part(part: Exclude<Part, ReasoningPart>, field: string): JsonObject[] {
    if ('cache' in part && part.cache !== undefined) {
      this.#dropped(`${field}.cache_control`, 'The provider caches by itself, without marks.');
    }
    switch (part.type) {
      case 'text':
        return part.text === '' ? [] : [{ text: part.text, ...part.extensions?.[ID] }];
      case 'refusal':
        return part.text === '' ? [] : [{ text: part.text }];
      case 'image':
      case 'audio':
      case 'document': {
        if (part.type === 'image' && part.detail !== undefined && part.detail !== 'auto') {
          this.#dropped(`${field}.detail`, 'The provider takes no detail per image.');
        }
        if (part.type === 'document' && part.citations === true) {
          this.#dropped(`${field}.citations`, 'The provider cannot be asked to cite a document.');
        }
        const media = encodeMedia(part);
        return media === undefined ? this.#dropped(field, 'The file is kept by another provider.') : [media];
      }
      case 'tool-call':
        return [this.#call(part, field)];
      case 'tool-result':
        return this.#result(part, field);
      case 'opaque':
        break;
    }
    if (part.origin === ID) return [part.value];
    return this.#dropped(field, `Only ${part.origin} understands a block of type ${String(part.value.type)}.`);
  }

  /** A proof of Google's goes back onto the very part it came with: a thought, or the text before it. */
  #reasoning({ text, signature, data, details, origin }: ReasoningPart, parts: JsonObject[], field: string): void {
    const last = parts.at(-1);
    if (origin === ID && signature !== undefined) {
      if (text !== '') parts.push({ text, thought: true, thoughtSignature: signature });
      else if (typeof last?.text === 'string' && last.thoughtSignature === undefined) last.thoughtSignature = signature;
      else parts.push({ text: '', thoughtSignature: signature });
      return;
    }
    if (signature !== undefined || data !== undefined || details !== undefined) {
      this.#dropped(field, `Only ${origin ?? 'its own provider'} can read the proof of this reasoning.`);
      return;
    }
    if (text !== '') parts.push({ text, thought: true });
  }

  #call({ id, name, arguments: json, signature, custom }: ToolCallPart, field: string): JsonObject {
    this.#names.set(id, name);
    const parsed = json.trim() === '' ? {} : parseJson(json);
    const args = custom !== true && isObject(parsed) ? parsed : undefined;
    if (args === undefined) {
      const reason = 'The arguments are no JSON object; they were sent as the text of `input`.';
      this.#warn({ kind: 'changed', field: `${field}.arguments`, reason });
    }
    return {
      functionCall: { ...(id !== '' && { id }), name, args: args ?? { input: json } },
      ...present('thoughtSignature', signature),
    };
  }

  #result({ callId, parts, isError, extensions }: ToolResultPart, field: string): JsonObject[] {
    const texts: string[] = [];
    const media: JsonObject[] = [];
    for (const [index, part] of parts.entries()) {
      if (part.type === 'text') texts.push(part.text);
      else media.push(...this.#part(part, `${field}.content[${index}]`));
    }
    texts.push(...media.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])));
    const files = media.filter(({ text }) => typeof text !== 'string');
    const response = {
      ...(callId !== '' && { id: callId }),
      name: this.#names.get(callId) ?? callId,
      response: responseOf(texts.join('\n'), isError === true),
      ...extensions?.[ID],
    };
    // Before Gemini 3 a response holds no media: they stand beside it.
    if (this.#mediaInResults && files.length > 0) return [{ functionResponse: { ...response, parts: files } }];
    return [{ functionResponse: response }, ...files];
  }
}

/** A response must be an object. */
function responseOf(text: string, isError: boolean): JsonObject {
  if (isError) return { error: text };
  const value = parseJson(text);
  return isObject(value) ? value : { output: text };
}

/** Clients that keep reasoning apart from the text (OpenAI's) send the signature of a text before it. */
function withSignedText(parts: JsonObject[]): JsonObject[] {
  const [signature, said, ...rest] = parts;
  if (signature?.text !== '' || typeof said?.text !== 'string') return parts;
  if (said.thought === true || said.thoughtSignature !== undefined) return parts;
  return [{ ...said, thoughtSignature: signature.thoughtSignature }, ...rest];
}

/** Gemini 3 refuses a turn whose first call is unsigned, as those of other providers are. */
function sign(parts: readonly JsonObject[]): void {
  const first = parts.find(({ functionCall }) => functionCall !== undefined);
  if (first !== undefined) first.thoughtSignature ??= UNSIGNED;
}
