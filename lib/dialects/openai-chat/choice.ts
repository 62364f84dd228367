/** One alternative of a provider's answer: its deltas become events. A whole message is one big delta. */
import type { Citation, DialectId, Extensions, FinishReason, GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { Calls, isWhole, readPiece, thoughtSignature, type Call } from './calls.ts';
import { decodeAnnotation } from './citations.ts';
import { thinkingText } from './content.ts';
import { imageOf } from './messages.ts';
import { fillText, joinDetails, reasoningText, signatureOf } from './reasoning.ts';
import { numberOf, objectsOf, textOf, unknownFields } from '../values.ts';
import { DIALECT, finishOf } from './wire.ts';

const KNOWN_CHOICE: ReadonlySet<string> = new Set([
  'index',
  'delta',
  'message',
  'finish_reason',
  'logprobs',
  'usage',
  'text',
  'error',
  'stop_reason',
]);
const KNOWN_DELTA: ReadonlySet<string> = new Set([
  'role',
  'content',
  'refusal',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'thinking_blocks',
  'tool_calls',
  'function_call',
  'annotations',
  'audio',
  'images',
  'index',
]);
const KNOWN_CALL: ReadonlySet<string> = new Set(['index', 'id', 'type', 'function', 'custom']);

/** What a choice must know of the answer it belongs to. */
export interface ChoiceContext {
  readonly emit: (event: GenerateEvent) => void;
  /** The tool whose arguments are the text of the answer. */
  readonly jsonTool: string | undefined;
  /** Id of the answer, for calls that have none. */
  readonly answerId: () => string | undefined;
}

type Proof = { signature?: string; data?: string; origin?: DialectId };

/** Decodes one choice. */
export class ChoiceDecoder {
  /** The last `finish_reason` heard; some servers repeat it, some say it on every chunk. */
  finished: string | undefined;
  readonly #choice: number;
  readonly #context: ChoiceContext;
  readonly #calls = new Calls();
  #blocks = 0;
  #open: 'text' | 'refusal' | 'reasoning' | undefined;
  #block = -1;
  /** The text block that citations belong to, and where it begins in the whole text. */
  #textBlock = -1;
  #textFrom = 0;
  #textLength = 0;
  #waiting: Citation[] = [];
  #thought = '';
  #details: JsonObject[] = [];
  #refused = false;
  #stopSequence: string | undefined;
  #choiceFields: JsonObject | undefined;
  #messageFields: JsonObject | undefined;
  #audio: { pieces: string[]; transcript: string; id?: string; expiresAt?: number } | undefined;

  constructor(choice: number, context: ChoiceContext) {
    this.#choice = choice;
    this.#context = context;
  }

  /**
   * Reads one element of `choices`. Perplexity and Writer send `delta` and `message` together: chunks are read by the first, bodies by
   * the second. A chunk with only a message counts when nothing was said before it.
   */
  push(choice: JsonObject, whole: boolean): void {
    const { delta, message, logprobs } = choice;
    if (isObject(delta) && !(whole && isObject(message))) this.#delta(delta, whole);
    else if (isObject(message) && this.#blocks === 0) this.#delta(message, true);
    if (isObject(logprobs) && Object.values(logprobs).some((list) => Array.isArray(list) && list.length > 0)) {
      this.#context.emit({ type: 'logprobs', choice: this.#choice, logprobs });
    }
    this.finished = textOf(choice['finish_reason']) ?? this.finished;
    this.#stopSequence = textOf(choice['stop_reason']) ?? this.#stopSequence;
    const rest = unknownFields(choice, KNOWN_CHOICE);
    if (rest !== undefined) this.#choiceFields = { ...this.#choiceFields, ...rest };
  }

  /** Ends the choice: closes what is open, then tells the finish. `sources` are citations of the answer as a whole. */
  finish(sources: readonly Citation[]): void {
    for (const source of sources) this.#cite(source);
    this.close();
    const message = this.#messageFields;
    const own = { ...this.#choiceFields, ...(message !== undefined && { message }) };
    this.#context.emit({
      type: 'finish',
      choice: this.#choice,
      reason: this.#reason(),
      ...(this.finished !== undefined && { raw: this.finished }),
      ...(this.#stopSequence !== undefined && { stopSequence: this.#stopSequence }),
      ...(Object.keys(own).length > 0 && { extensions: { [DIALECT]: own } }),
    });
  }

  /** Closes open blocks without a finish: the answer broke off. */
  close(): void {
    if (this.#waiting.length > 0) this.#openText();
    for (const call of this.#calls.list) this.#endCall(call);
    this.#shut();
    this.#endAudio();
  }

  /** Providers say `stop` beside tool calls, and `tool_calls` without any: the calls decide. */
  #reason(): FinishReason {
    const reason = finishOf(this.finished ?? 'stop');
    const calls = this.#calls.list.some((call) => call.block !== -1 && !this.#isJson(call));
    if (reason === 'stop' && calls) return 'tool-calls';
    if (reason === 'tool-calls' && !calls) return 'stop';
    return reason === 'stop' && this.#refused ? 'refusal' : reason;
  }

  #delta(delta: JsonObject, whole: boolean): void {
    this.#think(delta, whole);
    const { content, refusal, tool_calls: calls, function_call: legacy, annotations, audio } = delta;
    if (typeof content === 'string') this.write(content);
    else if (Array.isArray(content)) for (const part of objectsOf(content)) this.#part(part);
    if (typeof refusal === 'string' && refusal !== '') this.#refuse(refusal);
    if (delta['images'] !== undefined) for (const image of objectsOf(delta['images'])) this.#image(image);
    if (isObject(audio)) this.#speak(audio);
    if (annotations !== undefined) {
      for (const annotation of objectsOf(annotations)) this.#cite(decodeAnnotation(annotation, this.#textFrom));
    }
    if (calls !== undefined) for (const call of objectsOf(calls)) this.#call(call, whole);
    if (isObject(legacy)) this.#call({ index: 0, function: legacy }, whole);
    const rest = unknownFields(delta, KNOWN_DELTA);
    if (rest !== undefined) this.#messageFields = { ...this.#messageFields, ...rest };
  }

  /** A part of an array content: Mistral's text and thinking, or something only this dialect knows. */
  #part(part: JsonObject): void {
    switch (part['type']) {
      case 'text':
        return this.write(textOf(part['text']) ?? '');
      case 'thinking':
        return this.#reasoning(thinkingText(part['thinking']));
      case 'refusal':
        return this.#refuse(textOf(part['refusal']) ?? '');
      case 'image_url':
        return this.#image(part);
      default:
        this.#shut();
        this.#context.emit({
          type: 'opaque',
          choice: this.#choice,
          block: this.#blocks++,
          part: { type: 'opaque', origin: DIALECT, value: part },
        });
    }
  }

  write(text: string): void {
    if (text === '') return;
    if (this.#open !== 'text') this.#openText();
    this.#textLength += text.length;
    this.#context.emit({ type: 'text-delta', choice: this.#choice, block: this.#block, text });
  }

  #openText(): void {
    if (this.#open === 'text') return;
    this.#begin('text');
    this.#textBlock = this.#block;
    this.#textFrom = this.#textLength;
    this.#context.emit({ type: 'text-start', choice: this.#choice, block: this.#block });
    for (const citation of this.#waiting) this.#cite(citation);
    this.#waiting = [];
  }

  /** A citation belongs to the text before it; one that comes first waits for its text. */
  #cite(citation: Citation): void {
    if (this.#textBlock === -1) this.#waiting.push(citation);
    else this.#context.emit({ type: 'citation', choice: this.#choice, block: this.#textBlock, citation });
  }

  #refuse(text: string): void {
    if (text === '') return;
    if (this.#open !== 'refusal') this.#begin('refusal');
    this.#refused = true;
    this.#context.emit({ type: 'refusal-delta', choice: this.#choice, block: this.#block, text });
  }

  #image(item: JsonObject): void {
    const part = imageOf(item);
    if (part === undefined) return;
    this.#shut();
    this.#context.emit({ type: 'media', choice: this.#choice, block: this.#blocks++, part });
  }

  /** Opens the next block of a kind, after closing the one before. */
  #begin(kind: 'text' | 'refusal' | 'reasoning'): void {
    this.#shut();
    this.#endWholeCalls();
    this.#open = kind;
    this.#block = this.#blocks++;
  }

  #shut(): void {
    if (this.#open === 'text') this.#context.emit({ type: 'text-end', choice: this.#choice, block: this.#block });
    if (this.#open === 'reasoning') this.#endReasoning({});
    this.#open = undefined;
  }

  #think(delta: JsonObject, whole: boolean): void {
    const blocks = delta['thinking_blocks'];
    const details = delta['reasoning_details'];
    const text = reasoningText(delta);
    const hasBlocks = Array.isArray(blocks) && blocks.length > 0;
    const pieces = objectsOf(details);
    if (text !== '' && !(whole && hasBlocks)) {
      this.#reasoning(text, hasBlocks ? 'anthropic-messages' : pieces.length > 0 ? DIALECT : undefined);
    }
    if (pieces.length > 0) this.#prove(pieces);
    if (hasBlocks) for (const block of objectsOf(blocks)) this.#thinkingBlock(block, text !== '' && !whole);
  }

  #reasoning(text: string, origin?: DialectId): void {
    if (text === '') return;
    if (this.#open !== 'reasoning') this.#openReasoning(origin);
    this.#thought += text;
    this.#context.emit({ type: 'reasoning-delta', choice: this.#choice, block: this.#block, text });
  }

  #openReasoning(origin?: DialectId): void {
    this.#begin('reasoning');
    this.#thought = '';
    this.#context.emit({
      type: 'reasoning-start',
      choice: this.#choice,
      block: this.#block,
      ...(origin !== undefined && { origin }),
    });
  }

  #endReasoning(proof: Proof): void {
    const details = fillText(joinDetails(this.#details), this.#thought);
    this.#details = [];
    this.#open = undefined;
    const signature = proof.signature ?? signatureOf(details);
    const origin = proof.origin ?? (details.length > 0 ? DIALECT : undefined);
    this.#context.emit({
      type: 'reasoning-end',
      choice: this.#choice,
      block: this.#block,
      ...(signature !== undefined && { signature }),
      ...(proof.data !== undefined && { data: proof.data }),
      ...(details.length > 0 && { details }),
      ...(origin !== undefined && { origin }),
    });
  }

  /** Opaque items join the reasoning they came with; items that come late, without text, are a block of their own. */
  #prove(pieces: JsonObject[]): void {
    this.#details.push(...pieces);
    if (this.#open === 'reasoning') return;
    this.#openReasoning(DIALECT);
  }

  /** LiteLLM's blocks repeat text that came as `reasoning_content`, in the same delta or before it; their proofs are what counts. */
  #thinkingBlock(block: JsonObject, told: boolean): void {
    const origin = 'anthropic-messages';
    if (block['type'] === 'redacted_thinking') {
      const data = textOf(block['data']);
      if (data === undefined) return;
      this.#openReasoning(origin);
      this.#endReasoning({ data, origin });
      return;
    }
    const text = textOf(block['thinking']) ?? '';
    const signature = textOf(block['signature']);
    const repeated = told || (this.#open === 'reasoning' && text === this.#thought);
    if (!repeated) this.#reasoning(text, origin);
    if (signature === undefined) return;
    if (this.#open !== 'reasoning') this.#openReasoning(origin);
    this.#endReasoning({ signature, origin });
  }

  #call(value: JsonObject, whole: boolean): void {
    const piece = readPiece(value);
    const known = whole ? undefined : this.#calls.find(piece);
    if (known === undefined && piece.name === undefined && piece.id === undefined && piece.text === '') return;
    if (known === undefined) this.#endWholeCalls();
    const call = known ?? this.#calls.add(piece);
    call.name ??= piece.name;
    const extra = unknownFields(value, KNOWN_CALL);
    if (extra !== undefined) call.extra = { ...call.extra, ...extra };
    const waited = call.block === -1 ? call.text : '';
    if (call.block === -1 && call.name !== undefined) this.#startCall(call, call.name);
    const text = piece.text === 'null' && call.text === '' ? '' : piece.text;
    call.text += text;
    this.#argue(call, waited + text);
  }

  #isJson(call: Call): boolean {
    return call.name !== undefined && call.name === this.#context.jsonTool;
  }

  #startCall(call: Call, name: string): void {
    if (this.#isJson(call)) {
      this.#openText();
      call.block = this.#block;
      return;
    }
    this.#shut();
    call.block = this.#blocks++;
    this.#context.emit({
      type: 'tool-call-start',
      choice: this.#choice,
      block: call.block,
      id: this.#idOf(call),
      name,
      ...(call.custom && { custom: true }),
    });
  }

  /** The provider's id, made unique; without one it is made from the answer's. */
  #idOf(call: Call): string {
    const at = this.#calls.list.indexOf(call);
    if (call.id === undefined) return `call_${this.#context.answerId() ?? 'x'}_${this.#choice}_${at}`;
    return this.#calls.list.some((other, index) => index < at && other.id === call.id) ? `${call.id}_${at}` : call.id;
  }

  #argue(call: Call, text: string): void {
    if (text === '' || call.block === -1) return;
    if (this.#isJson(call)) this.write(text);
    else this.#context.emit({ type: 'tool-call-delta', choice: this.#choice, block: call.block, arguments: text });
  }

  /** Calls whose arguments are a whole are over when something else begins; others may still get text (interleaved calls). */
  #endWholeCalls(): void {
    for (const call of this.#calls.list) if (!call.ended && isWhole(call.text)) this.#endCall(call);
  }

  #endCall(call: Call): void {
    if (call.ended || call.block === -1) return;
    call.ended = true;
    if (this.#isJson(call)) {
      if (call.text.trim() === '') this.write('{}');
      return;
    }
    const extensions: Extensions | undefined = call.extra === undefined ? undefined : { [DIALECT]: call.extra };
    this.#context.emit({
      type: 'tool-call-end',
      choice: this.#choice,
      block: call.block,
      ...thoughtSignature(call.extra ?? {}),
      ...(extensions !== undefined && { extensions }),
    });
  }

  /** Spoken answers come in pieces of base64; the part is told whole at the end. */
  #speak(audio: JsonObject): void {
    this.#audio ??= { pieces: [], transcript: '' };
    const id = textOf(audio['id']);
    const data = textOf(audio['data']);
    const expiresAt = numberOf(audio['expires_at']);
    if (id !== undefined) this.#audio.id = id;
    if (data !== undefined) this.#audio.pieces.push(data);
    if (expiresAt !== undefined) this.#audio.expiresAt = expiresAt;
    this.#audio.transcript += textOf(audio['transcript']) ?? '';
  }

  #endAudio(): void {
    const audio = this.#audio;
    if (audio === undefined) return;
    this.#audio = undefined;
    const { pieces, transcript, id, expiresAt } = audio;
    const data = pieces.length === 1 ? (pieces[0] ?? '') : joinBase64(pieces);
    this.#context.emit({
      type: 'media',
      choice: this.#choice,
      block: this.#blocks++,
      part: {
        type: 'audio',
        source: { type: 'base64', mediaType: 'audio/wav', data },
        ...(id !== undefined && { id }),
        ...(transcript !== '' && { transcript }),
        ...(expiresAt !== undefined && { expiresAt }),
      },
    });
  }
}

const joinBase64 = (pieces: readonly string[]): string =>
  Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64');
