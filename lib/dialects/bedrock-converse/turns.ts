/** The conversation for a provider: canonical messages to `system` and alternating `messages`. */
import type {
  AudioPart,
  CacheMark,
  DocumentPart,
  ImagePart,
  MediaSource,
  Message,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import { inputOf } from '../anthropic-messages/turns.ts';
import type { Warn } from '../telling.ts';
import { present, readDataUrl } from '../values.ts';
import { encodeCitationForProvider } from './citation.ts';
import { knowsCachePoints, type Family } from './family.ts';
import { cachePoint, formatOf, ID, SIGNER } from './wire.ts';

/** One message; `content` is never empty. */
export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly content: JsonObject[];
}

/** A conversation as the API takes it. */
export interface Turns {
  readonly system: readonly JsonObject[];
  readonly messages: readonly Turn[];
  /** Names of the tools called in it. */
  readonly called: ReadonlySet<string>;
}

/**
 * Instructions go to `system`, wherever they stood. Neighbours of one role become one message, with tool results first, as Claude
 * demands.
 */
export function encodeMessages(messages: readonly Message[], family: Family, warn: Warn): Turns {
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  const encoder = new PartEncoder(family, warn);
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`;
    const content = encoder.content(message, field);
    if (message.role === 'system' || message.role === 'developer') {
      if (turns.length > 0) {
        warn({ kind: 'changed', field, reason: 'Instructions in mid-conversation were moved to the start.' });
      }
      system.push(...content);
    } else if (content.length > 0) append(turns, message.role === 'assistant' ? 'assistant' : 'user', content);
  }
  const { called } = encoder;
  if (turns.length === 0 && system.length > 0) {
    const reason = 'The provider needs a user message: the instructions were sent as one.';
    warn({ kind: 'changed', field: 'messages', reason });
    return { system: [], messages: [{ role: 'user', content: system }], called };
  }
  trimPrefill(turns.at(-1), warn);
  return { system, messages: turns.map((turn) => withText(resultsFirst(turn), warn)), called };
}

function append(turns: Turn[], role: Turn['role'], content: JsonObject[]): void {
  const last = turns.at(-1);
  if (last?.role === role) last.content.push(...content);
  else turns.push({ role, content });
}

/** A cache point stays behind the block it marks. */
function resultsFirst(turn: Turn): Turn {
  if (!turn.content.some(isResult)) return turn;
  const belongs = turn.content.map((block, index) =>
    isResult(block.cachePoint === undefined ? block : turn.content[index - 1]),
  );
  return {
    role: turn.role,
    content: [...turn.content.filter((_, index) => belongs[index]), ...turn.content.filter((_, index) => !belongs[index])],
  };
}

const isResult = (block: JsonObject | undefined): boolean => block?.toolResult !== undefined;

/** The API refuses documents in a message without text. */
function withText(turn: Turn, warn: Warn): Turn {
  const has = (name: string): boolean => turn.content.some((block) => block[name] !== undefined);
  if (!has('document') || has('text') || has('guardContent')) return turn;
  warn({
    kind: 'changed',
    field: 'messages',
    reason: 'The provider wants text beside a document: its name was added as such.',
  });
  const names = turn.content.flatMap(({ document }) => (isObject(document) ? [document.name] : []));
  return { role: turn.role, content: [...turn.content, { text: names.join(', ') }] };
}

/** Claude refuses an answer to continue that ends in white space. */
function trimPrefill(last: Turn | undefined, warn: Warn): void {
  const block = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  if (typeof block?.text !== 'string') return;
  const text = block.text.trimEnd();
  if (text === block.text) return;
  block.text = text;
  warn({ kind: 'changed', field: 'messages', reason: 'White space at the end of the final assistant message was cut.' });
}

/** Longest id of a tool call. */
const ID_LENGTH = 64;

/** Turns parts into blocks. Remembers ids and names: ids of calls and names of documents must be unique and of plain characters. */
class PartEncoder {
  readonly called = new Set<string>();
  readonly #family: Family;
  readonly #warn: Warn;
  readonly #ids = new Set<string>();
  readonly #sentIds = new Map<string, string>();
  readonly #names = new Set<string>();

  constructor(family: Family, warn: Warn) {
    this.#family = family;
    this.#warn = warn;
  }

  content(message: Message, field: string): JsonObject[] {
    if (message.name !== undefined) this.#dropped(`${field}.name`, 'The provider knows no names of participants.');
    return message.parts.flatMap((part, index) => {
      const where = `${field}.content[${index}]`;
      const blocks = this.#blocks(part, where);
      return blocks.length === 0 ? blocks : [...blocks, ...this.#cachePoint(part, where)];
    });
  }

  #dropped(field: string, reason: string): JsonObject[] {
    this.#warn({ kind: 'dropped', field, reason });
    return [];
  }

  #cachePoint(part: Part, field: string): JsonObject[] {
    const cache = cacheOf(part);
    if (cache === undefined || knowsCachePoints(this.#family)) return cachePoint(cache);
    return this.#dropped(`${field}.cache_control`, 'The model knows no cache points.');
  }

  #blocks(part: Part, field: string): JsonObject[] {
    switch (part.type) {
      case 'text':
        return this.#text(part, field);
      case 'refusal':
        return part.text.trim() === '' ? [] : [{ text: part.text }];
      case 'image':
        return this.#image(part, field);
      case 'document':
        return this.#document(part, field);
      case 'audio':
        return this.#audio(part, field);
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
  #text({ text, citations = [], extensions }: TextPart, field: string): JsonObject[] {
    const own = extensions?.[ID];
    if (own?.json === true) return [{ json: parseJson(text) ?? text }];
    if (text.trim() === '') return [];
    if (isObject(own?.guardContent)) return [{ guardContent: { text: { text, ...own.guardContent } } }];
    const sent = citations.flatMap((citation) => encodeCitationForProvider(citation) ?? []);
    if (sent.length < citations.length) this.#dropped(`${field}.citations`, 'Citations of another provider cannot be sent.');
    return [sent.length === 0 ? { text } : { citationsContent: { content: [{ text }], citations: sent } }];
  }

  #image({ source, detail, extensions }: ImagePart, field: string): JsonObject[] {
    const { guardContent, ...own } = extensions?.[ID] ?? {};
    const encoded = fileBlock(source, own);
    if (encoded === undefined)
      return this.#dropped(field, 'The provider takes PNG, JPEG, GIF and WebP as bytes or from S3 only.');
    if (detail !== undefined && detail !== 'auto')
      this.#dropped(`${field}.detail`, 'The provider has no image detail setting.');
    const block = { image: { ...encoded, ...own } };
    return [guardContent === undefined ? block : { guardContent: block }];
  }

  #document({ source, title, context, citations, extensions }: DocumentPart, field: string): JsonObject[] {
    const { searchResult, ...own } = extensions?.[ID] ?? {};
    if (searchResult !== undefined) return [{ searchResult }];
    const encoded = fileBlock(source, own);
    if (encoded === undefined) return this.#dropped(field, 'The provider takes documents as bytes or from S3 only.');
    return [
      {
        document: {
          ...encoded,
          name: this.#documentName(title),
          ...present('context', context),
          ...(citations !== undefined && { citations: { enabled: citations } }),
          ...own,
        },
      },
    ];
  }

  #audio({ source, format }: AudioPart, field: string): JsonObject[] {
    if (source.type !== 'base64') return this.#dropped(field, 'The provider takes audio as bytes only.');
    return [{ audio: { format: format ?? source.mediaType.replace(/^audio\//, ''), source: { bytes: source.data } } }];
  }

  /** Claude takes back only what it signed; other models take nothing back. */
  #reasoning({ text, signature, data, origin }: ReasoningPart, field: string): JsonObject[] {
    if (this.#family !== 'claude') return this.#dropped(field, 'The model takes back no reasoning.');
    if (origin === SIGNER && signature !== undefined) return [{ reasoningContent: { reasoningText: { text, signature } } }];
    if (origin === ID && data !== undefined) return [{ reasoningContent: { redactedContent: data } }];
    return this.#dropped(field, 'The provider takes back only reasoning that it signed.');
  }

  #toolCall({ id, name, arguments: json, signature }: ToolCallPart, field: string): JsonObject {
    if (signature !== undefined) this.#dropped(`${field}.signature`, 'The signature belongs to another provider.');
    const input = inputOf(json);
    if (input === undefined) {
      const reason = 'The arguments are no JSON object; they were sent as the text of `input`.';
      this.#warn({ kind: 'changed', field: `${field}.arguments`, reason });
    }
    this.called.add(name);
    return { toolUse: { toolUseId: this.#callId(id), name, input: input ?? { input: json } } };
  }

  #toolResult({ callId, parts, isError }: ToolResultPart, field: string): JsonObject {
    const content = parts.flatMap((part, index) => this.#blocks(part, `${field}.content[${index}]`));
    const status = isError === true ? { status: 'error' } : {};
    return { toolResult: { toolUseId: this.#sentIds.get(callId) ?? cleanId(callId), content, ...status } };
  }

  #callId(id: string): string {
    const sent = unused(cleanId(id), this.#ids, (base, copy) => `${base.slice(0, ID_LENGTH - 4)}_${copy}`);
    this.#sentIds.set(id, sent);
    return sent;
  }

  #documentName(title = ''): string {
    return unused(cleanName(title), this.#names, (base, copy) => `${base} ${copy}`);
  }
}

/** The mark of a part. One within a tool result marks the result: there is no place for it inside. */
function cacheOf(part: Part): CacheMark | undefined {
  const inner = part.type === 'tool-result' ? part.parts.map(cacheOf).find((mark) => mark !== undefined) : undefined;
  return 'cache' in part ? (part.cache ?? inner) : inner;
}

/** The name, or a numbered one if it was used before; used from now on. */
function unused(name: string, used: Set<string>, numbered: (name: string, copy: number) => string): string {
  let free = name;
  for (let copy = 2; used.has(free); copy++) free = numbered(name, copy);
  used.add(free);
  return free;
}

const cleanId = (id: string): string => (id === '' ? 'tooluse' : id.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, ID_LENGTH));

/** Names of documents: letters, digits, single spaces, hyphens, round and square brackets. */
const cleanName = (title: string): string =>
  title
    .replaceAll(/[^a-zA-Z0-9\s\-()[\]]/g, '-')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 190) || 'Document';

/** Format and source of a file; undefined for a place or format the API does not read from. `own` fields win over both. */
function fileBlock(source: MediaSource, own: JsonObject): JsonObject | undefined {
  if (own.source !== undefined) return {};
  switch (source.type) {
    case 'text':
      return { format: 'txt', source: { bytes: Buffer.from(source.text).toString('base64') } };
    case 'base64':
      return bytesBlock(source.mediaType, source.data);
    case 'url':
      return urlBlock(source.url);
    case 'file':
      break;
  }
  return source.origin === ID ? urlBlock(source.id) : undefined;
}

function bytesBlock(mediaType: string, bytes: string): JsonObject | undefined {
  const format = formatOf(mediaType);
  return format === undefined ? undefined : { format, source: { bytes } };
}

/** Data URLs hold their bytes; S3 addresses are read by the provider. */
function urlBlock(url: string): JsonObject | undefined {
  const inline = readDataUrl(url);
  if (inline !== undefined) return bytesBlock(inline.mediaType, inline.data);
  const extension = /\.(\w+)$/.exec(url)?.[1]?.toLowerCase();
  if (!url.startsWith('s3://') || extension === undefined) return undefined;
  return { format: extension === 'jpg' ? 'jpeg' : extension, source: { s3Location: { uri: url } } };
}
