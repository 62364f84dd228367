/** Images, sounds and documents: `inlineData` and `fileData`, both ways. */
import type { AudioPart, DocumentPart, ImagePart, MediaSource } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { present, readDataUrl } from '../values.ts';
import type { Fields } from '../fields.ts';
import { ID } from './wire.ts';

/** A part that brings media. */
export type MediaPart = ImagePart | AudioPart | DocumentPart;

/** Media types by file extension, for addresses that come without one: the API demands it. */
const TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
  csv: 'text/csv',
  json: 'application/json',
  wav: 'audio/wav',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  flac: 'audio/flac',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
};

const DEFAULTS = { image: 'image/jpeg', audio: 'audio/mpeg', document: 'application/pdf' } as const;

function guessedType(type: MediaPart['type'], url: string): string {
  if (/^https?:\/\/(www\.)?(youtube\.com|youtu\.be)\//.test(url)) return 'video/mp4';
  const extension = /\.([a-z0-9]+)(?:[?#].*)?$/i.exec(url)?.[1]?.toLowerCase() ?? '';
  return TYPES[extension] ?? DEFAULTS[type];
}

const kindOf = (mediaType: string): MediaPart['type'] =>
  mediaType.startsWith('image/') ? 'image' : mediaType.startsWith('audio/') ? 'audio' : 'document';

/** The `inlineData` of a client's part. What stands beside it (`videoMetadata`) is `extensions`. */
export function decodeInline(data: Fields, extensions: JsonObject | undefined): MediaPart {
  const mediaType = data.name('mimeType');
  const source: MediaSource = { type: 'base64', mediaType, data: data.name('data') };
  return partOf(mediaType, source, data.string('displayName'), extensions);
}

/** The `fileData` of a client's part. Files that Google keeps are nobody else's to read. */
export function decodeFile(data: Fields, extensions: JsonObject | undefined): MediaPart {
  const url = data.name('fileUri');
  const mimeType = data.string('mimeType');
  const stored = url.startsWith('gs://') || url.includes('generativelanguage.googleapis.com/') || !/^https?:/.test(url);
  const source: MediaSource = stored ? { type: 'file', id: url, origin: ID } : { type: 'url', url };
  const more = { ...extensions, ...present('mimeType', mimeType) };
  const known = mimeType ?? guessedType('document', url);
  return partOf(known, source, data.string('displayName'), Object.keys(more).length > 0 ? more : undefined);
}

function partOf(
  mediaType: string,
  source: MediaSource,
  title: string | undefined,
  extensions: JsonObject | undefined,
): MediaPart {
  const type = kindOf(mediaType);
  const beside = extensions === undefined ? {} : { extensions: { [ID]: extensions } };
  if (type === 'document') return { type, source, ...present('title', title), ...beside };
  return { type, source, ...beside };
}

/** A part for the API; undefined for a file that another provider keeps. */
export function encodeMedia(part: MediaPart): JsonObject | undefined {
  const { mimeType, ...beside } = part.extensions?.[ID] ?? {};
  const { source } = part;
  switch (source.type) {
    case 'text':
      return { text: source.text };
    case 'base64':
      return { inlineData: { mimeType: source.mediaType, data: source.data }, ...beside };
    case 'url': {
      const inline = readDataUrl(source.url);
      if (inline !== undefined) return { inlineData: { mimeType: inline.mediaType, data: inline.data }, ...beside };
      const fileData = { fileUri: source.url, mimeType: mimeType ?? guessedType(part.type, source.url) };
      return { fileData, ...beside };
    }
    case 'file':
      break;
  }
  if (source.origin !== ID) return undefined;
  return { fileData: { fileUri: source.id, ...present('mimeType', mimeType) }, ...beside };
}
