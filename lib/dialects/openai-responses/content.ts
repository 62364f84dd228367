/** Content parts of messages and of tool results, both ways. */
import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  MediaSource,
  OpaquePart,
  Part,
  RefusalPart,
  TextPart,
} from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { documentAsText } from '../document.ts';
import { fieldsOf, wrong, type Fields } from '../fields.ts';
import { fileSource, urlSource } from '../openai-content.ts';
import type { Warn } from '../telling.ts';
import { dataUrl, objectsOf, present } from '../values.ts';
import { decodeAnnotation } from './citations.ts';
import { DIALECT, extensionsOf } from './wire.ts';

/** Parts that `content` may hold. */
export type ContentPart = TextPart | ImagePart | AudioPart | DocumentPart | RefusalPart | OpaquePart;

/** Reads `content`: a string or an array of parts. Throws `invalid_request` for anything else. */
export function decodeContent(content: unknown, path: string): ContentPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw wrong(path, 'a string or an array of content parts', content);
  return content.map((part: unknown, index) => decodePart(part, `${path}[${index}]`));
}

function decodePart(value: unknown, path: string): ContentPart {
  const fields = fieldsOf(value, path);
  switch (fields.name('type')) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return decodeText(fields);
    case 'refusal':
      return { type: 'refusal', text: requiredText(fields, 'refusal') };
    case 'input_image':
      return decodeImage(fields);
    case 'input_file':
      return decodeFile(fields);
    case 'input_audio':
      return decodeAudio(fields);
    default:
      return { type: 'opaque', origin: DIALECT, value: value as JsonObject };
  }
}

function requiredText(fields: Fields, name: string): string {
  const text = fields.string(name);
  if (text === undefined) throw wrong(fields.at(name), 'a string', undefined);
  return text;
}

/** Log probabilities of an earlier answer mean nothing to the next one: they are not kept. */
function decodeText(fields: Fields): TextPart {
  const text = requiredText(fields, 'text');
  const citations = objectsOf(fields.array('annotations')).map(decodeAnnotation);
  fields.any('logprobs');
  return { type: 'text', text, ...(citations.length > 0 && { citations }), ...extensionsOf(fields.rest()) };
}

function decodeImage(fields: Fields): ImagePart {
  const url = fields.string('image_url');
  const id = fields.string('file_id');
  if (!url && !id) throw wrong(fields.at('image_url'), 'a URL or a data URL, or file_id', url ?? id);
  const source: MediaSource = url ? urlSource(url) : { type: 'file', id: id ?? '', origin: DIALECT };
  return { type: 'image', source, ...present('detail', fields.string('detail')), ...extensionsOf(fields.rest()) };
}

function decodeFile(fields: Fields): DocumentPart {
  const data = fields.string('file_data');
  const url = fields.string('file_url');
  const id = fields.string('file_id');
  const title = fields.string('filename');
  if (!data && !url && !id) throw wrong(fields.at('file_data'), 'a data URL, or file_url or file_id', data ?? url ?? id);
  const source: MediaSource = data
    ? fileSource(data, title)
    : url
      ? { type: 'url', url }
      : { type: 'file', id: id ?? '', origin: DIALECT };
  return { type: 'document', source, ...present('title', title), ...extensionsOf(fields.rest()) };
}

function decodeAudio(fields: Fields): AudioPart {
  const audio = fields.inner('input_audio');
  const data = audio.name('data');
  const format = audio.name('format');
  const mediaType = format === 'mp3' ? 'audio/mpeg' : `audio/${format}`;
  return { type: 'audio', source: { type: 'base64', mediaType, data }, format, ...extensionsOf(fields.rest()) };
}

/** Parts as `input_*` elements of a prompt or a tool result; what the API cannot take is dropped, with a warning. */
export function encodeContent(parts: readonly Part[], path: string, warn: Warn): JsonObject[] {
  const encoded = parts.map((part, index) => encodePart(part, `${path}[${index}]`, warn));
  return encoded.filter((part) => part !== undefined);
}

function encodePart(part: Part, path: string, warn: Warn): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text, ...part.extensions?.[DIALECT] };
    case 'refusal':
      return { type: 'input_text', text: part.text };
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

/** Files of OpenAI's two APIs are the same files. */
const isOwnFile = (source: MediaSource): source is Extract<MediaSource, { type: 'file' }> =>
  source.type === 'file' && (source.origin === DIALECT || source.origin === 'openai-chat');

function encodeImage({ source, detail = 'auto', extensions }: ImagePart, path: string, warn: Warn): JsonObject | undefined {
  const rest = { detail, ...extensions?.[DIALECT] };
  if (source.type === 'url') return { type: 'input_image', image_url: source.url, ...rest };
  if (source.type === 'base64') return { type: 'input_image', image_url: dataUrl(source.mediaType, source.data), ...rest };
  if (isOwnFile(source)) return { type: 'input_image', file_id: source.id, ...rest };
  warn({ kind: 'dropped', field: path, reason: 'The image is a file that only another provider has.' });
  return undefined;
}

function encodeAudio(part: AudioPart, path: string, warn: Warn): JsonObject | undefined {
  const { source, format, extensions } = part;
  if (source.type === 'base64') {
    const known = source.mediaType === 'audio/mpeg' ? 'mp3' : source.mediaType.replace(/^audio\/(x-)?/, '');
    return { type: 'input_audio', input_audio: { data: source.data, format: format ?? known }, ...extensions?.[DIALECT] };
  }
  warn({ kind: 'dropped', field: path, reason: 'The API takes audio as bytes only.' });
  return undefined;
}

function encodeDocument(part: DocumentPart, path: string, warn: Warn): JsonObject | undefined {
  const { source, title } = part;
  if (part.citations === true) {
    warn({ kind: 'dropped', field: `${path}.citations`, reason: 'The API cannot ask for citations of a document.' });
  }
  const rest = { ...present('filename', title), ...part.extensions?.[DIALECT] };
  if (source.type === 'url') return { type: 'input_file', file_url: source.url, ...part.extensions?.[DIALECT] };
  if (isOwnFile(source)) return { type: 'input_file', file_id: source.id, ...part.extensions?.[DIALECT] };
  if (source.type === 'base64') {
    const filename = title ?? `document.${source.mediaType.replace(/^.*\//, '')}`;
    return { type: 'input_file', filename, file_data: dataUrl(source.mediaType, source.data), ...rest };
  }
  if (source.type === 'text') {
    warn({ kind: 'changed', field: path, reason: 'The API has no text documents: sent as text.' });
    return { type: 'input_text', text: documentAsText(part, source.text) };
  }
  warn({ kind: 'dropped', field: path, reason: 'The document is a file that only another provider has.' });
  return undefined;
}
