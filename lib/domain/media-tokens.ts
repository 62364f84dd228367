/**
 * The most tokens a provider bills for media in a request. Media are not counted by their bytes: providers bill images by size in
 * pixels, documents by page, audio by second. Figures are the highest of the providers' documentation as of 2026; a document or clip
 * of unknown length counts as the longest a provider takes.
 */
import type { AudioPart, DocumentPart, MediaSource } from '../kinds/generate.ts';
import { boundTextTokens } from './text-tokens.ts';

/** What media may cost depends on the model. */
export interface MediaTarget {
  /** The provider's name of the model. */
  readonly model: string;
  /** Input the model takes; bounds media of unknown length, since a provider refuses more without billing it. */
  readonly maxInputTokens?: number | undefined;
}

/** Anthropic: width * height / 750 of at most 2576 px on the long side, about 4,784; OpenAI's patch models 1,536 * 2.46 = 3,779; Gemini 2,240. */
const IMAGE = 5_000;

/** Models that bill images far above the others. OpenAI's gpt-4o-mini: 2,833 + 5,667 for each of at most 8 tiles. */
const IMAGE_BY_MODEL: readonly { readonly model: RegExp; readonly tokens: number }[] = [
  { model: /gpt-4o-mini/, tokens: 48_169 },
];

/** A page is read as text (Anthropic: up to 3,000 tokens) and as an image of ordinary size (1,600). */
const PAGE = 4_600;

/** Most pages a provider takes (Anthropic, models with a context of a million tokens). */
const MOST_PAGES = 600;

/** Bytes of a dense PDF page; smaller pages are rare. */
const BYTES_PER_PAGE = 8_000;

/** Gemini's 32 tokens a second is the highest; OpenAI bills 10, Mistral 12.5. */
const AUDIO_PER_SECOND = 32;

/** Bytes a second of speech at the lowest usual rates: compressed 16 kbit/s, PCM 8 kHz * 16 bit. */
const AUDIO_BYTES = { compressed: 2_000, pcm: 16_000 } as const;

/** An hour, for clips of unknown length. */
const LONGEST_AUDIO = 3_600 * AUDIO_PER_SECOND;

/** Titles, labels and markers around a medium. */
const AROUND = 50;

/** The most tokens of an image, whatever its size. */
export function imageTokens(target: MediaTarget): number {
  return (IMAGE_BY_MODEL.find(({ model }) => model.test(target.model))?.tokens ?? IMAGE) + AROUND;
}

/** The most tokens of a document: its text, or its pages. */
export function documentTokens(part: DocumentPart, target: MediaTarget): number {
  return sourceTokens(part.source, target) + boundTextTokens(`${part.title ?? ''} ${part.context ?? ''}`) + AROUND;
}

/** The most tokens of a clip. */
export function audioTokens(part: AudioPart, target: MediaTarget): number {
  if (part.source.type !== 'base64') return unknownLength(LONGEST_AUDIO, target);
  const bytes = Buffer.byteLength(part.source.data, 'base64');
  const isPcm = /wav|pcm|l16/i.test(`${part.format ?? ''} ${part.source.mediaType}`);
  const seconds = Math.ceil(bytes / (isPcm ? AUDIO_BYTES.pcm : AUDIO_BYTES.compressed));
  return seconds * AUDIO_PER_SECOND + AROUND;
}

function sourceTokens(source: MediaSource, target: MediaTarget): number {
  if (source.type === 'text') return boundTextTokens(source.text);
  if (source.type !== 'base64') return unknownLength(MOST_PAGES * PAGE, target);
  const isText = /^text\/|json|xml|csv/.test(source.mediaType);
  return isText ? boundTextTokens(Buffer.from(source.data, 'base64').toString()) : pagesOf(source.data) * PAGE;
}

/** Pages of a PDF by its page objects where they are readable, else by its size. */
function pagesOf(data: string): number {
  const content = Buffer.from(data, 'base64').toString('latin1');
  const readable = content.match(/\/Type\s*\/Page(?![a-zA-Z])/g)?.length ?? 0;
  const pages = readable > 0 ? readable : Math.ceil(content.length / BYTES_PER_PAGE);
  return Math.min(Math.max(pages, 1), MOST_PAGES);
}

const unknownLength = (tokens: number, { maxInputTokens }: MediaTarget): number => Math.min(tokens, maxInputTokens ?? tokens);
