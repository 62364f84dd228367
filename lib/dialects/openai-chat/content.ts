/** Content parts of messages, both ways: text, images, audio, files, and whatever only this dialect knows. */
import type {
  AudioPart,
  DocumentPart,
  Extensions,
  ImagePart,
  MediaSource,
  OpaquePart,
  Part,
  RefusalPart,
  ReasoningPart,
  TextPart,
} from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { decodeCache, encodeCache } from './cache.ts';
import { documentAsText } from '../document.ts';
import { Fields, fieldsOf, wrong } from '../fields.ts';
import { fileSource, urlSource } from '../openai-content.ts';
import type { Warn } from '../telling.ts';
import { dataUrl, objectsOf, textOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** Parts that `content` may hold. */
export type ContentPart = TextPart | ImagePart | AudioPart | DocumentPart | RefusalPart | ReasoningPart | OpaquePart;

/** Reads `content`: a string or an array of parts. Throws `invalid_request` for anything else. */
export function decodeContent(content: unknown, path: string): ContentPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw wrong(path, 'a string or an array of content parts', content);
  return content.map((part: unknown, index) => decodePart(part, `${path}[${index}]`));
}

/** Unknown fields as the extensions of a part or message. */
export const extensionsOf = (rest: JsonObject | undefined): { extensions?: Extensions } =>
  rest === undefined ? {} : { extensions: { [DIALECT]: rest } };

function decodePart(value: unknown, path: string): ContentPart {
  const fields = fieldsOf(value, path);
  switch (fields.name('type')) {
    case 'text':
      return { type: 'text', text: requiredText(fields, 'text'), ...marks(fields) };
    case 'refusal':
      return { type: 'refusal', text: requiredText(fields, 'refusal') };
    case 'image_url':
      return decodeImage(fields);
    case 'input_audio':
      return decodeAudio(fields);
    case 'file':
      return decodeFile(fields);
    case 'document_url':
      return decodeDocumentUrl(fields);
    case 'thinking':
      return { type: 'reasoning', text: thinkingText(fields.any('thinking')) };
    default:
      return { type: 'opaque', origin: DIALECT, value: value as JsonObject };
  }
}

/** Readable text of a `thinking` part: a string, or Mistral's list of text parts. */
export const thinkingText = (thinking: unknown): string =>
  typeof thinking === 'string'
    ? thinking
    : objectsOf(thinking)
        .map((part) => textOf(part['text']) ?? '')
        .join('');

/** The cache mark and the unknown fields of a part, read last. */
function marks(fields: Fields): Pick<TextPart, 'cache' | 'extensions'> {
  return { ...decodeCache(fields.any('cache_control')), ...extensionsOf(fields.rest()) };
}

function requiredText(fields: Fields, name: string): string {
  const text = fields.string(name);
  if (text === undefined) throw wrong(fields.at(name), 'a string', undefined);
  return text;
}

function decodeImage(fields: Fields): ImagePart {
  const image = fields.any('image_url');
  if (typeof image === 'string') return { type: 'image', source: urlSource(image), ...marks(fields) };
  const inner = fields.inner('image_url');
  const source = urlSource(inner.name('url'));
  const detail = inner.string('detail');
  return { type: 'image', source, ...(detail !== undefined && { detail }), ...marks(fields) };
}

const AUDIO_TYPES: Readonly<Record<string, string>> = { mp3: 'audio/mpeg', m4a: 'audio/mp4', pcm16: 'audio/pcm' };

function decodeAudio(fields: Fields): AudioPart {
  const audio = fields.inner('input_audio');
  const data = audio.name('data');
  const format = audio.name('format');
  const mediaType = AUDIO_TYPES[format] ?? `audio/${format}`;
  return { type: 'audio', source: { type: 'base64', mediaType, data }, format, ...extensionsOf(fields.rest()) };
}

function decodeFile(fields: Fields): DocumentPart {
  const file = fields.inner('file');
  const data = file.string('file_data');
  const id = file.string('file_id');
  const title = file.string('filename');
  if (!data && !id) throw wrong(file.at('file_data'), 'a data URL, or file.file_id', data ?? id);
  const source: MediaSource = data ? fileSource(data, title) : idSource(id ?? '');
  return { type: 'document', source, ...(title !== undefined && { title }), ...marks(fields) };
}

/** LiteLLM's clients put web addresses where OpenAI has the id of an upload. */
const idSource = (id: string): MediaSource =>
  /^https?:\/\//i.test(id) ? { type: 'url', url: id } : { type: 'file', id, origin: DIALECT };

