/** Streams, both ways: one JSON object a line. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { ReplyContext, StreamDecoder, StreamEncoder } from '../dialect.ts';
import { ONE_ANSWER } from '../telling.ts';
import { AnswerDecoder } from './answer.ts';
import { encodeError } from './error.ts';
import { encodeCall, logprobsField, lossOf, timeOf, unsaidEnd } from './response.ts';
import { DIALECT, encodeUsage, finishWord, isUnsaidEnd } from './wire.ts';

/** Decodes a provider's stream. It ends with the line that says `done`; one without was cut short. */
export function decodeStream(): StreamDecoder {
  const answer = new AnswerDecoder();
  const fail = (message: string): readonly GenerateEvent[] => answer.fail(new GatewayError('upstream', message));
  return {
    push({ data }) {
      if (answer.ended) return [];
      const line = parseJson(data);
      return isObject(line) ? answer.take(line) : fail('The provider sent a line that is not a JSON object.');
    },
    end: () => (answer.ended ? [] : fail('The provider ended its stream before the answer was finished.')),
  };
}

/** Writes a client's stream. One per answer. */
export const encodeStream = (context: ReplyContext): StreamEncoder => new LineWriter(context);

/** A call whose arguments are still coming. */
interface Growing {
  readonly id: string;
  readonly name: string;
  readonly custom?: boolean;
  arguments: string;
}

class LineWriter implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #calls = new Map<number, Growing>();
  readonly #warned = new Set<string>();
  /** Everything of a line before its message. */
  #head: string;
  #sent = 0;
  #failed = false;
  #usage: Usage | undefined;
  #finish: Extract<GenerateEvent, { type: 'finish' }> | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#head = headOf(context.model, context.created);
  }

  push(event: GenerateEvent): string {
    if (this.#failed) return '';
    if ('choice' in event && event.choice !== 0) return this.#drop(ONE_ANSWER);
    switch (event.type) {
      case 'start':
        this.#head = headOf(event.model ?? this.#context.model, event.created ?? this.#context.created);
        return '';
      case 'text-delta':
      case 'refusal-delta':
        return this.#line(`{"role":"assistant","content":${JSON.stringify(event.text)}}`);
      case 'reasoning-delta':
        return this.#line(`{"role":"assistant","content":"","thinking":${JSON.stringify(event.text)}}`);
      case 'text-start':
      case 'text-end':
      case 'reasoning-start':
        return '';
      case 'reasoning-end':
        return this.#drop(lossOf({ ...event, type: 'reasoning' }));
      case 'citation':
        return this.#drop(lossOf({ type: 'text', text: '', citations: [event.citation] }));
      case 'media':
      case 'opaque':
        return this.#drop(lossOf(event.part));
      case 'tool-call-start':
        this.#calls.set(event.block, { ...event, arguments: '' });
        return '';
      case 'tool-call-delta': {
        const call = this.#calls.get(event.block);
        if (call !== undefined) call.arguments += event.arguments;
        return '';
      }
      case 'tool-call-end':
        return this.#call(event.block);
      case 'logprobs':
        return this.#line('{"role":"assistant","content":""}', logprobsField(event.logprobs));
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        return '';
      case 'finish':
        this.#finish = event;
        return '';
      case 'error':
        return this.#fail(event.error);
    }
  }

  end(): string {
    if (this.#failed) return '';
    const calls = [...this.#calls.keys()].map((block) => this.#call(block)).join('');
    if (this.#finish === undefined) {
      return calls + this.#fail(new GatewayError('upstream', 'The answer ended before it was finished.'));
    }
    return calls + this.#last(this.#finish);
  }

  #drop(warning: Parameters<ReplyContext['warn']>[0] | undefined): string {
    if (warning === undefined || this.#warned.has(warning.reason)) return '';
    this.#warned.add(warning.reason);
    this.#context.warn(warning);
    return '';
  }

  #line(message: string, more: JsonObject = {}): string {
    const rest = JSON.stringify({ done: false, ...more }).slice(1);
    return `${this.#head}${message},${rest}\n`;
  }

  #call(block: number): string {
    const call = this.#calls.get(block);
    if (call === undefined) return '';
    this.#calls.delete(block);
    const calls = [encodeCall(call, this.#sent++, this.#context)];
    return this.#line(JSON.stringify({ role: 'assistant', content: '', tool_calls: calls }));
  }

  #last({ reason, extensions }: Extract<GenerateEvent, { type: 'finish' }>): string {
    if (isUnsaidEnd(reason)) this.#drop(unsaidEnd(reason));
    const usage = this.#usage;
    return this.#line('{"role":"assistant","content":""}', {
      done: true,
      done_reason: finishWord(reason),
      ...extensions?.[DIALECT],
      ...(usage !== undefined && encodeUsage(usage, this.#context.costOf?.(usage))),
    });
  }

  #fail(error: GatewayError): string {
    this.#failed = true;
    return `${JSON.stringify(encodeError(error))}\n`;
  }
}

const headOf = (model: string, created: number): string =>
  `${JSON.stringify({ model, created_at: timeOf(created) }).slice(0, -1)},"message":`;
