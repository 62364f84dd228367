/**
 * Citations, both ways. OpenAI's are `annotations` of the message; Perplexity's are lists beside the choices (`search_results`,
 * `citations`); those of documents, which OpenAI cannot say, stand in `provider_specific_fields`, where LiteLLM has them.
 */
import type { Citation } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { numberOf, objectsOf, textOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** One annotation. `offset` is where the text part begins in the whole text, UTF-16 units. */
export function decodeAnnotation(annotation: JsonObject, offset: number): Citation {
  const inner = isObject(annotation['url_citation']) ? annotation['url_citation'] : annotation;
  const start = numberOf(inner['start_index']) ?? 0;
  const end = numberOf(inner['end_index']) ?? 0;
  return {
    ...described(inner, 'content'),
    ...(end > start && { start: start - offset, end: end - offset }),
    origin: DIALECT,
    raw: annotation,
  };
}

/** Perplexity's sources of a body or chunk, the richer list first. */
export function sourcesOf(chunk: JsonObject): readonly JsonObject[] {
  const results = objectsOf(chunk['search_results']);
  if (results.length > 0) return results;
  const { citations } = chunk;
  return Array.isArray(citations) ? citations.flatMap((url: unknown) => (typeof url === 'string' ? [{ url }] : [])) : [];
}

/** One of those sources. */
export const decodeSource = (source: JsonObject): Citation => ({
  ...described(source, 'snippet'),
  origin: DIALECT,
  raw: source,
});

function described(item: JsonObject, quote: string): Pick<Citation, 'url' | 'title' | 'citedText'> {
  const url = textOf(item['url']);
  const title = textOf(item['title']);
  const citedText = textOf(item[quote]);
  return {
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(citedText !== undefined && { citedText }),
  };
}

/** Where a text part lies in the whole text, UTF-16 units. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Citations sorted by the place they have in this dialect. */
export interface Cited {
  readonly annotations: JsonObject[];
  readonly sources: JsonObject[];
  /** In the shape of their own dialect. */
  readonly foreign: JsonObject[];
}

/** No citations. */
export const uncited = (): Cited => ({ annotations: [], sources: [], foreign: [] });

/** Sorts one citation in. One without positions is taken to be about its whole text part. */
export function cite(cited: Cited, citation: Citation, span: Span): void {
  const { raw, origin, url } = citation;
  if (origin === DIALECT) {
    if (raw['type'] === undefined) cited.sources.push(raw);
    else cited.annotations.push(raw);
    return;
  }
  if (url === undefined) {
    cited.foreign.push(raw);
    return;
  }
  const start = citation.start === undefined ? span.from : span.from + citation.start;
  const end = citation.end === undefined ? span.to : span.from + citation.end;
  cited.annotations.push({
    type: 'url_citation',
    url_citation: { url, title: citation.title ?? url, start_index: start, end_index: end },
  });
}

/** Fields of the message (or delta). */
export const citedFields = ({ annotations, foreign }: Cited): JsonObject => ({
  ...(annotations.length > 0 && { annotations }),
  ...(foreign.length > 0 && { provider_specific_fields: { citations: foreign } }),
});

/** Fields beside the choices, as Perplexity has them. */
export function sourceFields({ sources }: Cited): JsonObject {
  if (sources.length === 0) return {};
  const rich = sources.filter((source) => Object.keys(source).length > 1);
  return {
    citations: sources.flatMap((source) => textOf(source['url']) ?? []),
    ...(rich.length > 0 && { search_results: rich }),
  };
}
