/** Streams, both ways. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent, Part } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { ReplyContext, StreamDecoder, StreamEncoder } from '../dialect.ts';
import { decodeChunks } from '../openai-chat/chunks.ts';
import { encodeUsage } from '../openai-chat/usage.ts';
import { AnswerDecoder } from './answer.ts';
import { encodeError } from './error.ts';
import { encodeLogprobs, lengthOf } from './logprobs.ts';
import { DIALECT, finishWord, lossOf, partOf } from './wire.ts';

/** Decodes a provider's stream. */
export const decodeStream = (): StreamDecoder => decodeChunks(new AnswerDecoder());

type ChoiceEvent = Extract<GenerateEvent, { choice: number }>;

/** A choice on its way to the client. */
interface Told {
  spoke: boolean;
  /** UTF-16 units of the tokens whose figures were sent. */
  figured: number;
  finished: boolean;
  /** Kinds of parts whose loss was told. */
  readonly lost: Set<Part['type']>;
}

/** Writes a client's stream. One per answer. */
export function encodeStream(context: ReplyContext): StreamEncoder {
  return new ChunkWriter(context);
}

class ChunkWriter implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #choices = new Map<number, Told>();
  /** Everything of a chunk before its choices. */
  #head: string;
  /** Fields of the answer as a whole, for its first chunk. */
  #own: JsonObject | undefined;
  #usage: Usage | undefined;
  #failed = false;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#head = headOf(context.id, context.created, context.model);
  }

  push(event: GenerateEvent): string {
    if (this.#failed) return '';
    if (!('choice' in event)) return this.#note(event);
    const told = this.#choices.get(event.choice) ?? { spoke: false, figured: 0, finished: false, lost: new Set() };
    this.#choices.set(event.choice, told);
    return this.#write(event, told);
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

  #write(event: ChoiceEvent, told: Told): string {
    if (event.type === 'text-delta' || event.type === 'refusal-delta') {
      told.spoke = true;
      return this.#chunk(event.choice, event.text);
    }
    if (event.type === 'logprobs') return this.#figure(event, told);
    if (event.type === 'finish') return this.#finish(event, told);
    this.#lose(event, told);
    return '';
  }

  #figure({ choice, logprobs }: Extract<GenerateEvent, { type: 'logprobs' }>, told: Told): string {
    const figures = encodeLogprobs(logprobs, told.figured);
    told.figured += lengthOf(logprobs);
    return figures === null ? '' : this.#chunk(choice, '', JSON.stringify(figures));
  }

  #finish({ choice, reason, stopSequence }: Extract<GenerateEvent, { type: 'finish' }>, told: Told): string {
    if (told.finished) return '';
    told.finished = true;
    const stop = stopSequence === undefined ? '' : `,"stop_reason":${JSON.stringify(stopSequence)}`;
    return this.#chunk(choice, '', 'null', `"${finishWord(reason, told.spoke)}"${stop}`);
  }

  #lose(event: ChoiceEvent, { lost }: Told): void {
    const type = partOf(event);
    if (type === undefined || lost.has(type)) return;
    lost.add(type);
    const loss = lossOf(type, event.choice);
    if (loss !== undefined) this.#context.warn(loss);
  }

  #usageChunk(): string {
    if (this.#usage === undefined || !this.#context.includeUsage) return '';
    return `${this.#head}],"usage":${JSON.stringify(encodeUsage(this.#usage, this.#context.costOf))}}\n\n`;
  }

  #fail(error: GatewayError): string {
    this.#failed = true;
    return `data: ${JSON.stringify(encodeError(error))}\n\n`;
  }

  /** One chunk with one choice: `logprobs` and `finish` are JSON text. */
  #chunk(choice: number, text: string, logprobs = 'null', finish = 'null'): string {
    const own = this.#own === undefined ? '' : `,${JSON.stringify(this.#own).slice(1, -1)}`;
    this.#own = undefined;
    return `${this.#head}{"text":${JSON.stringify(text)},"index":${choice},"logprobs":${logprobs},"finish_reason":${finish}}]${own}}\n\n`;
  }
}

const headOf = (id: string, created: number, model: string): string =>
  `data: {"id":${JSON.stringify(id)},"object":"text_completion","created":${created},"model":${JSON.stringify(model)},"choices":[`;
