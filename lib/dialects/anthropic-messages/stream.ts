/** A provider's stream to events. Whole answers go through the same machine, so both ways of asking give the same answer. */
import { GatewayError } from '../../errors.ts';
import type { FinishReason, GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { SseFrame } from '../../transport/message.ts';
import type { Decoding, StreamDecoder } from '../dialect.ts';
import { decodeCitation } from './citation.ts';
import { reportedError } from './error.ts';
import { decodeUsage, mergeRawUsage } from './usage.ts';
import { finishOf, ID, otherFields } from './wire.ts';

/** Turns the frames of a provider's stream into events. */
export function decodeStream(decoding: Decoding): StreamDecoder {
  const decoder = new EventDecoder(decoding);
  return {
    push({ event, data }: SseFrame): readonly GenerateEvent[] {
      // `[DONE]` is no word of this API, but proxies in front of it say it.
      if (event === 'ping' || data === '' || data === '[DONE]') return [];
      let value: unknown;
      try {
        value = JSON.parse(data);
      } catch {
        return decoder.fail(new GatewayError('upstream', 'The provider sent a stream event that is not JSON.'));
      }
      return isObject(value) ? decoder.take(value) : [];
    },
    end: () => decoder.end(),
  };
}

/** An open block of the provider's and what it is to us. */
interface OpenBlock {
  readonly block: number;
  readonly kind: 'text' | 'reasoning' | 'call' | 'json-answer' | 'opaque';
  /** The block as it began, with fields that deltas of unknown blocks added. */
  value: JsonObject;
  /** Input JSON so far. */
  json: string;
  signature: string;
}

const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'type',
  'role',
  'model',
  'content',
  'stop_reason',
  'stop_sequence',
  'usage',
]);
const CALL_FIELDS: ReadonlySet<string> = new Set(['type', 'id', 'name', 'input']);
const DELTA_FIELDS: ReadonlySet<string> = new Set(['type', 'delta', 'usage']);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/**
 * Events of the API to canonical events. Tolerates what real servers do: repeated or missing starts and stops, gaps in the block
 * numbers, unknown events and deltas. The answer is whole once its stop reason is known, even if `message_stop` never came; it
 * finishes with the stream, since proxies that run tools themselves send several messages in one.
 */
