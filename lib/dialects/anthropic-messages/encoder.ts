/**
 * Events to a client's stream. The API knows one open block at a time, numbered without gaps, so blocks are told one after the other
 * in order of their first event; what comes for a later block waits. The usage stands in the last event, so the end waits for it.
 */
import { GatewayError } from '../../errors.ts';
import type { DialectId, GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { ReplyContext, StreamEncoder } from '../dialect.ts';
import { callIds, ONE_ANSWER, warnOnce } from '../telling.ts';
import { encodeCitation } from './citation.ts';
import { errorEvent } from './error.ts';
import { callProofBlock, proofField } from './proof.ts';
import { encodeUsage } from './usage.ts';
import { ID, sseFrame, stopReasonOf } from './wire.ts';

type BlockEvent = Extract<GenerateEvent, { block: number }>;
type ReasoningEnd = Extract<GenerateEvent, { type: 'reasoning-end' }>;
type CallEnd = Extract<GenerateEvent, { type: 'tool-call-end' }>;
type Finish = Extract<GenerateEvent, { type: 'finish' }>;

/** A block of ours that no event speaks of. */
const NO_BLOCK = -1;

/** The encoder for one answer. */
export const encodeStream = (context: ReplyContext): StreamEncoder => new Encoder(context);

/** The block being told. */
interface Current {
  readonly block: number;
  /** True once its start was sent. */
  open: boolean;
  /** A refusal has no end of its own. */
  endless: boolean;
  origin?: DialectId;
  /** The call, when it is one. */
  readonly callId?: string;
}

class Encoder implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #warn: (field: string, reason: string) => void;
  readonly #callId: (given: string) => string;
  readonly #waiting = new Map<number, BlockEvent[]>();
  #start: Extract<GenerateEvent, { type: 'start' }> | undefined;
  #started = false;
  #failed = false;
  #index = 0;
  #current: Current | undefined;
  #calls = false;
  #refuses = false;
  #usage: Usage | undefined;
  #finish: Finish | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#warn = warnOnce(context);
    this.#callId = callIds(context, 'toolu');
  }

  push(event: GenerateEvent): string {
    if (this.#failed) return '';
    switch (event.type) {
      case 'start':
        this.#start = event;
        return '';
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        return '';
      case 'error':
        this.#failed = true;
        return sseFrame('error', errorEvent(event.error));
      case 'logprobs':
        this.#warn('logprobs', 'The API has no log probabilities.');
        return '';
      case 'finish':
        if (event.choice === 0) this.#finish = event;
        return '';
      case 'text-start':
      case 'text-delta':
      case 'text-end':
      case 'refusal-delta':
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
      case 'tool-call-start':
      case 'tool-call-delta':
      case 'tool-call-end':
      case 'citation':
      case 'media':
      case 'opaque':
        break;
    }
    return this.#block(event);
  }

  end(): string {
    if (this.#failed) return '';
    const text = this.#endBlock() + this.#drain(true);
    if (this.#finish === undefined) {
      return (
        text + this.push({ type: 'error', error: new GatewayError('upstream', 'The answer ended without a finish reason.') })
      );
    }
    return text + this.#messageStart() + this.#messageEnd(this.#finish);
  }

  #block(event: BlockEvent): string {
    if (event.choice !== 0) {
      this.#warn(ONE_ANSWER.field, ONE_ANSWER.reason);
      return '';
    }
    if (this.#current?.block === event.block) return this.#write(event) + this.#drain(false);
    const before = this.#isEndless() ? this.#endBlock() : '';
    if (this.#current === undefined && this.#waiting.size === 0) return before + this.#write(event);
    const queue = this.#waiting.get(event.block);
    if (queue === undefined) this.#waiting.set(event.block, [event]);
    else queue.push(event);
    return before;
  }

  #isEndless(): boolean {
    return this.#current?.endless === true;
  }

  /** Tells the blocks that waited for the current one to end. */
  #drain(all: boolean): string {
    let text = '';
    for (const [block, events] of this.#waiting) {
      if (this.#current !== undefined) break;
      this.#waiting.delete(block);
      for (const event of events) text += this.#write(event);
      if (all || (this.#waiting.size > 0 && this.#isEndless())) text += this.#endBlock();
    }
    return text;
  }

  #write(event: BlockEvent): string {
    const current = (this.#current ??= { block: event.block, open: false, endless: false });
    switch (event.type) {
      case 'text-start':
        return '';
      case 'text-delta':
        return this.#open({ type: 'text', text: '' }) + this.#delta({ type: 'text_delta', text: event.text });
      case 'citation': {
        const citation = encodeCitation(event.citation);
        if (citation !== undefined)
          return this.#open({ type: 'text', text: '' }) + this.#delta({ type: 'citations_delta', citation });
        this.#warn('citations', 'The API cannot say a citation without an address.');
        return '';
      }
      case 'refusal-delta':
        this.#refuses = true;
        current.endless = true;
        return this.#open({ type: 'text', text: '' }) + this.#delta({ type: 'text_delta', text: event.text });
      case 'reasoning-start':
        if (event.origin !== undefined) current.origin = event.origin;
        return '';
      case 'reasoning-delta':
        return (
          this.#open({ type: 'thinking', thinking: '', signature: '' }) +
          this.#delta({ type: 'thinking_delta', thinking: event.text })
        );
      case 'tool-call-start': {
        this.#calls = true;
        const id = this.#callId(event.id);
        this.#current = { ...current, callId: id };
        return this.#open({ type: 'tool_use', id, name: event.name, input: {} });
      }
      case 'tool-call-delta':
        return this.#delta({ type: 'input_json_delta', partial_json: event.arguments });
      case 'reasoning-end':
        return this.#reasoningEnd(event, current);
      case 'tool-call-end':
        return this.#callEnd(event, current);
      case 'text-end':
        return this.#endBlock();
      case 'media':
        this.#warn('modalities', `The API cannot say ${event.part.type === 'image' ? 'an image' : 'audio'}.`);
        return this.#endBlock();
      case 'opaque':
        break;
    }
    if (event.part.origin === ID) return this.#opaque(event.part.value);
    this.#warn('content', `Only ${event.part.origin} clients understand a part of the answer.`);
    return this.#endBlock();
  }

  #reasoningEnd(event: ReasoningEnd, { open, origin }: Current): string {
    const { type: _, choice: _choice, block: _block, ...proof } = event;
    const field = proofField({ ...(origin !== undefined && { origin }), ...proof }, open);
    if (field === undefined) return this.#endBlock();
    if ('data' in field) return this.#open({ type: 'redacted_thinking', ...field }) + this.#endBlock();
    const proven = field.signature !== '';
    return (
      this.#open({ type: 'thinking', thinking: '', signature: '' }) +
      (proven ? this.#delta({ type: 'signature_delta', ...field }) : '') +
      this.#endBlock()
    );
  }

  #callEnd(event: CallEnd, { callId = '' }: Current): string {
    const { type: _, choice: _choice, block: _block, ...proof } = event;
    if (proof.extensions?.[ID] !== undefined) {
      this.#warn('tool_use', 'What stands beside a tool call is known only after its start was sent.');
    }
    const carrier = callProofBlock({ id: callId, ...proof });
    const text = this.#endBlock();
    if (carrier === undefined) return text;
    this.#current = { block: NO_BLOCK, open: false, endless: false };
    return text + this.#open(carrier) + this.#endBlock();
  }

  /** Server tools tell their input as deltas, as the API does. */
  #opaque(value: JsonObject): string {
    const { input } = value;
    if (!isObject(input)) return this.#open(value) + this.#endBlock();
    return (
      this.#open({ ...value, input: {} }) +
      this.#delta({ type: 'input_json_delta', partial_json: JSON.stringify(input) }) +
      this.#endBlock()
    );
  }

  #open(block: JsonObject): string {
    if (this.#current === undefined || this.#current.open) return '';
    this.#current.open = true;
    return this.#messageStart() + sseFrame('content_block_start', { index: this.#index, content_block: block });
  }

  #delta(delta: JsonObject): string {
    return sseFrame('content_block_delta', { index: this.#index, delta });
  }

  #endBlock(): string {
    const open = this.#current?.open === true;
    this.#current = undefined;
    return open ? sseFrame('content_block_stop', { index: this.#index++ }) : '';
  }

  #messageStart(): string {
    if (this.#started) return '';
    this.#started = true;
    const { id, model, extensions } = this.#start ?? {};
    const message = {
      ...extensions?.[ID],
      id: id ?? `msg_${this.#context.id}`,
      type: 'message',
      role: 'assistant',
      model: model ?? this.#context.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: encodeUsage(this.#usage),
    };
    return sseFrame('message_start', { message });
  }

  #messageEnd(finish: Finish): string {
    const { type: _, choice: _choice, extensions, ...ending } = finish;
    const { context_management: contextManagement, ...beside } = extensions?.[ID] ?? {};
    const stopReason = stopReasonOf({ ...ending, callsTools: this.#calls, refuses: this.#refuses });
    const cost = this.#usage === undefined ? undefined : this.#context.costOf?.(this.#usage);
    return (
      sseFrame('message_delta', {
        delta: {
          ...beside,
          stop_reason: stopReason,
          stop_sequence: stopReason === 'stop_sequence' ? ending.stopSequence : null,
        },
        usage: encodeUsage(this.#usage, cost),
        ...(contextManagement !== undefined && { context_management: contextManagement }),
      }) + sseFrame('message_stop', {})
    );
  }
}
