/** Longest piece of an unknown body shown, characters. */
export const EXCERPT = 500;

/** The readable text of a body that is no JSON: the title of a page, or its first words; undefined when there is nothing to read. */
export function excerpt(text: string): string | undefined {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(text)?.[1];
  const readable = (title ?? text.replaceAll(/<[^>]*>/g, ' ')).replaceAll(/\s+/g, ' ').trim();
  return readable === '' ? undefined : readable.slice(0, EXCERPT);
}