/** Mistral's part for a document on the web; its fields stay with it, for the way back. */
function decodeDocumentUrl(fields: Fields): DocumentPart {
  const own = { type: 'document_url', ...fields.without('type', 'cache_control') };
  const url = fields.name('document_url');
  const title = fields.string('document_name');
  const { cache } = decodeCache(fields.any('cache_control'));
  return {
    type: 'document',
    source: { type: 'url', url },
    ...(title !== undefined && { title }),
    ...(cache !== undefined && { cache }),
    ...extensionsOf(own),
  };
}

/** The parts as `content` array elements; what chat cannot carry becomes text or is dropped, with a warning. */
export function encodeContent(parts: readonly Part[], path: string, warn: Warn): JsonObject[] {
  const encoded = parts.map((part, index) => encodePart(part, `${path}[${index}]`, warn));
  return encoded.filter((part) => part !== undefined);
}

function encodePart(part: Part, path: string, warn: Warn): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text, ...encodeCache(part.cache), ...part.extensions?.[DIALECT] };
    case 'refusal':
      return { type: 'refusal', refusal: part.text };
    case 'image':
      return encodeImage(part, path, warn);
    case 'audio':
      return encodeAudio(part, path, warn);
    case 'document':
      return encodeDocument(part, path, warn);
    case 'opaque':
      if (part.origin === DIALECT) return part.value;
      warn({ kind: 'dropped', field: path, reason: `A ${String(part.value['type'])} block exists in ${part.origin} only.` });
      return undefined;
    case 'reasoning':
    case 'tool-call':
    case 'tool-result':
      warn({ kind: 'dropped', field: path, reason: `A message of this role cannot hold a ${part.type}.` });
  }
  return undefined;
}

function encodeImage(part: ImagePart, path: string, warn: Warn): JsonObject | undefined {
  const { source, detail } = part;
  if (source.type === 'base64' || source.type === 'url') {
    const url = source.type === 'url' ? source.url : dataUrl(source.mediaType, source.data);
    const image = { url, ...(detail !== undefined && { detail }) };
    return { type: 'image_url', image_url: image, ...encodeCache(part.cache), ...part.extensions?.[DIALECT] };
  }
  warn({ kind: 'dropped', field: path, reason: 'Chat completions take images by URL or as bytes, not by file id.' });
  return undefined;
}

function encodeAudio(part: AudioPart, path: string, warn: Warn): JsonObject | undefined {
  const { source } = part;
  if (source.type === 'base64') {
    const format = part.format ?? formatOf(source.mediaType);
    return { type: 'input_audio', input_audio: { data: source.data, format }, ...part.extensions?.[DIALECT] };
  }
  warn({ kind: 'dropped', field: path, reason: 'Chat completions take audio as bytes only.' });
  return undefined;
}

const formatOf = (mediaType: string): string =>
  Object.keys(AUDIO_TYPES).find((format) => AUDIO_TYPES[format] === mediaType) ?? mediaType.replace(/^audio\/(x-)?/, '');

/** Chat completions read PDF files; text documents are told as text, an address as a line that names it. */
function encodeDocument(part: DocumentPart, path: string, warn: Warn): JsonObject | undefined {
  const { source } = part;
  if (part.citations === true) {
    warn({ kind: 'dropped', field: `${path}.citations`, reason: 'Chat completions cannot ask for citations of a document.' });
  }
  switch (source.type) {
    case 'text':
      return asText(part, source.text, path, warn);
    case 'url':
      if (part.extensions?.[DIALECT]?.['document_url'] !== undefined) {
        return { ...part.extensions[DIALECT], ...encodeCache(part.cache) };
      }
      return asText(part, `The document is at ${source.url}`, path, warn);
    case 'base64':
      if (/^(text\/|application\/(json|xml))/.test(source.mediaType)) {
        return asText(part, Buffer.from(source.data, 'base64').toString('utf8'), path, warn);
      }
      return asFile(part, {
        filename: part.title ?? `document.${source.mediaType.replace(/^.*\//, '')}`,
        file_data: dataUrl(source.mediaType, source.data),
      });
    case 'file':
      if (source.origin === DIALECT) {
        return asFile(part, { file_id: source.id, ...(part.title !== undefined && { filename: part.title }) });
      }
      warn({ kind: 'dropped', field: path, reason: `The file ${source.id} is kept by another provider (${source.origin}).` });
  }
  return undefined;
}

const asFile = (part: DocumentPart, file: JsonObject): JsonObject => ({
  type: 'file',
  file,
  ...encodeCache(part.cache),
  ...part.extensions?.[DIALECT],
});

function asText(part: DocumentPart, text: string, path: string, warn: Warn): JsonObject {
  warn({ kind: 'changed', field: path, reason: 'Chat completions have no text documents: sent as text.' });
  return { type: 'text', text: documentAsText(part, text), ...encodeCache(part.cache) };
}
