/** Citations on text. */
import type { Citation } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { objectsOf, present, textOf } from '../values.ts';
import { ID } from './wire.ts';

/** An item of `citationsContent.citations`, or the `citation` of a delta. The address is that of a web page or search result. */
export function decodeCitation(raw: JsonObject): Citation {
  const web = isObject(raw.location) && isObject(raw.location.web) ? raw.location.web : {};
  const source = textOf(raw.source);
  const cited = objectsOf(raw.sourceContent).flatMap(({ text }) => textOf(text) ?? []);
  return {
    ...present('url', textOf(web.url) ?? (source !== undefined && /^https?:/.test(source) ? source : undefined)),
    ...present('title', textOf(raw.title)),
    ...present('citedText', cited.length === 0 ? undefined : cited.join('')),
    origin: ID,
    raw,
  };
}

/** A citation for a client. Another dialect's becomes a web location; one without an address cannot be said: undefined. */
export function encodeCitation({ origin, raw, url, title, citedText }: Citation): JsonObject | undefined {
  if (origin === ID) return raw;
  if (url === undefined) return undefined;
  return {
    ...present('title', title),
    ...(citedText !== undefined && { sourceContent: [{ text: citedText }] }),
    location: { web: { url, ...present('domain', domainOf(url)) } },
  };
}

const domainOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).hostname : undefined);

/** The same for a provider, which knows only citations of its own making. */
export const encodeCitationForProvider = ({ origin, raw }: Citation): JsonObject | undefined =>
  origin === ID ? raw : undefined;
