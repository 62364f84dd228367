/** Citations on text blocks. */
import type { Citation } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { ID } from './wire.ts';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** An item of a block's `citations`, or of a `citations_delta`. */
export function decodeCitation(raw: JsonObject): Citation {
  const source = textOf(raw.source);
  const url = textOf(raw.url) ?? (source !== undefined && /^https?:/.test(source) ? source : undefined);
  const title = textOf(raw.title) ?? textOf(raw.document_title);
  const citedText = textOf(raw.cited_text);
  return {
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(citedText !== undefined && { citedText }),
    origin: ID,
    raw,
  };
}

/** A citation for a client. Another dialect's becomes a web search location; one without an address cannot be said: undefined. */
export function encodeCitation({ origin, raw, url, title, citedText }: Citation): JsonObject | undefined {
  if (origin === ID) return raw;
  if (url === undefined) return undefined;
  return {
    type: 'web_search_result_location',
    url,
    title: title ?? null,
    cited_text: citedText ?? '',
    encrypted_index: '',
  };
}

/** The same for a provider, which checks the proof of a web search location: one that `encodeCitation` made up has none. */
export function encodeCitationForProvider({ origin, raw }: Citation): JsonObject | undefined {
  const madeUp = raw.type === 'web_search_result_location' && raw.encrypted_index === '';
  return origin === ID && !madeUp ? raw : undefined;
}
