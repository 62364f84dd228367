/** Documents for APIs that know only text. */
import type { DocumentPart } from '../kinds/generate.ts';

/** A document's text between tags that name it. */
export function documentAsText({ title, context }: DocumentPart, text: string): string {
  const name = title === undefined ? '' : ` title=${JSON.stringify(title)}`;
  return `<document${name}>\n${context === undefined ? '' : `${context}\n`}${text}\n</document>`;
}
