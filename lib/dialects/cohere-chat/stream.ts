/** Streams, both ways. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { Decoding, ReplyContext, StreamDecoder, StreamEncoder } from '../dialect.ts';
import { ONE_ANSWER } from '../telling.ts';
import { objectsOf } from '../values.ts';
import { AnswerDecoder } from './answer.ts';
import { encodeCitation } from './citations.ts';
import { errorInside } from './error.ts';
import { hasProof, NO_PROOF, unsayable } from './response.ts';
import { DIALECT, encodeLogprobs, encodeUsage, finishWord } from './wire.ts';

const NOTHING: readonly GenerateEvent[] = [];

/** Decodes a provider's stream. It ends with `message-end`; the `[DONE]` that follows says nothing. */
export function decodeStream(decoding: Decoding): StreamDecoder {
  const answer = new AnswerDecoder(decoding);
  const fail = (message: string): readonly GenerateEvent[] => answer.fail(new GatewayError('upstream', message));
  return {
    push({ event, data }) {
      if (answer.ended || data === '' || data === '[DONE]') return NOTHING;
      const value = parseJson(data);
      if (event === 'error') return answer.fail(errorInside(value ?? data));
      if (!isObject(value)) return fail('The provider sent a stream event that is not a JSON object.');
      return answer.take(value.type === undefined && event !== undefined ? { ...value, type: event } : value);
    },
    end: () => (answer.ended ? NOTHING : fail('The provider ended its stream before the answer was finished.')),
  };
}

/** Writes a client's stream. One per answer. */
export const encodeStream = (context: ReplyContext): StreamEncoder => new EventWriter(context);

type BlockEvent = Extract<GenerateEvent, { block: number }>;

/** A block on its way to the client: an element of `content`, or a call, each numbered from 0. */
interface Told {
  readonly index: number;
  readonly kind: 'text' | 'thinking' | 'call';
  /** Text so far, or whether a call has arguments yet. */
  text: string;
  open: boolean;
}

class EventWriter implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #blocks = new Map<number, Told>();
  #id: string;
  #started = false;
  #failed = false;
  #contents = 0;
  #calls = 0;
  #citations = 0;
  #usage: Usage | undefined;
  #finish: Extract<GenerateEvent, { type: 'finish' }> | undefined;
  #warned = new Set<object>();

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#id = context.id;
  }

  push(event: GenerateEvent): string {
    if (this.#failed) return '';
    if ('choice' in event && event.choice !== 0) return this.#drop(ONE_ANSWER);
    if ('block' in event) return this.#write(event);
    switch (event.type) {
      case 'start':
        this.#id = event.id ?? this.#id;
        return this.#start();
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        return '';
      case 'logprobs':
        return encodeLogprobs(event.logprobs)
          .map((logprobs) => this.#event('content-delta', this.#logprobs(logprobs)))
          .join('');
      case 'finish':
        this.#finish = event;
        return '';
      case 'error':
        return this.#fail(event.error);
    }
  }

  end(): string {
    if (!this.#failed && this.#finish === undefined) {
      return this.#fail(new GatewayError('upstream', 'The answer ended before it was finished.')) + DONE;
    }
    return this.#failed || this.#finish === undefined ? DONE : this.#end(this.#finish) + DONE;
  }

  #drop(warning: Parameters<ReplyContext['warn']>[0]): string {
    if (!this.#warned.has(warning)) this.#context.warn(warning);
    this.#warned.add(warning);
    return '';
  }

  #event(type: string, fields: JsonObject): string {
    return `${this.#start()}event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  }

  #start(): string {
    if (this.#started) return '';
    this.#started = true;
    const message = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
    return this.#event('message-start', { id: this.#id, delta: { message } });
  }

  #write(event: BlockEvent): string {
    const told = this.#blocks.get(event.block);
    switch (event.type) {
      case 'text-start':
      case 'reasoning-start':
        return '';
      case 'text-delta':
      case 'refusal-delta':
        return this.#content(event.block, 'text', event.text);
      case 'reasoning-delta':
        return this.#content(event.block, 'thinking', event.text);
      case 'reasoning-end':
        if (hasProof(event)) this.#drop(NO_PROOF);
        return this.#close(told);
      case 'text-end':
        return this.#close(told);
      case 'citation': {
        const { index, text } = told ?? { index: 0, text: '' };
        return this.#cite(encodeCitation(event.citation, text, index));
      }
      case 'tool-call-start':
        return this.#startCall(event);
      case 'tool-call-delta':
        return told === undefined ? '' : this.#argue(told, event.arguments);
      case 'tool-call-end': {
        const filled = told !== undefined && told.text.trim() === '' ? this.#argue(told, '{}') : '';
        return filled + this.#close(told);
      }
      case 'media':
      case 'opaque':
        return this.#drop(unsayable(event.part));
    }
  }

  #content(block: number, kind: 'text' | 'thinking', text: string): string {
    let told = this.#blocks.get(block);
    let opening = '';
    if (told === undefined) {
      told = { index: this.#contents++, kind, text: '', open: true };
      this.#blocks.set(block, told);
      opening = this.#event('content-start', {
        index: told.index,
        delta: { message: { content: { type: kind, [kind]: '' } } },
      });
    }
    told.text += text;
    const content = { [kind]: text };
    return opening + this.#event('content-delta', { index: told.index, delta: { message: { content } } });
  }

  #cite(citation: JsonObject): string {
    const index = this.#citations++;
    const start = this.#event('citation-start', { index, delta: { message: { citations: citation } } });
    return start + this.#event('citation-end', { index });
  }

  #logprobs(logprobs: JsonObject): JsonObject {
    return { index: Math.max(0, this.#contents - 1), logprobs, delta: { message: { content: { text: '' } } } };
  }

  #startCall({ block, id, name }: Extract<GenerateEvent, { type: 'tool-call-start' }>): string {
    const index = this.#calls++;
    this.#blocks.set(block, { index, kind: 'call', text: '', open: true });
    const call = {
      id: id === '' ? `call_${this.#context.id}_${index}` : id,
      type: 'function',
      function: { name, arguments: '' },
    };
    return this.#event('tool-call-start', { index, delta: { message: { tool_calls: call } } });
  }

  #argue(told: Told, text: string): string {
    told.text += text;
    const calls = { function: { arguments: text } };
    return this.#event('tool-call-delta', { index: told.index, delta: { message: { tool_calls: calls } } });
  }

  #close(told: Told | undefined): string {
    if (told === undefined || !told.open) return '';
    told.open = false;
    return this.#event(told.kind === 'call' ? 'tool-call-end' : 'content-end', { index: told.index });
  }

  #end({ reason, stopSequence, extensions }: Extract<GenerateEvent, { type: 'finish' }>): string {
    const open = [...this.#blocks.values()].map((told) => this.#close(told)).join('');
    const asides = objectsOf(extensions?.[DIALECT]?.citations)
      .map((citation) => this.#cite(citation))
      .join('');
    const word = finishWord(reason, { calls: this.#calls > 0, stopSequence: stopSequence !== undefined });
    return open + asides + this.#event('message-end', { delta: { finish_reason: word, ...this.#counted() } });
  }

  /** An error ends the message: the API has no other event for it. */
  #fail(error: GatewayError): string {
    this.#failed = true;
    const delta = { finish_reason: 'ERROR', error: error.message, ...this.#counted() };
    return this.#event('message-end', { delta });
  }

  #counted(): JsonObject {
    const usage = this.#usage;
    return usage === undefined ? {} : { usage: encodeUsage(usage, this.#context.costOf?.(usage)) };
  }
}

const DONE = 'data: [DONE]\n\n';
