/**
 * Where the sentences of an answer came from. Google tells it beside the text: `groundingMetadata` for searches and retrieved
 * documents, `citationMetadata` for recited works.
 */
import type { Citation } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { numberOf, objectsOf, present, textOf } from '../values.ts';
import { ID } from './wire.ts';

/** A block of text of the answer. */
export interface TextRun {
  readonly block: number;
  text: string;
}

/** A citation and the block it belongs to. */
export interface PlacedCitation {
  readonly block: number;
  readonly citation: Citation;
}

/** Positions in UTF-16 units of the whole text. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** The citations that a candidate's metadata tells about its text; none where there is no text to cite for. */
export function citationsOf(candidate: JsonObject, runs: readonly TextRun[]): PlacedCitation[] {
  if (runs.length === 0) return [];
  const { groundingMetadata, citationMetadata } = candidate;
  const text = new Text(runs);
  return [
    ...(isObject(groundingMetadata) ? grounded(groundingMetadata, text) : []),
    ...(isObject(citationMetadata) ? recited(citationMetadata, text) : []),
  ];
}

/** The text of an answer, whose positions Google counts in bytes of UTF-8. */
class Text {
  readonly #runs: readonly TextRun[];
  readonly #whole: string;
  readonly #bytes: Buffer;

  constructor(runs: readonly TextRun[]) {
    this.#runs = runs;
    this.#whole = runs.map(({ text }) => text).join('');
    this.#bytes = Buffer.from(this.#whole);
  }

  /** A piece of the text, by its words where the positions do not fit them: they count from the start of a part we no longer know. */
  find(segment: JsonObject): Span | undefined {
    const start = numberOf(segment.startIndex) ?? 0;
    const end = numberOf(segment.endIndex);
    const words = textOf(segment.text);
    if (end !== undefined && end > start && end <= this.#bytes.length) {
      const piece = this.#bytes.toString('utf8', start, end);
      const from = this.#bytes.toString('utf8', 0, start).length;
      if (words === undefined || piece === words) return { start: from, end: from + piece.length };
    }
    const at = words === undefined ? -1 : this.#whole.indexOf(words);
    return words === undefined || at === -1 ? undefined : { start: at, end: at + words.length };
  }

  /** The block a piece begins in and its positions there; the last block for a citation of no particular piece. */
  place(span: Span | undefined, citation: Omit<Citation, 'start' | 'end'>): PlacedCitation {
    let before = 0;
    for (const { block, text } of this.#runs) {
      if (span !== undefined && span.start < before + text.length) {
        const start = span.start - before;
        return { block, citation: { ...citation, start, end: Math.min(span.end - before, text.length) } };
      }
      before += text.length;
    }
    return { block: this.#runs.at(-1)?.block ?? 0, citation };
  }
}

/** A chunk names its source under its kind: `web`, `retrievedContext`, `maps`, `image`. */
function sourceOf(chunk: JsonObject): Pick<Citation, 'url' | 'title'> {
  const [source] = Object.values(chunk).filter(isObject);
  return { ...present('url', textOf(source?.uri) ?? textOf(source?.sourceUri)), ...present('title', textOf(source?.title)) };
}

function grounded({ groundingChunks, groundingSupports }: JsonObject, text: Text): PlacedCitation[] {
  const chunks = objectsOf(groundingChunks);
  const supports = objectsOf(groundingSupports);
  if (supports.length === 0) {
    return chunks.map((chunk) => text.place(undefined, { ...sourceOf(chunk), origin: ID, raw: chunk }));
  }
  return supports.flatMap(({ segment, groundingChunkIndices }) => {
    const piece = isObject(segment) ? segment : {};
    const span = text.find(piece);
    return (Array.isArray(groundingChunkIndices) ? groundingChunkIndices : []).flatMap((index: unknown) => {
      const chunk = typeof index === 'number' ? chunks[index] : undefined;
      if (chunk === undefined) return [];
      const cited = present('citedText', textOf(piece.text));
      return [text.place(span, { ...sourceOf(chunk), ...cited, origin: ID, raw: { ...chunk, segment: piece } })];
    });
  });
}

/** `citations` on Vertex AI, `citationSources` on the Gemini API. */
function recited({ citations, citationSources }: JsonObject, text: Text): PlacedCitation[] {
  return [...objectsOf(citations), ...objectsOf(citationSources)].map((raw) =>
    text.place(text.find(raw), { ...present('url', textOf(raw.uri)), ...present('title', textOf(raw.title)), origin: ID, raw }),
  );
}

/** A text of an answer and the sources it names. */
export interface CitedText {
  text: string;
  readonly citations: Citation[];
}

/** The `groundingMetadata` for a client that tells citations of other providers; undefined when none has an address. */
export function encodeGrounding(texts: readonly CitedText[]): JsonObject | undefined {
  const named = texts.flatMap(({ citations }) => citations.filter(isForeign));
  if (named.length === 0) return undefined;
  const urls = [...new Set(named.map(({ url }) => url))];
  let before = 0;
  const supports = texts.flatMap(({ text, citations }) => {
    const offset = before;
    before += Buffer.byteLength(text);
    return citations.filter(isForeign).flatMap((citation) => {
      const segment = segmentOf(citation, text, offset);
      return segment === undefined ? [] : [{ segment, groundingChunkIndices: [urls.indexOf(citation.url)] }];
    });
  });
  return {
    groundingChunks: urls.map((url) => {
      const title = named.find((citation) => citation.url === url && citation.title !== undefined)?.title;
      return { web: { uri: url, ...present('title', title) } };
    }),
    ...(supports.length > 0 && { groundingSupports: supports }),
  };
}

const isForeign = ({ origin, url }: Citation): boolean => origin !== ID && url !== undefined;

/** A cited piece with its positions in bytes; undefined when no piece is named. */
function segmentOf({ start = 0, end, citedText }: Citation, text: string, offset: number): JsonObject | undefined {
  if (end === undefined) return citedText === undefined ? undefined : { text: citedText };
  const from = offset + Buffer.byteLength(text.slice(0, start));
  const words = text.slice(start, end);
  return { startIndex: from, endIndex: from + Buffer.byteLength(words), text: words };
}
