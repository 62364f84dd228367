/** Citations, both ways: which span of the answer rests on which documents and tool results. */
import type { Citation } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { numberOf, objectsOf, textOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** True for a citation of the answer's text; others are about its plan or its thinking. */
export const isOfText = (raw: JsonObject): boolean =>
  raw.type === undefined || raw.type === null || raw.type === 'TEXT_CONTENT';

/** A citation of a text. The address and title are those of the first source that has them. */
export function decodeCitation(raw: JsonObject, text: string): Citation {
  const sources = objectsOf(raw.sources).flatMap((source) => [source.document, source.tool_output].filter(isObject));
  const url = first(sources, 'url');
  const title = first(sources, 'title');
  const citedText = first(sources, 'snippet') ?? first(sources, 'text') ?? first(sources, 'content');
  return {
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(citedText !== undefined && { citedText }),
    ...spanOf(raw, text),
    origin: DIALECT,
    raw,
  };
}

const first = (sources: readonly JsonObject[], name: string): string | undefined =>
  sources.map((source) => textOf(source[name])).find((value) => value !== undefined);

/**
 * Positions in UTF-16 units. Cohere does not say what it counts: where its figures do not find the cited words in the text, they are
 * read as code points.
 */
function spanOf(raw: JsonObject, text: string): Pick<Citation, 'start' | 'end'> {
  const start = numberOf(raw.start);
  const end = numberOf(raw.end);
  if (start === undefined || end === undefined || end <= start) return {};
  if (text.slice(start, end) === raw.text) return { start, end };
  const points = Array.from(text);
  if (points.slice(start, end).join('') !== raw.text) return { start, end };
  const from = points.slice(0, start).join('').length;
  return { start: from, end: from + raw.text.length };
}

/** A citation in this dialect. `text` is the text that carries it, `index` its place in `content`. */
export function encodeCitation(citation: Citation, text: string, index: number): JsonObject {
  if (citation.origin === DIALECT) return citation.raw;
  const { start = 0, end = text.length, url, title, citedText } = citation;
  const document = {
    ...(title !== undefined && { title }),
    ...(url !== undefined && { url }),
    ...(citedText !== undefined && { snippet: citedText }),
  };
  return {
    start,
    end,
    text: text.slice(start, end),
    sources: [{ type: 'document', id: url ?? title ?? 'source', document }],
    content_index: index,
    type: 'TEXT_CONTENT',
  };
}
