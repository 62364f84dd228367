/** One candidate of a provider's answer, piece by piece, to events. */
import type { AudioPart, GenerateEvent, ImagePart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding } from '../dialect.ts';
import { objectsOf, present, textOf, unknownFields } from '../values.ts';
import { setPartial } from './partial-args.ts';
import { citationsOf, type TextRun } from './grounding.ts';
import { decodeLogprobs } from './logprobs.ts';
import { finishOf, ID } from './wire.ts';

/** The block being told. */
interface OpenBlock {
  readonly kind: 'text' | 'reasoning';
  readonly block: number;
}

/** A call whose arguments are still coming. */
interface OpenCall {
  readonly block: number;
  readonly args: JsonObject;
  signature: string | undefined;
  /** The call stands for a JSON answer: its arguments are text. */
  readonly answer: boolean;
}

const FIELDS: ReadonlySet<string> = new Set(['content', 'finishReason', 'index', 'logprobsResult', 'tokenCount']);

/** Events of one candidate. Pieces of text join until a part of another kind comes; every function call is a block of its own. */
export class ChoiceDecoder {
  readonly #choice: number;
  readonly #answerId: string | undefined;
  readonly #decoding: Decoding;
  readonly #texts: TextRun[] = [];
  #blocks = 0;
  #calls = 0;
  #open: OpenBlock | undefined;
  #call: OpenCall | undefined;
  #finish: string | undefined;
  #extensions: JsonObject = {};

  constructor(choice: number, answerId: string | undefined, decoding: Decoding) {
    this.#choice = choice;
    this.#answerId = answerId;
    this.#decoding = decoding;
  }

  /** True once the provider said why the candidate ended. */
  get finished(): boolean {
    return this.#finish !== undefined;
  }

  /** Searches of the web the answer took. */
  get searches(): number {
    const { groundingMetadata } = this.#extensions;
    const queries = isObject(groundingMetadata) ? groundingMetadata.webSearchQueries : undefined;
    return Array.isArray(queries) ? queries.length : 0;
  }