export class EventDecoder {
  readonly #decoding: Decoding;
  readonly #open = new Map<unknown, OpenBlock>();
  #blocks = 0;
  #calls = 0;
  #started = false;
  #stopped = false;
  #done = false;
  #usage: JsonObject = {};
  #stop: { reason: string; sequence?: string } | undefined;
  #extensions: JsonObject = {};

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
  }

  take(event: JsonObject): readonly GenerateEvent[] {
    if (this.#done) return [];
    switch (event.type) {
      case 'message_start':
        return this.#messageStart(isObject(event.message) ? event.message : {});
      case 'content_block_start':
        return this.#blockStart(event.index, isObject(event.content_block) ? event.content_block : {});
      case 'content_block_delta':
        return isObject(event.delta) ? this.#blockDelta(event.index, event.delta) : [];
      case 'content_block_stop':
        return this.#blockStop(event.index, true);
      case 'message_delta':
        return this.#messageDelta(event);
      case 'message_stop':
        this.#stopped = true;
        return this.#stopAll(true);
      case 'error':
        return this.fail(reportedError(event));
      default:
        return event.type === undefined && event.error !== undefined ? this.fail(reportedError(event)) : [];
    }
  }

  /** Ends the events with an error. */
  fail(error: GatewayError): readonly GenerateEvent[] {
    if (this.#done) return [];
    this.#done = true;
    return [{ type: 'error', error }];
  }

  end(): readonly GenerateEvent[] {
    if (this.#done) return [];
    if (this.#stop !== undefined || this.#stopped) return this.#finish();
    const closed = this.#stopAll(false);
    return [
      ...closed,
      ...this.fail(new GatewayError('upstream', 'The provider ended the stream before the answer was complete.')),
    ];
  }

  #messageStart(message: JsonObject): readonly GenerateEvent[] {
    const usage = this.#usageEvents(message.usage);
    if (this.#started) return usage;
    this.#started = true;
    const others = otherFields(message, MESSAGE_FIELDS);
    return [
      {
        type: 'start',
        ...(typeof message.id === 'string' && { id: message.id }),
        ...(typeof message.model === 'string' && { model: message.model }),
        ...(others !== undefined && { extensions: { [ID]: others } }),
      },
      ...usage,
    ];
  }

  #startIfMissing(): readonly GenerateEvent[] {
    return this.#started ? [] : this.#messageStart({});
  }

  #blockStart(index: unknown, value: JsonObject): readonly GenerateEvent[] {
    const before = [...this.#startIfMissing(), ...this.#blockStop(index, false)];
    const open: OpenBlock = {
      block: this.#blocks++,
      kind: this.#kindOf(value),
      value,
      json: '',
      signature: textOf(value.signature),
    };
    this.#open.set(index, open);
    const at = { choice: 0, block: open.block };
    switch (open.kind) {
      case 'text':
        return [
          ...before,
          { type: 'text-start', ...at },
          ...this.#text(open, value.text),
          ...this.#citations(open, value.citations),
        ];
      case 'reasoning':
        return [...before, { type: 'reasoning-start', ...at, origin: ID }, ...this.#thinking(open, value.thinking)];
      case 'call':
        this.#calls++;
        return [...before, { type: 'tool-call-start', ...at, id: textOf(value.id), name: textOf(value.name) }];
      case 'json-answer':
        return [...before, { type: 'text-start', ...at }];
      case 'opaque':
        break;
    }
    return before;
  }

  #kindOf({ type, name }: JsonObject): OpenBlock['kind'] {
    switch (type) {
      case 'text':
        return 'text';
      case 'thinking':
      case 'redacted_thinking':
        return 'reasoning';
      case 'tool_use':
        return name !== undefined && name === this.#decoding.jsonTool ? 'json-answer' : 'call';
      default:
        return 'opaque';
    }
  }

  #blockDelta(index: unknown, delta: JsonObject): readonly GenerateEvent[] {
    const known = this.#open.get(index);
    const implied = known === undefined ? IMPLIED[textOf(delta.type)] : undefined;
    const before = implied === undefined ? [] : this.#blockStart(index, { type: implied });
    const open = known ?? this.#open.get(index);
    if (open === undefined) return [];
    return [...before, ...this.#deltaEvents(open, delta)];
  }

  #deltaEvents(open: OpenBlock, delta: JsonObject): readonly GenerateEvent[] {
    switch (open.kind) {
      case 'text':
        return delta.type === 'citations_delta' ? this.#citations(open, [delta.citation]) : this.#text(open, delta.text);
      case 'reasoning':
        open.signature += textOf(delta.signature);
        return this.#thinking(open, delta.thinking);
      case 'call':
      case 'json-answer':
        return this.#input(open, textOf(delta.partial_json));
      case 'opaque':
        break;
    }
    grow(open, delta);
    return [];
  }

  #text({ block }: OpenBlock, text: unknown): readonly GenerateEvent[] {
    return textOf(text) === '' ? [] : [{ type: 'text-delta', choice: 0, block, text: textOf(text) }];
  }

  #thinking({ block }: OpenBlock, text: unknown): readonly GenerateEvent[] {
    return textOf(text) === '' ? [] : [{ type: 'reasoning-delta', choice: 0, block, text: textOf(text) }];
  }

  #citations({ block }: OpenBlock, citations: unknown): readonly GenerateEvent[] {
    if (!Array.isArray(citations)) return [];
    return citations
      .filter(isObject)
      .map((citation) => ({ type: 'citation', choice: 0, block, citation: decodeCitation(citation) }));
  }

  #input(open: OpenBlock, json: string): readonly GenerateEvent[] {
    if (json === '') return [];
    open.json += json;
    const { block } = open;
    return open.kind === 'call'
      ? [{ type: 'tool-call-delta', choice: 0, block, arguments: json }]
      : [{ type: 'text-delta', choice: 0, block, text: json }];
  }

  /** @param whole False for a block that was cut off: nothing is made up for it. */
  #blockStop(index: unknown, whole: boolean): readonly GenerateEvent[] {
    const open = this.#open.get(index);
    if (open === undefined) return [];
    this.#open.delete(index);
    const at = { choice: 0, block: open.block };
    const { value } = open;
    switch (open.kind) {
      case 'text':
        return [{ type: 'text-end', ...at }];
      case 'reasoning':
        return [
          {
            type: 'reasoning-end',
            ...at,
            ...(open.signature !== '' && { signature: open.signature }),
            ...(typeof value.data === 'string' && { data: value.data }),
          },
        ];
      case 'call':
        return [...this.#wholeInput(open, whole), { type: 'tool-call-end', ...at, ...callExtensions(value) }];
      case 'json-answer':
        return [...this.#wholeInput(open, whole), { type: 'text-end', ...at }];
      case 'opaque':
        break;
    }
    return [{ type: 'opaque', ...at, part: { type: 'opaque', origin: ID, value: withInput(open) } }];
  }

  /** The input of a block that began with it instead of telling it in deltas. */
  #wholeInput(open: OpenBlock, whole: boolean): readonly GenerateEvent[] {
    return whole && open.json === '' ? this.#input(open, JSON.stringify(open.value.input ?? {})) : [];
  }

  #stopAll(whole: boolean): readonly GenerateEvent[] {
    return [...this.#open.keys()].flatMap((index) => this.#blockStop(index, whole));
  }

  #messageDelta({ delta, usage, ...event }: JsonObject): readonly GenerateEvent[] {
    if (isObject(delta)) {
      const { stop_reason: reason, stop_sequence: sequence, ...others } = delta;
      if (typeof reason === 'string') this.#stop = { reason, ...(typeof sequence === 'string' && { sequence }) };
      Object.assign(this.#extensions, otherFields(others, DELTA_FIELDS));
    }
    Object.assign(this.#extensions, otherFields(event, DELTA_FIELDS));
    return [...this.#startIfMissing(), ...this.#usageEvents(usage)];
  }

  #usageEvents(raw: unknown): readonly GenerateEvent[] {
    if (!isObject(raw)) return [];
    this.#usage = mergeRawUsage(this.#usage, raw);
    const usage = decodeUsage(this.#usage);
    return usage === undefined ? [] : [{ type: 'usage', usage }];
  }

  #finish(): readonly GenerateEvent[] {
    this.#done = true;
    return [
      ...this.#startIfMissing(),
      ...this.#stopAll(true),
      {
        type: 'finish',
        choice: 0,
        reason: this.#reason(),
        ...(this.#stop !== undefined && { raw: this.#stop.reason }),
        ...(this.#stop?.sequence !== undefined && { stopSequence: this.#stop.sequence }),
        ...(Object.keys(this.#extensions).length > 0 && { extensions: { [ID]: this.#extensions } }),
      },
    ];
  }

  /** The call of the tool that stands for a JSON answer is an ordinary end. */
  #reason(): FinishReason {
    const reason = this.#stop === undefined ? 'stop' : finishOf(this.#stop.reason);
    if (this.#stop === undefined && this.#calls > 0) return 'tool-calls';
    return reason === 'tool-calls' && this.#calls === 0 && this.#decoding.jsonTool !== undefined ? 'stop' : reason;
  }
}

/** The kind of block a delta belongs to when its start was lost. */
const IMPLIED: Readonly<Record<string, string>> = { text_delta: 'text', thinking_delta: 'thinking' };

/** Blocks of server tools: input comes as JSON text; whatever else comes is a field that is set, or grows when it is text. */
function grow(open: OpenBlock, delta: JsonObject): void {
  const { type: _, partial_json: json, ...fields } = delta;
  open.json += textOf(json);
  const grown = Object.entries(fields).map(([name, value]) => {
    const before = open.value[name];
    return [name, typeof before === 'string' && typeof value === 'string' ? before + value : value];
  });
  open.value = { ...open.value, ...Object.fromEntries(grown) };
}

/** What stands beside the call; a direct call by the model is the rule and needs no mention. */
function callExtensions(value: JsonObject): { extensions?: { [ID]: JsonObject } } {
  const { caller, ...others } = otherFields(value, CALL_FIELDS) ?? {};
  const kept = { ...others, ...(isObject(caller) && caller.type !== 'direct' && { caller }) };
  return Object.keys(kept).length === 0 ? {} : { extensions: { [ID]: kept } };
}

function withInput({ value, json }: OpenBlock): JsonObject {
  if (json === '') return value;
  try {
    return { ...value, input: JSON.parse(json) as unknown };
  } catch {
    return { ...value, input: json };
  }
}
