/**
 * Events to a client's stream: each chunk is a small answer of its own. Function calls are told whole, as the API tells them; ends,
 * grounding and usage stand in the last chunk, since providers may report usage after the end.
 */
import { GatewayError } from '../../errors.ts';
import type { DialectId, GenerateEvent, Logprobs } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { ReplyContext, StreamEncoder } from '../dialect.ts';
import { present } from '../values.ts';
import { callPart, candidateEnd, loseOnce, otherPart, type Lose } from './answer.ts';
import { errorBody } from './error.ts';
import type { CitedText } from './grounding.ts';
import { reasoningSignature } from './proof.ts';
import { encodeUsage } from './usage.ts';
import { ID } from './wire.ts';

type Start = Extract<GenerateEvent, { type: 'start' }>;
type Finish = Extract<GenerateEvent, { type: 'finish' }>;
type CallStart = Extract<GenerateEvent, { type: 'tool-call-start' }>;
type ReasoningEnd = Extract<GenerateEvent, { type: 'reasoning-end' }>;

/** The encoder for one answer. Its text is SSE; a transport that frames otherwise takes the data of each event. */
export const encodeStream = (context: ReplyContext): StreamEncoder => new Encoder(context);

const frame = (data: JsonObject): string => `data: ${JSON.stringify(data)}\n\n`;

/** A block being told. */
interface Open {
  readonly start?: CallStart;
  readonly origin?: DialectId;
  json: string;
  /** Something readable was sent. */
  spoke: boolean;
}

/** What one candidate still has to say when it ends. */
interface Candidate {
  /** Texts by block, with their sources. */
  readonly texts: Map<number, CitedText>;
  logprobs?: Logprobs;
  finish?: Finish;
}

class Encoder implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #lose: Lose;
  readonly #open = new Map<string, Open>();
  readonly #candidates = new Map<number, Candidate>();
  #start: Start | undefined;
  #usage: Usage | undefined;
  #failed = false;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#lose = loseOnce(context);
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
        return frame(errorBody(event.error));
      case 'finish':
        this.#candidate(event.choice).finish = event;
        return '';
      case 'citation':
        this.#text(event).citations.push(event.citation);
        return '';
      case 'logprobs':
        this.#addLogprobs(event.choice, event.logprobs);
        return '';
      case 'text-start':
      case 'text-end':
        return '';
      case 'text-delta':
      case 'refusal-delta':
        this.#text(event).text += event.text;
        return event.text === '' ? '' : this.#part(event.choice, { text: event.text });
      case 'reasoning-start':
        this.#open.set(keyOf(event), { json: '', spoke: false, ...present('origin', event.origin) });
        return '';
      case 'reasoning-delta':
        return this.#thought(event.choice, keyOf(event), event.text);
      case 'reasoning-end':
        return this.#reasoningEnd(event);
      case 'tool-call-start':
        this.#open.set(keyOf(event), { start: event, json: '', spoke: false });
        return '';
      case 'tool-call-delta': {
        const open = this.#open.get(keyOf(event));
        if (open !== undefined) open.json += event.arguments;
        return '';
      }
      case 'tool-call-end': {
        const { choice, signature, extensions } = event;
        const open = this.#open.get(keyOf(event));
        this.#open.delete(keyOf(event));
        if (open?.start === undefined) return '';
        const { id, name, custom } = open.start;
        const proof = {
          ...present('custom', custom),
          ...present('signature', signature),
          ...present('extensions', extensions),
        };
        return this.#part(choice, callPart({ id, name, arguments: open.json, ...proof }, this.#lose));
      }
      case 'media':
      case 'opaque': {
        const part = otherPart(event.part, this.#lose);
        return part === undefined ? '' : this.#part(event.choice, part);
      }
    }
  }

  end(): string {
    if (this.#failed) return '';
    const candidates = [...this.#candidates].toSorted(([left], [right]) => left - right);
    if (candidates.length === 0 || candidates.some(([, { finish }]) => finish === undefined)) {
      return this.push({ type: 'error', error: new GatewayError('upstream', 'The answer ended without a finish reason.') });
    }
    return this.#chunk(
      candidates.map(([index, candidate]) => lastOf(index, candidate)),
      true,
    );
  }

  #candidate(index: number): Candidate {
    const known = this.#candidates.get(index);
    if (known !== undefined) return known;
    const candidate: Candidate = { texts: new Map() };
    this.#candidates.set(index, candidate);
    return candidate;
  }

  #text({ choice, block }: { readonly choice: number; readonly block: number }): CitedText {
    const { texts } = this.#candidate(choice);
    const known = texts.get(block);
    if (known !== undefined) return known;
    const text: CitedText = { text: '', citations: [] };
    texts.set(block, text);
    return text;
  }

  #addLogprobs(choice: number, logprobs: Logprobs): void {
    const candidate = this.#candidate(choice);
    const before = Array.isArray(candidate.logprobs?.content) ? (candidate.logprobs.content as unknown[]) : [];
    const more = Array.isArray(logprobs.content) ? (logprobs.content as unknown[]) : [];
    candidate.logprobs = { content: [...before, ...more] };
  }

  #thought(choice: number, key: string, text: string): string {
    const open = this.#open.get(key);
    if (open !== undefined) open.spoke = true;
    return text === '' ? '' : this.#part(choice, { text, thought: true });
  }

  /** The proof follows what it proves, in a part of its own. */
  #reasoningEnd(event: ReasoningEnd): string {
    const { origin = this.#open.get(keyOf(event))?.origin, signature, data, details } = event;
    const spoke = this.#open.get(keyOf(event))?.spoke ?? false;
    this.#open.delete(keyOf(event));
    const proof = { ...present('signature', signature), ...present('data', data), ...present('details', details) };
    const signed = reasoningSignature({ ...proof, ...present('origin', origin) });
    if (signed.thoughtSignature === undefined) return '';
    return this.#part(event.choice, { text: '', ...((spoke || origin !== ID) && { thought: true }), ...signed });
  }

  #part(index: number, part: JsonObject): string {
    this.#candidate(index);
    return this.#chunk([{ content: { parts: [part], role: 'model' }, index }], false);
  }

  #chunk(candidates: readonly JsonObject[], last: boolean): string {
    const { id, model, extensions } = this.#start ?? {};
    const usage = this.#usage;
    const cost = last && usage !== undefined ? this.#context.costOf?.(usage) : undefined;
    return frame({
      ...extensions?.[ID],
      candidates,
      ...(usage !== undefined && { usageMetadata: encodeUsage(usage, cost) }),
      modelVersion: model ?? this.#context.model,
      responseId: id ?? this.#context.id,
    });
  }
}

const keyOf = ({ choice, block }: { readonly choice: number; readonly block: number }): string => `${choice}:${block}`;

function lastOf(index: number, { finish, texts, logprobs }: Candidate): JsonObject {
  return {
    content: { parts: [{ text: '' }], role: 'model' },
    index,
    ...candidateEnd({
      reason: finish?.reason ?? 'other',
      texts: [...texts.values()],
      ...present('raw', finish?.raw),
      ...present('logprobs', logprobs),
      ...present('extensions', finish?.extensions),
    }),
  };
}
