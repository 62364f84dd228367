/** The conversation, both ways. */
import type { DocumentPart, Message, Part, ToolCallPart, ToolResultPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { documentAsText } from '../document.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { argumentsObject, argumentsText, changedArguments } from './calls.ts';
import { imageOf } from './images.ts';
import { DIALECT, extensionsOf } from './wire.ts';

const ROLES = ['system', 'user', 'assistant', 'tool'];

/** Calls of the conversation that have no result yet, oldest first. */
type OpenCalls = ToolCallPart[];

/**
 * Reads `messages`. Throws `invalid_request` with the path of what is wrong. A result belongs to the call with its id, else to the
 * oldest open call of its tool, else to the oldest open call: older clients know neither ids nor names.
 */
export function decodeMessages(value: unknown): Message[] {
  if (!Array.isArray(value)) throw wrong('messages', 'an array of messages', value);
  if (value.length === 0) throw wrong('messages', 'at least one message', value);
  const open: OpenCalls = [];
  return value.map((message: unknown, index) => decodeMessage(fieldsOf(message, `messages[${index}]`), index, open));
}

function decodeMessage(fields: Fields, index: number, open: OpenCalls): Message {
  const role = fields.any('role');
  switch (role) {
    case 'system':
    case 'user': {
      const parts = decodeContent(fields);
      if (parts.length === 0) throw wrong(fields.at('content'), 'a string', undefined);
      return { role, parts, ...extensionsOf(fields.rest()) };
    }
    case 'assistant':
      return decodeAssistant(fields, index, open);
    case 'tool': {
      const callId = answeredCall(fields, open);
      const result: ToolResultPart = { type: 'tool-result', callId, parts: decodeContent(fields) };
      return { role, parts: [result], ...extensionsOf(fields.rest()) };
    }
    default:
      throw wrong(fields.at('role'), oneOf(ROLES), role);
  }
}

type Content = Extract<Part, { type: 'text' | 'image' }>;

/** Text and pictures; an empty text says nothing where there is something else. */
function decodeContent(fields: Fields): Content[] {
  const text = fields.string('content');
  const images = (fields.array('images') ?? []).map((image, index) => {
    if (typeof image === 'string' && image !== '') return imageOf(image);
    throw wrong(`${fields.at('images')}[${index}]`, 'base64 text', image);
  });
  return [...images, ...(text === undefined || (text === '' && images.length > 0) ? [] : [{ type: 'text' as const, text }])];
}

function decodeAssistant(fields: Fields, index: number, open: OpenCalls): Message {
  const thinking = fields.string('thinking');
  const said = decodeContent(fields).filter((part) => part.type !== 'text' || part.text !== '');
  const calls = (fields.array('tool_calls') ?? []).map((call, at) => {
    const inner = fieldsOf(call, `${fields.at('tool_calls')}[${at}]`);
    return decodeCall(inner, `call_${index}_${at}`);
  });
  open.push(...calls);
  const parts: Part[] = [
    ...(thinking ? [{ type: 'reasoning' as const, text: thinking, origin: DIALECT }] : []),
    ...said,
    ...calls,
  ];
  return {
    role: 'assistant',
    parts: parts.length === 0 ? [{ type: 'text', text: '' }] : parts,
    ...extensionsOf(fields.rest()),
  };
}

function decodeCall(fields: Fields, otherwise: string): ToolCallPart {
  const id = fields.string('id') || otherwise;
  fields.any('type');
  const call = fields.inner('function');
  const name = call.name('name');
  const given = call.any('arguments');
  if (given !== undefined && typeof given !== 'string' && !isObject(given)) {
    throw wrong(call.at('arguments'), 'an object', given);
  }
  return { type: 'tool-call', id, name, arguments: argumentsText(given), ...extensionsOf(fields.rest()) };
}

function answeredCall(fields: Fields, open: OpenCalls): string {
  const id = fields.string('tool_call_id');
  const name = fields.string('tool_name') ?? fields.string('name');
  const byId = open.findIndex((call) => call.id === id);
  const byName = open.findIndex((call) => call.name === name);
  const found = byId !== -1 ? byId : byName !== -1 ? byName : 0;
  const [call] = open.splice(found, 1);
  if (call !== undefined) return call.id;
  const path = fields.at('role');
  throw contradiction(
    path,
    `${path}: a tool message must answer a call of an earlier assistant message; all have their results.`,
  );
}

/** Writes the conversation. Pictures of a tool result follow the run of results in a user message, since templates look for them there. */
export function encodeMessages(asked: readonly Message[], warn: Warn): JsonObject[] {
  const messages: JsonObject[] = [];
  const names = new Map<string, string>();
  let moved: string[] = [];
  const settle = (): void => {
    if (moved.length > 0) messages.push({ role: 'user', content: 'Pictures of the tool results:', images: moved });
    moved = [];
  };
  for (const [index, message] of asked.entries()) {
    const path = `messages[${index}]`;
    const own = message.extensions?.[DIALECT];
    if (message.name !== undefined) {
      warn({ kind: 'dropped', field: `${path}.name`, reason: 'The API has no names of participants.' });
    }
    for (const part of message.parts) if (part.type === 'tool-call') names.set(part.id, part.name);
    const results = message.parts.filter((part) => part.type === 'tool-result');
    const parts = message.parts.filter((part) => part.type !== 'tool-result');
    for (const result of results) {
      const { content, images } = encodeResult(result, path, warn);
      const name = names.get(result.callId);
      messages.push({
        role: 'tool',
        content,
        ...(name !== undefined && { tool_name: name }),
        tool_call_id: result.callId,
        ...own,
      });
      moved.push(...images);
    }
    if (results.length > 0 && parts.length === 0) continue;
    settle();
    if (message.role === 'assistant') {
      messages.push({ ...encodeAssistant(parts, path, warn), ...own });
      continue;
    }
    const { content, images } = encodeContent(parts, `${path}.content`, warn);
    const role = message.role === 'system' || message.role === 'developer' ? 'system' : 'user';
    messages.push({ role, content, ...(images.length > 0 && { images }), ...own });
  }
  settle();
  return messages;
}

/** Text parts joined by blank lines, and pictures. */
interface EncodedContent {
  readonly content: string;
  readonly images: string[];
}

function encodeContent(parts: readonly Part[], path: string, warn: Warn): EncodedContent {
  const texts: string[] = [];
  const images: string[] = [];
  for (const [index, part] of parts.entries()) {
    const at = `${path}[${index}]`;
    switch (part.type) {
      case 'text':
      case 'refusal':
        texts.push(part.text);
        break;
      case 'image':
        if (part.source.type === 'base64') images.push(part.source.data);
        else warn({ kind: 'dropped', field: at, reason: 'The API takes images as bytes only.' });
        break;
      case 'document':
        texts.push(...encodeDocument(part, at, warn));
        break;
      case 'opaque':
        warn({ kind: 'dropped', field: at, reason: `A ${String(part.value.type)} block exists in ${part.origin} only.` });
        break;
      case 'audio':
      case 'reasoning':
      case 'tool-call':
      case 'tool-result':
        warn({ kind: 'dropped', field: at, reason: `A message of this role cannot hold a part of type ${part.type}.` });
    }
  }
  return { content: texts.join('\n\n'), images };
}

/** Documents are told as text. */
function encodeDocument(part: DocumentPart, path: string, warn: Warn): string[] {
  const { source } = part;
  const text = textOfDocument(source);
  if (text === undefined) {
    warn({ kind: 'dropped', field: path, reason: 'The API reads no documents but text.' });
    return [];
  }
  warn({ kind: 'changed', field: path, reason: 'The API has no documents: sent as text.' });
  return [documentAsText(part, text)];
}

function textOfDocument(source: DocumentPart['source']): string | undefined {
  if (source.type === 'text') return source.text;
  if (source.type === 'url') return `The document is at ${source.url}`;
  const readable = source.type === 'base64' && /^(text\/|application\/(json|xml))/.test(source.mediaType);
  return readable ? Buffer.from(source.data, 'base64').toString('utf8') : undefined;
}

function encodeResult(result: ToolResultPart, path: string, warn: Warn): EncodedContent {
  const { content, images } = encodeContent(result.parts, `${path}.content`, warn);
  if (images.length > 0) {
    warn({ kind: 'changed', field: path, reason: 'Pictures of a tool result follow in a user message.' });
  }
  if (result.isError !== true) return { content, images };
  warn({ kind: 'changed', field: path, reason: 'The API has no mark for a failed tool: the result begins with "Error:".' });
  return { content: `Error: ${content === '' ? 'the tool failed.' : content}`, images };
}

/** An earlier answer; proofs of its reasoning stay behind. */
function encodeAssistant(parts: readonly Part[], path: string, warn: Warn): JsonObject {
  const said: Part[] = [];
  const calls: JsonObject[] = [];
  let thinking = '';
  for (const [index, part] of parts.entries()) {
    const at = `${path}.content[${index}]`;
    if (part.type === 'reasoning') {
      thinking += part.text;
      if ((part.signature ?? part.data ?? part.details) === undefined) continue;
      warn({ kind: 'dropped', field: at, reason: 'Proofs of reasoning of another provider are not sent.' });
    } else if (part.type === 'tool-call') {
      const { value, changed } = argumentsObject(part);
      if (changed) warn(changedArguments(at));
      calls.push({ id: part.id, function: { name: part.name, arguments: value }, ...part.extensions?.[DIALECT] });
    } else {
      if (part.type === 'text' && part.citations !== undefined) {
        warn({ kind: 'dropped', field: `${at}.citations`, reason: 'The API has no citations.' });
      }
      said.push(part);
    }
  }
  const { content, images } = encodeContent(said, `${path}.content`, warn);
  return {
    role: 'assistant',
    content,
    ...(thinking !== '' && { thinking }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}
