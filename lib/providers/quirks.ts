/**
 * How providers differ within a dialect: a closed vocabulary of edits on a body about to be sent, translated or passed through.
 *
 * A quirk only respells what the provider spells differently, or leaves out what says nothing. What a provider cannot do stays in
 * the body: its own error tells the client the truth. A quirk that has nothing to do returns the very object it was given, which
 * keeps the client's bytes untouched. A new word here wants two providers, or a decision record.
 */
import { isObject, type JsonObject } from '../kinds/json.ts';
import type { Quirk } from './provider.ts';

/** Renames a top-level field. A field that already has the new name wins over the old one. */
export function rename(from: string, to: string, applies: (model: string) => boolean = () => true): Quirk {
  return (body, model) => {
    if (body[from] === undefined || !applies(model)) return body;
    const { [from]: value, ...rest } = body;
    return body[to] === undefined ? { ...rest, [to]: value } : rest;
  };
}

/** Leaves out a top-level field; with a test, only a value that passes it. For fields the provider rejects and does not need. */
export function drop(field: string, applies: (value: unknown) => boolean = () => true): Quirk {
  return (body) => {
    if (body[field] === undefined || !applies(body[field])) return body;
    const { [field]: _dropped, ...rest } = body;
    return rest;
  };
}

/** Sets a top-level field to what the provider wants it to be, whatever the client said. */
export function fixed(field: string, value: string | number | boolean): Quirk {
  return (body) => (body[field] === value ? body : { ...body, [field]: value });
}

/** Brings a top-level number into the provider's range. */
export function clamp(field: string, least: number, most: number): Quirk {
  return (body) => {
    const value = body[field];
    if (typeof value !== 'number') return body;
    const clamped = Math.min(Math.max(value, least), most);
    return clamped === value ? body : { ...body, [field]: clamped };
  };
}

/** Replaces a word of `tool_choice`; a named tool stays. */
export function toolChoiceWord(from: string, to: string): Quirk {
  return (body) => (body['tool_choice'] === from ? { ...body, tool_choice: to } : body);
}

/**
 * Joins content that is a list of plain texts into one string, for providers that take no lists. A list that holds anything else
 * (an image, a cache mark) stays. With roles, only messages of those.
 */
export function flattenContent(...roles: readonly string[]): Quirk {
  return editMessages((message) => {
    if (roles.length > 0 && !roles.includes(String(message['role']))) return message;
    const content = message['content'];
    if (!Array.isArray(content) || !content.every(isPlainText)) return message;
    return { ...message, content: content.map(({ text }) => text).join('') };
  });
}

/** Leaves out a field of messages, but for the roles that may have it. */
export function dropFromMessages(field: string, ...exceptRoles: readonly string[]): Quirk {
  return editMessages((message) => {
    if (message[field] === undefined || exceptRoles.includes(String(message['role']))) return message;
    const { [field]: _dropped, ...rest } = message;
    return rest;
  });
}

/** Leaves out fields of messages whose value is null, for providers that take "absent" but not "null". */
export function dropNullFromMessages(...fields: readonly string[]): Quirk {
  return editMessages((message) =>
    fields.some((field) => message[field] === null)
      ? Object.fromEntries(Object.entries(message).filter(([name, value]) => value !== null || !fields.includes(name)))
      : message,
  );
}

/** Writes OpenAI's `json_schema` response format as `{ type: 'json_object', schema }`. */
export const schemaAsJsonObject: Quirk = (body) => {
  const format = body['response_format'];
  if (!isObject(format) || format['type'] !== 'json_schema' || !isObject(format['json_schema'])) return body;
  return { ...body, response_format: { type: 'json_object', schema: format['json_schema']['schema'] } };
};

/** Puts the provider's namespace before a model name that has none. */
export function modelPrefix(prefix: string): Quirk {
  return (body) => {
    const { model } = body;
    return typeof model === 'string' && !model.includes('/') ? { ...body, model: prefix + model } : body;
  };
}

/** Applies an edit to each message; a body whose messages all stay as they are stays as it is. */
function editMessages(edit: (message: JsonObject) => JsonObject): Quirk {
  return (body) => {
    const { messages } = body;
    if (!Array.isArray(messages)) return body;
    const edited = messages.map((message: unknown) => (isObject(message) ? edit(message) : message));
    return edited.every((message, index) => message === messages[index]) ? body : { ...body, messages: edited };
  };
}

const isPlainText = (part: unknown): part is { readonly text: string } =>
  isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string' && Object.keys(part).length === 2;
