/** Longest piece of an unknown body shown, characters. */
export const EXCERPT = 500;

/** How far a body is looked into, characters: a page says what it is at its beginning. */
const START = 16 * 1024;

/**
 * The readable text of a body that is no JSON: the title of a page (proxies in front of providers answer with such), or its first words;
 * undefined when there is nothing to read.
 *
 * @param longest characters
 */
export function excerpt(text: string, longest = EXCERPT): string | undefined {
  const start = text.slice(0, START);
  const title = /<title[^<>]*>([^<]*)<\/title>/i.exec(start)?.[1]?.trim();
  const words = title || start.replaceAll(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ').replaceAll(/<[^<>]*>/g, ' ');
  const readable = words.replaceAll(/\s+/g, ' ').trim();
  return readable === '' ? undefined : readable.slice(0, longest);
}
