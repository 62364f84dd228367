/** The conversation for a provider: canonical messages to `system` and alternating `messages`. */
import type {
  DocumentPart,
  ImagePart,
  MediaSource,
  Message,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  Warning,
} from '../../kinds/generate.ts';
import { parseObject, type JsonObject } from '../../kinds/json.ts';
import { encodeCitationForProvider } from './citation.ts';
import { cacheControl, ID } from './wire.ts';

/** A conversation as the API takes it. */
export interface Turns {
  readonly system: readonly JsonObject[];
  readonly messages: readonly Turn[];
}

/** One message; `content` is never empty. */
export interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: JsonObject[];
}

/**
 * Instructions at the start go to `system`. Later ones keep their place only for clients that speak this dialect (`native`): they
 * know whether their model takes them there; others' are moved to the start. Neighbours of one role become one message, with tool
 * results first, as the API demands.
 */
export function encodeMessages(messages: readonly Message[], native: boolean, warn: (warning: Warning) => void): Turns {
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  const encoder = new PartEncoder(warn);
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`;
    const content = encoder.content(message, field);
    const instructs = message.role === 'system' || message.role === 'developer';
    if (instructs && (turns.length === 0 || !native)) {
      if (turns.length > 0) {
        warn({ kind: 'changed', field, reason: 'Instructions in mid-conversation were moved to the start.' });
      }
      system.push(...content);
    } else if (content.length > 0) {
      append(turns, message.role === 'assistant' ? 'assistant' : instructs ? 'system' : 'user', content);
    }
  }
  if (turns.length === 0 && system.length > 0) {
    warn({
      kind: 'changed',
      field: 'messages',
      reason: 'The provider needs a user message: the instructions were sent as one.',
    });
    return { system: [], messages: [{ role: 'user', content: system }] };
  }
  trimPrefill(turns.at(-1), warn);
  return { system, messages: turns.map(resultsFirst) };
}

function append(turns: Turn[], role: Turn['role'], content: JsonObject[]): void {
  const last = turns.at(-1);
  if (last?.role === role) last.content.push(...content);
  else turns.push({ role, content });
}

function resultsFirst(turn: Turn): Turn {
  if (turn.role !== 'user') return turn;
  const isResult = (block: JsonObject): boolean => block.type === 'tool_result';
  return { role: 'user', content: [...turn.content.filter(isResult), ...turn.content.filter((block) => !isResult(block))] };
}

/** The API refuses an answer to continue that ends in white space. */
function trimPrefill(last: Turn | undefined, warn: (warning: Warning) => void): void {
  const block = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  if (block?.type !== 'text') return;
  const text = String(block.text).trimEnd();
  if (text === block.text) return;
  block.text = text;
  warn({ kind: 'changed', field: 'messages', reason: 'White space at the end of the final assistant message was cut.' });
}

/** Turns parts into blocks. Remembers tool call ids: the API takes only letters, digits, `_` and `-`, and each id once. */
class PartEncoder {
  readonly #warn: (warning: Warning) => void;
  readonly #used = new Set<string>();
  readonly #sent = new Map<string, string>();

  constructor(warn: (warning: Warning) => void) {
    this.#warn = warn;
  }

  content(message: Message, field: string): JsonObject[] {
    if (message.name !== undefined) this.#dropped(`${field}.name`, 'The provider knows no names of participants.');
    return message.parts.flatMap((part, index) => this.#blocks(part, `${field}.content[${index}]`));
  }

  #dropped(field: string, reason: string): JsonObject[] {
    this.#warn({ kind: 'dropped', field, reason });
    return [];
  }

  #blocks(part: Part, field: string): JsonObject[] {
    switch (part.type) {
      case 'text':
        return this.#text(part, field);
      case 'refusal':
        return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }];
      case 'image':
        return this.#image(part, field);
      case 'document':
        return this.#document(part, field);
      case 'audio':
        return this.#dropped(field, 'The provider takes no audio.');
      case 'reasoning':
        return this.#reasoning(part, field);
      case 'tool-call':
        return [this.#toolCall(part, field)];
      case 'tool-result':
        return [this.#toolResult(part, field)];
      case 'opaque':
        break;
    }
    return part.origin === ID ? [part.value] : this.#dropped(field, `Only ${part.origin} providers understand this part.`);
  }

  /** Blank text blocks are refused by the API and say nothing. */
  #text({ text, citations, cache, extensions }: TextPart, field: string): JsonObject[] {
    if (text.trim() === '') return [];
    const sent = (citations ?? []).flatMap((citation) => encodeCitationForProvider(citation) ?? []);
    if (sent.length < (citations?.length ?? 0))
      this.#dropped(`${field}.citations`, 'Citations of another provider cannot be sent.');
    return [{ type: 'text', text, ...(sent.length > 0 && { citations: sent }), ...extensions?.[ID], ...cacheControl(cache) }];
  }

  #image({ source, detail, cache, extensions }: ImagePart, field: string): JsonObject[] {
    const encoded = source.type === 'text' ? undefined : mediaSource(source);
    if (encoded === undefined) return this.#dropped(field, 'The provider cannot read an image from there.');
    if (detail !== undefined && detail !== 'auto')
      this.#dropped(`${field}.detail`, 'The provider has no image detail setting.');
    return [{ type: 'image', source: encoded, ...extensions?.[ID], ...cacheControl(cache) }];
  }

  #document({ source, title, context, citations, cache, extensions }: DocumentPart, field: string): JsonObject[] {
    const own = extensions?.[ID];
    const encoded = documentSource(source);
    if (encoded === undefined) return this.#dropped(field, 'The provider reads PDF and text documents only.');
    const isSearchResult = own?.type === 'search_result';
    return [
      {
        type: 'document',
        source: encoded,
        ...(title !== undefined && { title }),
        ...(context !== undefined && !isSearchResult && { context }),
        ...(citations !== undefined && { citations: { enabled: citations } }),
        ...own,
        ...cacheControl(cache),
      },
    ];
  }

  /** The API takes back only what it signed. */
  #reasoning({ text, signature, data, origin }: ReasoningPart, field: string): JsonObject[] {
    if (origin === ID && signature !== undefined) return [{ type: 'thinking', thinking: text, signature }];
    if (origin === ID && data !== undefined) return [{ type: 'redacted_thinking', data }];
    return this.#dropped(field, 'The provider takes back only reasoning that it signed.');
  }

  #toolCall({ id, name, arguments: json, signature, cache, extensions }: ToolCallPart, field: string): JsonObject {
    if (signature !== undefined) this.#dropped(`${field}.signature`, 'The signature belongs to another provider.');
    const input = inputOf(json);
    if (input === undefined) {
      this.#warn({
        kind: 'changed',
        field: `${field}.arguments`,
        reason: 'The arguments are no JSON object; they were sent as the text of `input`.',
      });
    }
    return {
      type: 'tool_use',
      id: this.#callId(id),
      name,
      input: input ?? { input: json },
      ...extensions?.[ID],
      ...cacheControl(cache),
    };
  }

  #toolResult({ callId, parts, isError, cache, extensions }: ToolResultPart, field: string): JsonObject {
    const blocks = parts.flatMap((part, index) => this.#blocks(part, `${field}.content[${index}]`));
    const [first] = blocks;
    const plain = blocks.length === 1 && first?.type === 'text' && Object.keys(first).length === 2;
    return {
      type: 'tool_result',
      tool_use_id: this.#sent.get(callId) ?? clean(callId),
      ...(blocks.length > 0 && { content: plain ? first.text : blocks }),
      ...(isError === true && { is_error: true }),
      ...extensions?.[ID],
      ...cacheControl(cache),
    };
  }

  #callId(id: string): string {
    const base = clean(id);
    let sent = base;
    for (let copy = 2; this.#used.has(sent); copy++) sent = `${base}_${copy}`;
    this.#used.add(sent);
    this.#sent.set(id, sent);
    return sent;
  }
}

const clean = (id: string): string => (id === '' ? 'toolu' : id.replaceAll(/[^a-zA-Z0-9_-]/g, '_'));

/** Arguments as an object; undefined when they are anything else. */
export const inputOf = (json: string): JsonObject | undefined => (json.trim() === '' ? {} : parseObject(json));

function mediaSource(source: Exclude<MediaSource, { type: 'text' }>): JsonObject | undefined {
  switch (source.type) {
    case 'base64':
      return { type: 'base64', media_type: source.mediaType, data: source.data };
    case 'url':
      return { type: 'url', url: source.url };
    case 'file':
      break;
  }
  return source.origin === ID ? { type: 'file', file_id: source.id } : undefined;
}

function documentSource(source: MediaSource): JsonObject | undefined {
  if (source.type === 'text') return { type: 'text', media_type: 'text/plain', data: source.text };
  if (source.type !== 'base64') return mediaSource(source);
  if (source.mediaType.startsWith('text/')) {
    return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') };
  }
  return source.mediaType === 'application/pdf' ? mediaSource(source) : undefined;
}
