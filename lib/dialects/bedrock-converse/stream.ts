/** A provider's stream to events. Whole answers go through the same machine, so both ways of asking give the same answer. */
import { GatewayError } from '../../errors.ts';
import type { FinishReason, GenerateEvent } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { SseFrame } from '../../transport/message.ts';
import type { Decoding, StreamDecoder } from '../dialect.ts';
import { objectsOf, textOf } from '../values.ts';
import { decodeCitation } from './citation.ts';
import { reportedError } from './error.ts';
import { decodeUsage } from './usage.ts';
import { finishOf, ID, mediaTypeOf, SIGNER } from './wire.ts';

/** Turns the frames of a provider's stream into events. */
export function decodeStream(decoding: Decoding): StreamDecoder {
  const decoder = new EventDecoder(decoding);
  return {
    push({ event = '', data }: SseFrame): readonly GenerateEvent[] {
      const failed = /^(?:exception|error):(.*)$/.exec(event)?.[1];
      if (failed !== undefined) return decoder.fail(reportedError(failed, data));
      const value = parseJson(data);
      if (isObject(value)) return decoder.take(event, value);
      return decoder.fail(new GatewayError('upstream', 'The provider sent a stream event that is not JSON.'));
    },
    end: () => decoder.end(),
  };
}

/** An open block of the provider's and what it is to us. */
type OpenBlock =
  | { readonly kind: 'text' | 'json-answer' | 'call'; readonly block: number }
  | { readonly kind: 'reasoning'; readonly block: number; signature: string; redacted: Buffer[] }
  | { readonly kind: 'image'; readonly block: number; readonly format: string; bytes: string }
  | { readonly kind: 'opaque'; readonly block: number; value: JsonObject; json: string };

/**
 * Events of the API to canonical events. Tolerates what real servers do: text and reasoning without a start, gaps in the block numbers,
 * empty blocks, another kind of delta in the same block, missing stops. The answer is whole once its stop reason is known; it finishes
 * with the metadata that follow, or with the stream.
 */
