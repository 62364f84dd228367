/** Pictures: base64 without a media type, which is read from the first bytes. */
import type { ImagePart } from '../../kinds/generate.ts';
import { readDataUrl } from '../values.ts';

/** First characters of base64, by the media type they mean. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  '/9j/': 'image/jpeg',
  iVBOR: 'image/png',
  R0lGO: 'image/gif',
  UklGR: 'image/webp',
};

/** A picture from bytes; a data URL, which some clients send, says its type itself. Unknown bytes are taken for PNG. */
export function imageOf(text: string): ImagePart {
  const inline = readDataUrl(text);
  if (inline !== undefined) return { type: 'image', source: { type: 'base64', ...inline } };
  const known = Object.entries(BEGINNINGS).find(([beginning]) => text.startsWith(beginning));
  return { type: 'image', source: { type: 'base64', mediaType: known?.[1] ?? 'image/png', data: text } };
}

/** Pictures of an answer. */
export const mediaOf = (images: unknown): ImagePart[] =>
  Array.isArray(images) ? images.flatMap((image: unknown) => (typeof image === 'string' ? [imageOf(image)] : [])) : [];
