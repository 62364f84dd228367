/** Tool calls: the API has their arguments as objects, and calls without ids in older versions. */
import type { ToolCallPart } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';

/** Arguments as JSON text: of an object, of text that some servers send; nothing is the empty object. */
export function argumentsText(value: unknown): string {
  if (isObject(value)) return JSON.stringify(value);
  return typeof value === 'string' && !isBlank(value) ? value : '{}';
}

const isBlank = (text: string): boolean => text.trim() === '' || text.trim() === 'null';

/** Arguments as the object the API wants; what is none is the text of `input`, and `changed` says so. */
export function argumentsObject({ arguments: text, custom }: Pick<ToolCallPart, 'arguments' | 'custom'>): {
  readonly value: JsonObject;
  readonly changed: boolean;
} {
  if (custom !== true && isBlank(text)) return { value: {}, changed: false };
  const value = custom === true ? undefined : parseJson(text);
  return isObject(value) ? { value, changed: false } : { value: { input: text }, changed: true };
}

/** The warning for such arguments. */
export const changedArguments = (field: string): { kind: 'changed'; field: string; reason: string } => ({
  kind: 'changed',
  field,
  reason: 'The arguments of a call are no JSON object: they are the text of `input`.',
});
