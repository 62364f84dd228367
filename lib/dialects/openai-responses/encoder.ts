/**
 * Events to a response object, and to the events of its stream on the way. A whole answer takes the same way, with nobody listening, so
 * both forms are the same. Items may be open at the same time: each event names its item. An item that is complete is told so when the
 * next one begins, or at the end, when it is known whether the answer was cut off in it.
 */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { ReplyContext } from '../dialect.ts';
import { packProof, packReasoning } from '../proof.ts';
import { ONE_ANSWER } from '../telling.ts';
import { encodeAnnotation } from './citations.ts';
import { echoOf } from './echo.ts';
import { errorEvent, failureOf } from './error.ts';
import { CallItem, MessageItem, ReasoningItem, WholeItem, type Emit, type Item, type Slot } from './output.ts';
import { encodeUsage } from './usage.ts';
import { DIALECT, statusOf } from './wire.ts';

type BlockEvent = Extract<GenerateEvent, { block: number }>;
type Of<Type extends GenerateEvent['type']> = Extract<GenerateEvent, { type: Type }>;

/** What a block of ours is in the response. */
interface Place {
  readonly item: Item;
  /** Number of the content part, in a message. */
  readonly part: number;
}

/** Encodes one answer. */
export class ResponseEncoder {
  readonly #context: ReplyContext;
  readonly #emit: Emit;
  readonly #items: Item[] = [];
  readonly #places = new Map<number, Place>();
  /** Origins of reasoning that has no item yet. */
  readonly #origins = new Map<number, Of<'reasoning-start'>['origin']>();
  readonly #callIds = new Set<string>();
  readonly #warned = new Set<string>();
  #head: Of<'start'> = { type: 'start' };
  #started = false;
  #refuses = false;
  #usage: Usage | undefined;
  #finish: Of<'finish'> | undefined;
  #failed = false;

  constructor(context: ReplyContext, emit: Emit) {
    this.#context = context;
    this.#emit = emit;
  }

  /** Reads one event. */
  push(event: GenerateEvent): void {
    if (this.#failed) return;
    if ('choice' in event) this.#pushChoice(event);
    else if (event.type === 'usage') this.#usage = mergeUsage(this.#usage, event.usage);
    else if (event.type === 'error') this.#fail(event.error);
    else {
      this.#head = event;
      this.#start();
    }
  }

  #pushChoice(event: Extract<GenerateEvent, { choice: number }>): void {
    if (event.choice !== 0) {
      this.#warn(ONE_ANSWER.field, ONE_ANSWER.reason);
      return;
    }
    this.#start();
    if (event.type === 'finish') this.#finish = event;
    else if (event.type === 'logprobs') this.#measure(event);
    else this.#block(event);
  }

