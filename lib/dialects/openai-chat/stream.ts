/** Streams, both ways. This is the hot path: deltas of text are written with prepared strings around them. */
import { GatewayError } from '../../errors.ts';
import type { Citation, DialectId, GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { mergeUsage } from '../../kinds/usage.ts';
import type { SseFrame } from '../../transport/message.ts';
import type { Decoding, ReplyContext, StreamDecoder, StreamEncoder } from '../dialect.ts';
import { present } from '../values.ts';
import { AnswerDecoder } from './answer.ts';
import { callProofs } from './calls.ts';
import { decodeChunks } from './chunks.ts';
import { cite, citedFields, sourceFields, uncited } from './citations.ts';
import { encodeError } from './error.ts';
import { encodeBlock, hasDetails } from './reasoning.ts';
import { encodeAudio, encodeImage, isLegacy } from './response.ts';
import { encodeUsage } from './usage.ts';
import { DIALECT, finishWord } from './wire.ts';

/** Decodes a provider's stream. */
export const decodeStream = (decoding: Decoding): StreamDecoder => decodeChunks(new AnswerDecoder(decoding));

type ChoiceEvent = Extract<GenerateEvent, { choice: number }>;

/** Reasoning that was told, and whose it is. */
interface Thought {
  text: string;
  readonly origin?: DialectId;
}

/** A choice on its way to the client. */
interface Told {
  /** Tool calls by block. */
  readonly calls: Map<number, { index: number; custom: boolean; blank: boolean }>;
  /** Reasoning by block, for the proof at its end. */
  readonly thoughts: Map<number, Thought>;
  /** Citations of the open text block, which begins at `from`. */
  citations: Citation[];
  from: number;
  length: number;
  refusal: boolean;
  finished: boolean;
}

/** Writes a client's stream. One per answer. */
export function encodeStream(context: ReplyContext): StreamEncoder {
  return new ChunkWriter(context);
}

class ChunkWriter implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #legacy: boolean;
  readonly #choices = new Map<number, Told>();
  /** Everything of a chunk before its choices. */
  #head: string;
  #own: JsonObject | undefined;
  #usage: Usage | undefined;
  #sources = uncited();
  #failed = false;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#legacy = isLegacy(context);
    this.#head = headOf(context.id, context.created, context.model);
  }

  push(event: GenerateEvent): string {
    if (this.#failed) return '';
    if (!('choice' in event)) return this.#note(event);
    const known = this.#choices.get(event.choice);
    if (known !== undefined) return this.#write(event, known);
    const fresh = told();
    this.#choices.set(event.choice, fresh);
    return this.#role(event.choice) + this.#write(event, fresh);
  }

  end(): string {
    const done = 'data: [DONE]\n\n';
    if (this.#failed) return done;
    const complete = this.#choices.size > 0 && [...this.#choices.values()].every(({ finished }) => finished);
    if (!complete) return this.#fail(new GatewayError('upstream', 'The answer ended before it was finished.')) + done;
    return this.#usageChunk() + done;
  }

  /** Events of the answer as a whole. */
  #note(event: Exclude<GenerateEvent, ChoiceEvent>): string {
    if (event.type === 'error') return this.#fail(event.error);
    if (event.type === 'usage') {
      this.#usage = mergeUsage(this.#usage, event.usage);
      return '';
    }
    const { id, created, model } = this.#context;
    this.#head = headOf(event.id ?? id, event.created ?? created, event.model ?? model);
    this.#own = event.extensions?.[DIALECT];
    return '';
  }

  /** The first chunk of a choice, with what the answer has of its own on the very first. */
  #role(choice: number): string {
    const own = this.#own;
    this.#own = undefined;
    return this.#chunk(choice, '{"role":"assistant","content":""}', 'null', own);
  }

  #write(event: ChoiceEvent, told: Told): string {
    const { choice } = event;
    switch (event.type) {
      case 'text-delta':
        told.length += event.text.length;
        return this.#chunk(choice, `{"content":${JSON.stringify(event.text)}}`);
      case 'text-start':
        told.from = told.length;
        return '';
      case 'text-end':
        return this.#cite(choice, told);
      case 'citation':
        told.citations.push(event.citation);
        return '';
      case 'refusal-delta':
        told.refusal = true;
        return this.#chunk(choice, `{"refusal":${JSON.stringify(event.text)}}`);
      case 'reasoning-start':
        told.thoughts.set(event.block, { text: '', ...present('origin', event.origin) });
        return '';
      case 'reasoning-delta':
        thoughtAt(told, event.block).text += event.text;
        return this.#chunk(choice, `{"reasoning_content":${JSON.stringify(event.text)}}`);
      case 'reasoning-end':
        return this.#prove(event, thoughtAt(told, event.block));
      case 'tool-call-start':
        return this.#startCall(event, told);
      case 'tool-call-delta':
        return this.#argue(event, told);
      case 'tool-call-end':
        return this.#endCall(event, told);
      case 'media': {
        const delta = event.part.type === 'image' ? { images: [encodeImage(event.part)] } : { audio: encodeAudio(event.part) };
        return this.#chunk(choice, JSON.stringify(delta));
      }
      case 'opaque': {
        const reason = `Chat completions have no ${String(event.part.value['type'])} block.`;
        this.#context.warn({ kind: 'dropped', field: `choices[${choice}].content[${event.block}]`, reason });
        return '';
      }
      case 'logprobs':
        return this.#chunk(choice, '{}', 'null', undefined, { logprobs: event.logprobs });
      case 'finish':
        break;
    }
    return this.#finish(event, told);
  }

  /** Citations leave with the end of their text, when its span is known; sources of the whole answer leave with the finish. */
  #cite(choice: number, told: Told): string {
    if (told.citations.length === 0) return '';
    const cited = uncited();
    for (const citation of told.citations) cite(cited, citation, { from: told.from, to: told.length });
    told.citations = [];
    this.#sources.sources.push(...cited.sources);
    const fields = citedFields(cited);
    return Object.keys(fields).length === 0 ? '' : this.#chunk(choice, JSON.stringify(fields));
  }

  /** The proof of a block. Its text went before it: items of OpenRouter's kind are sent without, so that no client counts it twice. */
  #prove(event: Extract<GenerateEvent, { type: 'reasoning-end' }>, thought: Thought): string {
    const { choice } = event;
    const proof = { ...thought, ...event };
    if (hasDetails(proof)) {
      return this.#chunk(choice, JSON.stringify({ reasoning_details: (proof.details ?? []).map(withoutText) }));
    }
    const block = encodeBlock(proof);
    return block === undefined ? '' : this.#chunk(choice, JSON.stringify({ thinking_blocks: [block] }));
  }

  #startCall(event: Extract<GenerateEvent, { type: 'tool-call-start' }>, told: Told): string {
    const { choice, block, id, name, custom = false } = event;
    const index = told.calls.size;
    told.calls.set(block, { index, custom, blank: true });
    if (this.#legacy) {
      if (index === 0) return this.#chunk(choice, JSON.stringify({ function_call: { name, arguments: '' } }));
      const reason = `The deprecated functions take one call an answer: the call of ${name} has no place.`;
      this.#context.warn({ kind: 'dropped', field: `choices[${choice}].delta.function_call`, reason });
      return '';
    }
    const call = custom
      ? { index, id, type: 'custom', custom: { name, input: '' } }
      : { index, id, type: 'function', function: { name, arguments: '' } };
    return this.#chunk(choice, JSON.stringify({ tool_calls: [call] }));
  }

  #argue({ choice, block, arguments: text }: Extract<GenerateEvent, { type: 'tool-call-delta' }>, told: Told): string {
    const call = told.calls.get(block);
    if (call === undefined) return '';
    if (call.blank && text.trim() !== '') call.blank = false;
    return this.#arguments(choice, call, JSON.stringify(text));
  }

  #arguments(choice: number, { index, custom }: { index: number; custom: boolean }, json: string): string {
    if (this.#legacy) return index === 0 ? this.#chunk(choice, `{"function_call":{"arguments":${json}}}`) : '';
    const inner = custom ? `"custom":{"input":${json}}` : `"function":{"arguments":${json}}`;
    return this.#chunk(choice, `{"tool_calls":[{"index":${index},${inner}}]}`);
  }

  #endCall(event: Extract<GenerateEvent, { type: 'tool-call-end' }>, told: Told): string {
    const call = told.calls.get(event.block);
    if (call === undefined) return '';
    const filled = call.blank && !call.custom ? this.#arguments(event.choice, call, '"{}"') : '';
    call.blank = false;
    const proofs = callProofs(event);
    if (this.#legacy || Object.keys(proofs).length === 0) return filled;
    return filled + this.#chunk(event.choice, JSON.stringify({ tool_calls: [{ index: call.index, ...proofs }] }));
  }

  #finish(event: Extract<GenerateEvent, { type: 'finish' }>, told: Told): string {
    if (told.finished) return '';
    told.finished = true;
    const { message, ...own } = event.extensions?.[DIALECT] ?? {};
    const word = finishWord(event.reason, { calls: told.calls.size > 0, refusal: told.refusal });
    const reason = this.#legacy && word === 'tool_calls' ? 'function_call' : word;
    const stop = event.stopSequence === undefined ? {} : { stop_reason: event.stopSequence };
    const sources = sourceFields(this.#sources);
    this.#sources = uncited();
    const delta = isObject(message) ? JSON.stringify(message) : '{}';
    return this.#cite(event.choice, told) + this.#chunk(event.choice, delta, `"${reason}"`, sources, { ...stop, ...own });
  }

  #usageChunk(): string {
    const usage = this.#usage;
    if (usage === undefined || !this.#context.includeUsage) return '';
    const tier = usage.serviceTier === undefined ? '' : `,"service_tier":${JSON.stringify(usage.serviceTier)}`;
    return `${this.#head}],"usage":${JSON.stringify(encodeUsage(usage, this.#context.costOf))}${tier}}\n\n`;
  }

  #fail(error: GatewayError): string {
    this.#failed = true;
    return `data: ${JSON.stringify(encodeError(error))}\n\n`;
  }

  /** One chunk with one choice: `delta` and `finish` are JSON text; `top` and `beside` are fields of the chunk and of the choice. */
  #chunk(choice: number, delta: string, finish = 'null', top?: JsonObject, beside?: JsonObject): string {
    const extra = beside === undefined ? '' : inside(beside);
    return `${this.#head}{"index":${choice},"delta":${delta}${extra},"finish_reason":${finish}}]${top === undefined ? '' : inside(top)}}\n\n`;
  }
}

function withoutText(detail: JsonObject): JsonObject {
  const { text: _text, summary: _summary, ...proof } = detail;
  return proof;
}

const headOf = (id: string, created: number, model: string): string =>
  `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":${created},"model":${JSON.stringify(model)},"choices":[`;

/** Fields of an object as they stand after another field. */
function inside(fields: JsonObject): string {
  const text = JSON.stringify(fields);
  return text === '{}' ? '' : `,${text.slice(1, -1)}`;
}

function thoughtAt({ thoughts }: Told, block: number): Thought {
  const known = thoughts.get(block);
  if (known !== undefined) return known;
  const fresh: Thought = { text: '' };
  thoughts.set(block, fresh);
  return fresh;
}

const told = (): Told => ({
  calls: new Map(),
  thoughts: new Map(),
  citations: [],
  from: 0,
  length: 0,
  refusal: false,
  finished: false,
});

/** True for a frame that carries usage and nothing of an answer. */
export function isUsageFrame({ data }: SseFrame): boolean {
  if (!data.includes('"usage"')) return false;
  const chunk = parseJson(data);
  return isObject(chunk) && Array.isArray(chunk['choices']) && chunk['choices'].length === 0 && isObject(chunk['usage']);
}