  take(candidate: JsonObject): GenerateEvent[] {
    const { content, finishReason, logprobsResult } = candidate;
    const events = isObject(content) ? objectsOf(content.parts).flatMap((part) => this.#part(part)) : [];
    for (const [name, value] of Object.entries(unknownFields(candidate, FIELDS) ?? {})) {
      if (!isObject(value) || Object.keys(value).length > 0) this.#extensions[name] = value;
    }
    this.#finish = textOf(finishReason) ?? this.#finish;
    const logprobs = isObject(logprobsResult) ? decodeLogprobs(logprobsResult) : undefined;
    if (logprobs !== undefined) events.push({ type: 'logprobs', choice: this.#choice, logprobs });
    return events;
  }

  /** Closes what is open, for an answer that broke off: a call whose arguments did not all come stays incomplete. */
  close(): GenerateEvent[] {
    const call = this.#call;
    this.#call = undefined;
    const at = { choice: this.#choice, block: call?.block ?? 0 };
    return [
      ...this.#close(),
      ...(call === undefined ? [] : [{ type: call.answer ? ('text-end' as const) : ('tool-call-end' as const), ...at }]),
    ];
  }

  /** @param blocked Why the prompt was refused, where it was. */
  end(blocked: string | undefined): GenerateEvent[] {
    const events = this.#endCall();
    const citations = citationsOf(this.#extensions, this.#texts).map(({ block, citation }): GenerateEvent => {
      return { type: 'citation', choice: this.#choice, block, citation };
    });
    const raw = this.#finish ?? blocked;
    const said = this.#finish === undefined && blocked !== undefined ? 'content-filter' : finishOf(raw ?? 'STOP');
    return [
      ...events,
      ...citations,
      ...this.#close(),
      {
        type: 'finish',
        choice: this.#choice,
        // The API says STOP for an answer that calls tools, too.
        reason: said === 'stop' && this.#calls > 0 ? 'tool-calls' : said,
        ...present('raw', raw),
        ...(Object.keys(this.#extensions).length > 0 && { extensions: { [ID]: this.#extensions } }),
      },
    ];
  }

  #part(part: JsonObject): GenerateEvent[] {
    const signature = textOf(part.thoughtSignature);
    if (isObject(part.functionCall)) return this.#functionCall(part.functionCall, signature);
    if (typeof part.text === 'string') {
      return part.thought === true ? this.#thought(part.text, signature) : this.#text(part.text, signature);
    }
    const media = part.thought === true ? undefined : mediaPart(part);
    // An empty part carries nothing but, perhaps, a signature.
    if (media === undefined && Object.keys(part).every((name) => name === 'thoughtSignature' || name === 'thought')) {
      return this.#text('', signature);
    }
    const at = { choice: this.#choice };
    const before = [...this.#endCall(), ...this.#close()];
    if (media !== undefined) return [...before, { type: 'media', ...at, block: this.#blocks++, part: media }];
    return [...before, { type: 'opaque', ...at, block: this.#blocks++, part: { type: 'opaque', origin: ID, value: part } }];
  }

  #thought(text: string, signature: string | undefined): GenerateEvent[] {
    if (text === '' && signature === undefined) return [];
    const events = this.#enter('reasoning');
    if (text !== '') events.push({ type: 'reasoning-delta', ...this.#at(), text });
    return signature === undefined ? events : [...events, ...this.#close(signature)];
  }

  /** The signature of a text is reasoning without words, right behind it: other dialects know no signed text. */
  #text(text: string, signature: string | undefined): GenerateEvent[] {
    const events: GenerateEvent[] = [];
    if (text !== '') {
      events.push(...this.#enter('text'), { type: 'text-delta', ...this.#at(), text });
      const run = this.#texts.at(-1);
      if (run !== undefined) run.text += text;
    }
    return signature === undefined ? events : [...events, ...this.#enter('reasoning'), ...this.#close(signature)];
  }

  #functionCall(call: JsonObject, signature: string | undefined): GenerateEvent[] {
    const name = textOf(call.name);
    const events = name === undefined ? [] : this.#startCall(name, textOf(call.id));
    const open = this.#call;
    if (open === undefined) return events;
    open.signature ??= signature;
    if (isObject(call.args)) Object.assign(open.args, call.args);
    for (const piece of objectsOf(call.partialArgs)) setPartial(open.args, piece);
    return call.willContinue === true ? events : [...events, ...this.#endCall()];
  }

  #startCall(name: string, id: string | undefined): GenerateEvent[] {
    const before = [...this.#endCall(), ...this.#close()];
    const block = this.#blocks++;
    const at = { choice: this.#choice, block };
    const answer = name === this.#decoding.jsonTool;
    this.#call = { block, args: {}, signature: undefined, answer };
    if (answer) return [...before, { type: 'text-start', ...at }];
    const made = `call_${this.#answerId ?? 'x'}_${this.#choice}_${this.#calls++}`;
    return [...before, { type: 'tool-call-start', ...at, id: id ?? made, name }];
  }

  #endCall(): GenerateEvent[] {
    const call = this.#call;
    if (call === undefined) return [];
    this.#call = undefined;
    const at = { choice: this.#choice, block: call.block };
    const json = JSON.stringify(call.args);
    if (call.answer)
      return [
        { type: 'text-delta', ...at, text: json },
        { type: 'text-end', ...at },
      ];
    return [
      { type: 'tool-call-delta', ...at, arguments: json },
      { type: 'tool-call-end', ...at, ...present('signature', call.signature) },
    ];
  }

  #at(): { readonly choice: number; readonly block: number } {
    return { choice: this.#choice, block: this.#open?.block ?? 0 };
  }

  #enter(kind: OpenBlock['kind']): GenerateEvent[] {
    if (this.#open?.kind === kind) return [];
    const before = [...this.#endCall(), ...this.#close()];
    this.#open = { kind, block: this.#blocks++ };
    if (kind === 'reasoning') return [...before, { type: 'reasoning-start', ...this.#at(), origin: ID }];
    this.#texts.push({ block: this.#open.block, text: '' });
    return [...before, { type: 'text-start', ...this.#at() }];
  }

  #close(signature?: string): GenerateEvent[] {
    if (this.#open === undefined) return [];
    const at = this.#at();
    const { kind } = this.#open;
    this.#open = undefined;
    return kind === 'text'
      ? [{ type: 'text-end', ...at }]
      : [{ type: 'reasoning-end', ...at, ...present('signature', signature) }];
  }
}

/** An image or a sound made by the model; undefined for anything else. */
function mediaPart(part: JsonObject): ImagePart | AudioPart | undefined {
  const { inlineData } = part;
  if (!isObject(inlineData)) return undefined;
  const mediaType = textOf(inlineData.mimeType) ?? '';
  const data = textOf(inlineData.data);
  const type = /^(image|audio)\//.exec(mediaType)?.[1];
  if (data === undefined || type === undefined) return undefined;
  const others = unknownFields(part, new Set(['inlineData']));
  return {
    type: type as 'image' | 'audio',
    source: { type: 'base64', mediaType, data },
    ...(others !== undefined && { extensions: { [ID]: others } }),
  };
}