  /** Ends the answer; gives the response object. A missing finish is an error. */
  end(): JsonObject {
    if (this.#failed) return {};
    const finish = this.#finish;
    if (finish === undefined) {
      this.#fail(new GatewayError('upstream', 'The answer ended before it was finished.'));
      return {};
    }
    const { status, reason } = statusOf(finish.reason, { calls: this.#callIds.size > 0, refusal: this.#refuses });
    if (status === 'failed') {
      this.#fail(new GatewayError('upstream', 'The provider ended its answer with an error.'));
      return {};
    }
    for (const item of this.#items) item.end(status === 'incomplete' ? 'incomplete' : 'completed');
    const details = reason === undefined ? null : { reason };
    const response = this.#response({ status, incomplete_details: details, ...finish.extensions?.[DIALECT] });
    this.#emit(status, { response });
    return response;
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const response = this.#response({ status: 'in_progress' });
    this.#emit('created', { response });
    this.#emit('in_progress', { response });
  }

  #fail(error: GatewayError): void {
    this.#failed = true;
    if (this.#started) {
      this.#emit('failed', { response: this.#response({ status: 'failed', error: failureOf(error) }) });
    } else {
      this.#emit('error', errorEvent(error));
    }
  }

  /** The response object as it stands. */
  #response(state: JsonObject): JsonObject {
    const { id, model, created, extensions } = this.#head;
    const context = this.#context;
    const running = state['status'] === 'in_progress';
    return {
      id: id?.startsWith('resp_') === true ? id : `resp_${context.id}`,
      object: 'response',
      created_at: created ?? context.created,
      error: null,
      incomplete_details: null,
      model: model ?? context.model,
      output: this.#items.map((item) => item.json),
      ...echoOf(context, this.#usage?.serviceTier),
      ...extensions?.[DIALECT],
      usage: running ? null : encodeUsage(this.#usage, context.costOf),
      ...state,
    };
  }

  #block(event: BlockEvent): void {
    switch (event.type) {
      case 'text-start':
        return;
      case 'text-delta':
        return this.#write(event, 'output_text');
      case 'refusal-delta':
        this.#refuses = true;
        return this.#write(event, 'refusal');
      case 'text-end': {
        const place = this.#places.get(event.block);
        if (place?.item instanceof MessageItem) place.item.close(place.part);
        return;
      }
      case 'citation':
        return this.#cite(event);
      case 'reasoning-start':
        this.#origins.set(event.block, event.origin);
        return;
      case 'reasoning-delta':
        this.#reasoningAt(event.block).write(event.text);
        return;
      case 'reasoning-end':
        return this.#prove(event);
      case 'tool-call-start':
        return this.#call(event);
      case 'tool-call-delta': {
        const item = this.#places.get(event.block)?.item;
        if (item instanceof CallItem) item.write(event.arguments);
        return;
      }
      case 'tool-call-end':
        return this.#endCall(event);
      case 'media':
        return this.#media(event);
      case 'opaque':
    }
    if (event.part.origin === DIALECT) this.#whole(event.part.value);
    else this.#warn('output', `Only ${event.part.origin} clients understand a part of the answer.`);
  }

  /** A new item, after ending those that are complete. */
  #add<Kind extends Item>(prefix: string, create: (slot: Slot) => Kind): Kind {
    for (const item of this.#items) if (item.complete) item.end('completed');
    const index = this.#items.length;
    const item = create({ index, id: `${prefix}_${this.#context.id}_${index}`, emit: this.#emit });
    this.#items.push(item);
    return item;
  }

  #write({ block, text }: Of<'text-delta' | 'refusal-delta'>, type: 'output_text' | 'refusal'): void {
    const { item, part } = this.#wordsAt(block, type);
    item.write(part, text);
  }

  /** Texts that follow each other are parts of one message. */
  #wordsAt(block: number, type: 'output_text' | 'refusal'): { readonly item: MessageItem; readonly part: number } {
    const known = this.#places.get(block);
    if (known?.item instanceof MessageItem) return { item: known.item, part: known.part };
    const last = this.#items.at(-1);
    const item = last instanceof MessageItem && !last.ended ? last : this.#add('msg', (slot) => new MessageItem(slot));
    const place = { item, part: item.open(type) };
    this.#places.set(block, place);
    return place;
  }

  #cite({ block, citation }: Of<'citation'>): void {
    const { item, part } = this.#wordsAt(block, 'output_text');
    const annotation = encodeAnnotation(citation, item.lengthOf(part));
    if (annotation === undefined) this.#warn('citations', 'The API cannot say a citation without an address.');
    else item.cite(part, annotation);
  }

  #measure({ logprobs }: Of<'logprobs'>): void {
    const { content } = logprobs;
    const message = this.#items.findLast((item) => item instanceof MessageItem);
    if (Array.isArray(content)) message?.measure(content);
  }

  #reasoningAt(block: number): ReasoningItem {
    const known = this.#places.get(block);
    if (known?.item instanceof ReasoningItem) return known.item;
    const item = this.#add('rs', (slot) => new ReasoningItem(slot));
    this.#places.set(block, { item, part: 0 });
    return item;
  }

  /** Reasoning without text and without proof is nothing. */
  #prove(event: Of<'reasoning-end'>): void {
    const { block, signature, data, details } = event;
    const origin = event.origin ?? this.#origins.get(block);
    const proven = (signature ?? data ?? details) !== undefined;
    if (!proven && !this.#places.has(block)) return;
    this.#reasoningAt(block).prove(packReasoning({ ...event, ...(origin !== undefined && { origin }) }));
  }

  #call({ block, id, name, custom = false }: Of<'tool-call-start'>): void {
    const callId = id === '' || this.#callIds.has(id) ? `call_${this.#context.id}_${this.#callIds.size}` : id;
    this.#callIds.add(callId);
    const item = this.#add(custom ? 'ctc' : 'fc', (slot) => new CallItem(slot, { id: callId, name, custom }));
    this.#places.set(block, { item, part: 0 });
  }

  /** What belongs to a call besides its arguments goes into a reasoning item of ours behind it. */
  #endCall({ block, signature, extensions }: Of<'tool-call-end'>): void {
    const item = this.#places.get(block)?.item;
    if (!(item instanceof CallItem)) return;
    const { [DIALECT]: own, ...foreign } = extensions ?? {};
    item.seal(own);
    const some = Object.keys(foreign).length > 0;
    if (signature === undefined && !some) return;
    const call = item.json['call_id'] as string;
    const token = packProof({ call, ...(signature !== undefined && { signature }), ...(some && { extensions: foreign }) });
    this.#add('rs', (slot) => new ReasoningItem(slot)).prove(token);
  }

  #media({ part }: Of<'media'>): void {
    if (part.type === 'image' && part.source.type === 'base64') {
      const { mediaType, data: result } = part.source;
      const head = { type: 'image_generation_call', status: 'completed', output_format: mediaType.replace(/^image\//, '') };
      this.#whole({ ...head, ...part.extensions?.[DIALECT], result });
      return;
    }
    this.#warn('modalities', part.type === 'image' ? 'The API says images as bytes only.' : 'The API cannot say audio.');
  }

  #whole(json: JsonObject): void {
    const item = this.#add('item', (slot) => new WholeItem(slot, { id: slot.id, ...json }));
    item.end('completed');
  }

  #warn(field: string, reason: string): void {
    if (this.#warned.has(field)) return;
    this.#warned.add(field);
    this.#context.warn({ kind: 'dropped', field, reason });
  }
}
