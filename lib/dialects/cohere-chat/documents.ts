/**
 * Documents the model may cite, both ways. The API takes them beside the messages (or in a tool result); in the canonical form they are
 * parts of the message that asks about them.
 */
import type { DocumentPart, Message } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { fieldsOf, wrong } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { DIALECT } from './wire.ts';

/**
 * One document: text, or `{id, data}` with `data` of any fields. A lone text beside the title is the document's text, everything else is
 * told as JSON; the document itself stays with the part, for the way back.
 */
export function decodeDocument(value: unknown, path: string, cited: boolean): DocumentPart {
  const extensions = { [DIALECT]: { document: value } };
  const marks = { ...(cited && { citations: true }), extensions };
  if (typeof value === 'string') return { type: 'document', source: { type: 'text', text: value }, ...marks };
  const data = fieldsOf(value, path).any('data');
  if (typeof data === 'string') return { type: 'document', source: { type: 'text', text: data }, ...marks };
  if (!isObject(data)) throw wrong(`${path}.data`, 'an object', data);
  const { title, ...fields } = data;
  const [only, ...others] = Object.values(fields);
  const text = typeof only === 'string' && others.length === 0 ? only : JSON.stringify(fields);
  return {
    type: 'document',
    source: { type: 'text', text },
    ...(typeof title === 'string' && { title }),
    ...marks,
  };
}

/** The conversation with the documents of the request before the last question; undefined when nobody asks anything. */
export function withDocuments(messages: readonly Message[], documents: readonly DocumentPart[]): Message[] | undefined {
  const at = messages.findLastIndex(({ role }) => role === 'user');
  return at === -1
    ? undefined
    : messages.map((message, index) => (index === at ? { ...message, parts: [...documents, ...message.parts] } : message));
}

/** A document for the provider; undefined, with a warning, when it is nothing the API can read. */
export function encodeDocument(part: DocumentPart, path: string, warn: Warn): JsonObject | string | undefined {
  const own = part.extensions?.[DIALECT]?.document;
  if (typeof own === 'string' || isObject(own)) return own;
  const { source, title, context } = part;
  const data = {
    ...(title !== undefined && { title }),
    ...(context !== undefined && { context }),
  };
  switch (source.type) {
    case 'text':
      return { data: { ...data, text: source.text } };
    case 'base64':
      if (/^(text\/|application\/(json|xml))/.test(source.mediaType)) {
        return { data: { ...data, text: Buffer.from(source.data, 'base64').toString('utf8') } };
      }
      warn({ kind: 'dropped', field: path, reason: `The API reads text documents only, not ${source.mediaType}.` });
      return undefined;
    case 'url':
      warn({ kind: 'changed', field: path, reason: 'The API fetches no documents: the model is told the address only.' });
      return { data: { ...data, url: source.url } };
    case 'file':
      warn({ kind: 'dropped', field: path, reason: `The file ${source.id} is kept by another provider (${source.origin}).` });
  }
  return undefined;
}

/** The same as an element of a tool result's content, where only objects may stand. */
export const documentBlock = (document: JsonObject | string): JsonObject => ({
  type: 'document',
  document: typeof document === 'string' ? { data: { text: document } } : document,
});
