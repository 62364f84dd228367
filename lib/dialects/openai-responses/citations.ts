/** Citations, both ways: the `annotations` of an `output_text`. */
import type { Citation } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { numberOf, present, textOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** One annotation: of a web page (`url_citation`), a file (`file_citation`, `container_file_citation`) or something newer. */
export function decodeAnnotation(annotation: JsonObject): Citation {
  const start = numberOf(annotation['start_index']);
  const end = numberOf(annotation['end_index']);
  const spans = start !== undefined && end !== undefined && end > start;
  return {
    ...present('url', textOf(annotation['url'])),
    ...present('title', textOf(annotation['title']) ?? textOf(annotation['filename'])),
    ...(spans && { start, end }),
    origin: DIALECT,
    raw: annotation,
  };
}

/**
 * A citation as an annotation; undefined for one this dialect cannot say, because it has no address. One without positions is taken to
 * be about the whole text, whose `length` is given in UTF-16 units.
 */
export function encodeAnnotation({ origin, raw, url, title, start, end }: Citation, length: number): JsonObject | undefined {
  if (origin === DIALECT) return raw;
  if (url === undefined) return undefined;
  return { type: 'url_citation', url, title: title ?? url, start_index: start ?? 0, end_index: end ?? length };
}