export class EventDecoder {
  readonly #decoding: Decoding;
  readonly #open = new Map<unknown, OpenBlock>();
  #blocks = 0;
  #calls = 0;
  #started = false;
  #done = false;
  #stopReason: string | undefined;
  #extensions: JsonObject = {};

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
  }

  take(event: string, data: JsonObject): readonly GenerateEvent[] {
    if (this.#done) return [];
    const { contentBlockIndex: index } = data;
    switch (event) {
      case 'messageStart':
        return this.#startIfMissing();
      case 'contentBlockStart':
        return isObject(data.start) ? [...this.#startIfMissing(), ...this.#blockStart(index, data.start)] : [];
      case 'contentBlockDelta':
        return isObject(data.delta) ? [...this.#startIfMissing(), ...this.#blockDelta(index, data.delta)] : [];
      case 'contentBlockStop':
        return this.#blockStop(index);
      case 'messageStop':
        if (typeof data.stopReason === 'string') this.#stopReason = data.stopReason;
        this.#keep(data, ['additionalModelResponseFields']);
        return this.#stopAll();
      case 'metadata':
        return this.#metadata(data);
      default:
        return [];
    }
  }

  /** A whole block of an answer that was not streamed, of a kind that streams have not. */
  wholeBlock(value: JsonObject): readonly GenerateEvent[] {
    return [{ type: 'opaque', choice: 0, block: this.#blocks++, part: { type: 'opaque', origin: ID, value } }];
  }

  /** Ends the events with an error. */
  fail(error: GatewayError): readonly GenerateEvent[] {
    if (this.#done) return [];
    this.#done = true;
    return [{ type: 'error', error }];
  }

  end(): readonly GenerateEvent[] {
    if (this.#done) return [];
    if (this.#stopReason !== undefined) return this.#finish(this.#stopReason);
    return [
      ...this.#stopAll(),
      ...this.fail(new GatewayError('upstream', 'The provider ended the stream before the answer was complete.')),
    ];
  }

  #startIfMissing(): readonly GenerateEvent[] {
    if (this.#started) return [];
    this.#started = true;
    return [{ type: 'start' }];
  }

  #blockStart(index: unknown, start: JsonObject): readonly GenerateEvent[] {
    const before = this.#blockStop(index);
    const { toolUse, image } = start;
    if (isObject(toolUse) && toolUse.type === undefined) return [...before, ...this.#callStart(index, toolUse)];
    if (isObject(image))
      this.#opened(index, { kind: 'image', block: this.#blocks++, format: textOf(image.format) ?? 'png', bytes: '' });
    else if (Object.keys(start).length > 0) {
      this.#opened(index, { kind: 'opaque', block: this.#blocks++, value: start, json: '' });
    }
    return before;
  }

  #callStart(index: unknown, toolUse: JsonObject): readonly GenerateEvent[] {
    const name = textOf(toolUse.name) ?? '';
    if (name !== '' && name === this.#decoding.jsonTool) {
      const { block } = this.#opened(index, { kind: 'json-answer', block: this.#blocks++ });
      return [{ type: 'text-start', choice: 0, block }];
    }
    this.#calls++;
    const { block } = this.#opened(index, { kind: 'call', block: this.#blocks++ });
    return [{ type: 'tool-call-start', choice: 0, block, id: textOf(toolUse.toolUseId) ?? '', name }];
  }

  #opened<T extends OpenBlock>(index: unknown, open: T): T {
    this.#open.set(index, open);
    return open;
  }

  #blockDelta(index: unknown, delta: JsonObject): readonly GenerateEvent[] {
    const { text, citation, reasoningContent, toolUse, image } = delta;
    const open = this.#open.get(index);
    if (open?.kind === 'opaque') {
      grow(open, delta);
      return [];
    }
    if (typeof text === 'string') return text === '' ? [] : this.#text(index, text);
    if (isObject(citation)) return this.#citation(index, citation);
    if (isObject(reasoningContent)) return this.#reasoning(index, reasoningContent);
    if (isObject(toolUse) && (open?.kind === 'call' || open?.kind === 'json-answer')) return this.#input(open, toolUse.input);
    if (isObject(image) && open?.kind === 'image' && isObject(image.source)) open.bytes += textOf(image.source.bytes) ?? '';
    return [];
  }

  /** The open text block at an index; one of another kind that is open there ends. */
  #textBlock(index: unknown): { readonly before: readonly GenerateEvent[]; readonly block: number } {
    const open = this.#open.get(index);
    if (open?.kind === 'text') return { before: [], block: open.block };
    const before = this.#blockStop(index);
    const { block } = this.#opened(index, { kind: 'text', block: this.#blocks++ });
    return { before: [...before, { type: 'text-start', choice: 0, block }], block };
  }

  #text(index: unknown, text: string): readonly GenerateEvent[] {
    const { before, block } = this.#textBlock(index);
    return [...before, { type: 'text-delta', choice: 0, block, text }];
  }

  #citation(index: unknown, raw: JsonObject): readonly GenerateEvent[] {
    const { before, block } = this.#textBlock(index);
    return [...before, { type: 'citation', choice: 0, block, citation: decodeCitation(raw) }];
  }

  #reasoning(index: unknown, { text, signature, redactedContent }: JsonObject): readonly GenerateEvent[] {
    let open = this.#open.get(index);
    let before: readonly GenerateEvent[] = [];
    if (open?.kind !== 'reasoning') {
      before = this.#blockStop(index);
      open = this.#opened(index, { kind: 'reasoning', block: this.#blocks++, signature: '', redacted: [] });
      before = [...before, { type: 'reasoning-start', choice: 0, block: open.block }];
    }
    open.signature += textOf(signature) ?? '';
    if (typeof redactedContent === 'string') open.redacted.push(Buffer.from(redactedContent, 'base64'));
    const said = textOf(text);
    return said === undefined ? before : [...before, { type: 'reasoning-delta', choice: 0, block: open.block, text: said }];
  }

  #input(open: OpenBlock, input: unknown): readonly GenerateEvent[] {
    const json = typeof input === 'string' ? input : JSON.stringify(input ?? '');
    if (json === '' || json === '""') return [];
    const at = { choice: 0, block: open.block };
    return open.kind === 'call'
      ? [{ type: 'tool-call-delta', ...at, arguments: json }]
      : [{ type: 'text-delta', ...at, text: json }];
  }

  #blockStop(index: unknown): readonly GenerateEvent[] {
    const open = this.#open.get(index);
    if (open === undefined) return [];
    this.#open.delete(index);
    const at = { choice: 0, block: open.block };
    switch (open.kind) {
      case 'text':
      case 'json-answer':
        return [{ type: 'text-end', ...at }];
      case 'call':
        return [{ type: 'tool-call-end', ...at }];
      case 'reasoning':
        return [{ type: 'reasoning-end', ...at, ...proofOf(open) }];
      case 'image':
        return [{ type: 'media', ...at, part: imageOf(open) }];
      case 'opaque':
        break;
    }
    return [{ type: 'opaque', ...at, part: { type: 'opaque', origin: ID, value: valueOf(open) } }];
  }

  #stopAll(): readonly GenerateEvent[] {
    return [...this.#open.keys()].flatMap((index) => this.#blockStop(index));
  }

  #metadata(data: JsonObject): readonly GenerateEvent[] {
    this.#keep(data, ['metrics', 'trace', 'performanceConfig']);
    const tier = isObject(data.serviceTier) ? textOf(data.serviceTier.type) : undefined;
    const usage = isObject(data.usage) ? decodeUsage(data.usage, tier) : undefined;
    return [
      ...this.#startIfMissing(),
      ...(usage === undefined ? [] : [{ type: 'usage' as const, usage }]),
      ...(this.#stopReason === undefined ? [] : this.#finish(this.#stopReason)),
    ];
  }

  #keep(data: JsonObject, names: readonly string[]): void {
    for (const name of names) if (data[name] !== undefined && data[name] !== null) this.#extensions[name] = data[name];
  }

  #finish(raw: string): readonly GenerateEvent[] {
    const closed = [...this.#startIfMissing(), ...this.#stopAll()];
    this.#done = true;
    const extensions = Object.keys(this.#extensions).length > 0 && { extensions: { [ID]: this.#extensions } };
    return [...closed, { type: 'finish', choice: 0, reason: this.#reason(raw), raw, ...extensions }];
  }

  /** The call of the tool that stands for a JSON answer is an ordinary end. */
  #reason(raw: string): FinishReason {
    const reason = finishOf(raw);
    return reason === 'tool-calls' && this.#calls === 0 && this.#decoding.jsonTool !== undefined ? 'stop' : reason;
  }
}

/** Readable reasoning is signed, redacted reasoning is bytes; reasoning without a proof is plain text. */
function proofOf({ signature, redacted }: OpenBlock & { kind: 'reasoning' }): JsonObject {
  if (signature !== '') return { signature, origin: SIGNER };
  return redacted.length === 0 ? {} : { data: Buffer.concat(redacted).toString('base64'), origin: ID };
}

const imageOf = ({ format, bytes }: OpenBlock & { kind: 'image' }) =>
  ({ type: 'image', source: { type: 'base64', mediaType: mediaTypeOf(format, 'image'), data: bytes } }) as const;

/** Tools that Bedrock runs: input comes as JSON text, results as a list of pieces; both beside the fields of the start. */
function grow(open: OpenBlock & { kind: 'opaque' }, delta: JsonObject): void {
  const { toolUse, toolResult } = delta;
  if (isObject(toolUse) && typeof toolUse.input === 'string') open.json += toolUse.input;
  if (toolResult === undefined || !isObject(open.value.toolResult)) return;
  const { content } = open.value.toolResult;
  open.value = { toolResult: { ...open.value.toolResult, content: [...objectsOf(content), ...objectsOf(toolResult)] } };
}

function valueOf({ value, json }: OpenBlock & { kind: 'opaque' }): JsonObject {
  if (!isObject(value.toolUse) || json === '') return value;
  return { toolUse: { ...value.toolUse, input: parseJson(json) ?? json } };
}
