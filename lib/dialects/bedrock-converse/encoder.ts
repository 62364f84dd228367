/** Events to a client's stream: one open block at a time, numbered without gaps, then the stop reason, then the usage. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { ReplyContext, StreamEncoder } from '../dialect.ts';
import { callIds, ONE_ANSWER, warnOnce } from '../telling.ts';
import { encodeCitation } from './citation.ts';
import { streamException } from './error.ts';
import { callProof, proofField } from './proof.ts';
import { answerFields } from './response.ts';
import { BlockSequence, type BlockEvent } from './sequence.ts';
import { eventLine, formatOf, ID, stopReasonOf } from './wire.ts';

type Finish = Extract<GenerateEvent, { type: 'finish' }>;

/** The block being told. */
interface Current {
  readonly block: number;
  /** A call whose arguments have begun. */
  told: boolean;
  /** Origin of the proofs of reasoning, where its start knew it; the id of a call. */
  readonly origin?: Extract<GenerateEvent, { type: 'reasoning-start' }>['origin'];
  readonly callId?: string;
}

/** The encoder for one answer. */
export const encodeStream = (context: ReplyContext): StreamEncoder => new Encoder(context);

class Encoder implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #warn: ReturnType<typeof warnOnce>;
  readonly #callId: (given: string) => string;
  readonly #sequence = new BlockSequence();
  #started = false;
  #failed = false;
  #index = 0;
  #current: Current | undefined;
  /** True once something of the current block was sent. */
  #open = false;
  #calls = false;
  #refuses = false;
  #usage: Usage | undefined;
  #finish: Finish | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#warn = warnOnce(context);
    this.#callId = callIds(context, 'tooluse');
  }

  push(event: GenerateEvent): string {
    if (this.#failed) return '';
    if ('block' in event) {
      if (event.choice === 0) return this.#writeAll(this.#sequence.take(event));
      this.#warn(ONE_ANSWER.field, ONE_ANSWER.reason);
      return '';
    }
    switch (event.type) {
      case 'start':
        return this.#messageStart();
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        return '';
      case 'logprobs':
        this.#warn('logprobs', 'The API has no log probabilities.');
        return '';
      case 'finish':
        if (event.choice === 0) this.#finish = event;
        return '';
      case 'error':
        break;
    }
    this.#failed = true;
    const { type, data } = streamException(event.error);
    return eventLine(`exception:${type}`, data);
  }

  end(): string {
    if (this.#failed) return '';
    const text = this.#writeAll(this.#sequence.flush()) + this.#endBlock();
    if (this.#finish !== undefined) return text + this.#messageStart() + this.#messageEnd(this.#finish);
    const error = new GatewayError('upstream', 'The answer ended without a finish reason.');
    return text + this.push({ type: 'error', error });
  }

  #writeAll(events: readonly BlockEvent[]): string {
    return events.map((event) => this.#write(event)).join('');
  }

  #write(event: BlockEvent): string {
    const before = this.#current !== undefined && this.#current.block !== event.block ? this.#endBlock() : '';
    return before + this.#blockEvent(event);
  }

  #blockEvent(event: BlockEvent): string {
    const { block } = event;
    switch (event.type) {
      case 'text-start':
        this.#current = { block, told: false };
        return '';
      case 'refusal-delta':
        this.#refuses = true;
        return this.#delta(block, { text: event.text });
      case 'text-delta':
        return this.#delta(block, { text: event.text });
      case 'citation':
        return this.#citation(event);
      case 'reasoning-start':
        this.#current = { block, told: false, ...(event.origin !== undefined && { origin: event.origin }) };
        return '';
      case 'reasoning-delta':
        return this.#delta(block, { reasoningContent: { text: event.text } });
      case 'reasoning-end':
        return this.#reasoningEnd(event);
      case 'tool-call-start':
        return this.#callStart(event);
      case 'tool-call-delta':
        if (this.#current !== undefined) this.#current.told = true;
        return this.#delta(block, { toolUse: { input: event.arguments } });
      case 'tool-call-end':
        return this.#callEnd(event);
      case 'text-end':
        return this.#endBlock();
      case 'media':
        return this.#media(event);
      case 'opaque':
        break;
    }
    if (event.part.origin === ID) return this.#opaque(event.part.value);
    this.#warn('content', `Only ${event.part.origin} clients understand a part of the answer.`);
    return '';
  }

  #citation({ block, citation }: Extract<BlockEvent, { type: 'citation' }>): string {
    const encoded = encodeCitation(citation);
    if (encoded !== undefined) return this.#delta(block, { citation: encoded });
    this.#warn('citations', 'The API cannot say a citation without an address.');
    return '';
  }

  #reasoningEnd(event: Extract<BlockEvent, { type: 'reasoning-end' }>): string {
    const { type: _, choice: _choice, block, ...proof } = event;
    const origin = this.#current?.origin;
    const field = proofField({ ...(origin !== undefined && { origin }), ...proof }, this.#open);
    const told = field === undefined ? '' : this.#delta(block, { reasoningContent: field });
    return told + this.#endBlock();
  }

  #callStart({ block, id, name }: Extract<BlockEvent, { type: 'tool-call-start' }>): string {
    this.#calls = true;
    const callId = this.#callId(id);
    this.#current = { block, told: false, callId };
    return this.#blockStart({ toolUse: { toolUseId: callId, name } });
  }

  #callEnd(event: Extract<BlockEvent, { type: 'tool-call-end' }>): string {
    const { block, signature, extensions } = event;
    const { told = true, callId = '' } = this.#current ?? {};
    const whole = told ? '' : this.#delta(block, { toolUse: { input: '{}' } });
    const carrier = callProof({
      id: callId,
      ...(signature !== undefined && { signature }),
      ...(extensions !== undefined && { extensions }),
    });
    const ended = whole + this.#endBlock();
    if (carrier === undefined) return ended;
    return ended + this.#delta(block, { reasoningContent: { redactedContent: carrier } }) + this.#endBlock();
  }

  #media({ block, part }: Extract<BlockEvent, { type: 'media' }>): string {
    const format = part.source.type === 'base64' ? formatOf(part.source.mediaType) : undefined;
    if (part.type === 'image' && part.source.type === 'base64' && format !== undefined) {
      const image = this.#blockStart({ image: { format } });
      return image + this.#delta(block, { image: { source: { bytes: part.source.data } } }) + this.#endBlock();
    }
    this.#warn('modalities', `The API cannot stream ${part.type === 'image' ? 'such an image' : 'audio'}.`);
    return '';
  }

  /** Tools that Bedrock runs itself, told as the API does; other blocks exist only in answers that are not streamed. */
  #opaque({ toolUse, toolResult }: JsonObject): string {
    if (isObject(toolUse)) {
      const { input, ...start } = toolUse;
      const json = typeof input === 'string' ? input : JSON.stringify(input ?? {});
      return this.#blockStart({ toolUse: start }) + this.#delta(-1, { toolUse: { input: json } }) + this.#endBlock();
    }
    if (isObject(toolResult)) {
      const { content, ...start } = toolResult;
      return this.#blockStart({ toolResult: start }) + this.#delta(-1, { toolResult: content ?? [] }) + this.#endBlock();
    }
    this.#warn('content', 'A part of the answer exists only in answers that are not streamed.');
    return '';
  }

  #blockStart(start: JsonObject): string {
    this.#open = true;
    return this.#messageStart() + eventLine('contentBlockStart', { start, contentBlockIndex: this.#index });
  }

  #delta(block: number, delta: JsonObject): string {
    this.#open = true;
    this.#current ??= { block, told: true };
    return this.#messageStart() + eventLine('contentBlockDelta', { delta, contentBlockIndex: this.#index });
  }

  #endBlock(): string {
    const open = this.#open;
    this.#open = false;
    this.#current = undefined;
    return open ? eventLine('contentBlockStop', { contentBlockIndex: this.#index++ }) : '';
  }

  #messageStart(): string {
    if (this.#started) return '';
    this.#started = true;
    return eventLine('messageStart', { role: 'assistant' });
  }

  #messageEnd({ reason, raw, stopSequence, extensions }: Finish): string {
    const stopReason = stopReasonOf({
      reason,
      ...(raw !== undefined && { raw }),
      ...(stopSequence !== undefined && { stopSequence }),
      callsTools: this.#calls,
      refuses: this.#refuses,
    });
    const { additionalModelResponseFields, ...metadata } = answerFields(extensions?.[ID], this.#usage, this.#context);
    const stop = { stopReason, ...(additionalModelResponseFields !== undefined && { additionalModelResponseFields }) };
    return eventLine('messageStop', stop) + eventLine('metadata', metadata);
  }
}
