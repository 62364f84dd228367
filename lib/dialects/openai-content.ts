/** Content parts that OpenAI's APIs spell alike. */
import type { FunctionTool, MediaSource } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { Fields } from './fields.ts';
import { present, readDataUrl } from './values.ts';

/** A data URL becomes bytes; one that cannot be read stays a URL, for the provider to judge. */
export function urlSource(url: string): MediaSource {
  const inline = readDataUrl(url);
  return inline === undefined ? { type: 'url', url } : { type: 'base64', ...inline };
}

/** File bytes come as a data URL; some clients send bare base64, which OpenAI reads by the file's name. */
export function fileSource(data: string, title: string | undefined): MediaSource {
  const source = urlSource(data);
  if (source.type === 'base64' || /^(https?|data):/i.test(data)) return source;
  return { type: 'base64', mediaType: title?.toLowerCase().endsWith('.txt') ? 'text/plain' : 'application/pdf', data };
}

/** A lone plain text as a string, anything else as the array. */
export function shortest(content: readonly JsonObject[]): string | readonly JsonObject[] {
  const [only, second] = content;
  if (only === undefined) return '';
  const isText = only['type'] === 'text' || only['type'] === 'input_text';
  const plain = second === undefined && isText && Object.keys(only).length === 2;
  return plain ? (only['text'] as string) : content;
}

/** The `function` of a tool. */
export function decodeFunction(fields: Fields): FunctionTool {
  const name = fields.name('name');
  const description = fields.string('description');
  const parameters = fields.object('parameters');
  return { type: 'function', name, ...present('description', description), ...present('parameters', parameters) };
}
