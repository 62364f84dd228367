/** The conversation, both ways. */
import type { Message, Part, TextPart, ToolCallPart, ToolResultPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { argumentsOf } from '../openai-chat/calls.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { dataUrl, numberOf, objectsOf, readDataUrl } from '../values.ts';
import { decodeCitation, isOfText } from './citations.ts';
import { decodeDocument, documentBlock, encodeDocument } from './documents.ts';
import { DIALECT, extensionsOf } from './wire.ts';

const ROLES = ['system', 'user', 'assistant', 'tool'];

/** Reads `messages`. Throws `invalid_request` with the path of what is wrong; a tool result must answer an earlier call. */
export function decodeMessages(value: unknown): Message[] {
  if (!Array.isArray(value)) throw wrong('messages', 'an array of messages', value);
  if (value.length === 0) throw wrong('messages', 'at least one message', value);
  const calls = new Set<string>();
  return value.map((message: unknown, index) => decodeMessage(fieldsOf(message, `messages[${index}]`), calls));
}

function decodeMessage(fields: Fields, calls: Set<string>): Message {
  const role = fields.any('role');
  switch (role) {
    case 'system':
    case 'user': {
      const content = fields.any('content');
      if (content === undefined) throw wrong(fields.at('content'), 'a string or an array of content parts', content);
      const parts = decodeContent(content, fields.at('content'));
      return { role, parts, ...extensionsOf(fields.rest()) };
    }
    case 'assistant':
      return decodeAssistant(fields, calls);
    case 'tool': {
      const callId = fields.name('tool_call_id');
      if (!calls.has(callId)) {
        const path = fields.at('tool_call_id');
        throw contradiction(path, `${path}: no earlier assistant message made the call ${JSON.stringify(callId)}.`);
      }
      const result: ToolResultPart = { type: 'tool-result', callId, parts: resultParts(fields) };
      return { role, parts: [result], ...extensionsOf(fields.rest()) };
    }
    default:
      throw wrong(fields.at('role'), oneOf(ROLES), role);
  }
}

function decodeContent(content: unknown, path: string): Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw wrong(path, 'a string or an array of content parts', content);
  return content.map((part: unknown, index) => decodePart(part, `${path}[${index}]`));
}

function decodePart(value: unknown, path: string): Part {
  const fields = fieldsOf(value, path);
  const type = fields.name('type');
  switch (type) {
    case 'text':
    case 'thinking': {
      const text = fields.string(type);
      if (text === undefined) throw wrong(fields.at(type), 'a string', text);
      return type === 'text' ? { type, text } : { type: 'reasoning', text, origin: DIALECT };
    }
    case 'image_url': {
      const image = fields.inner('image_url');
      const url = image.name('url');
      const detail = image.string('detail');
      const inline = readDataUrl(url);
      const source = inline === undefined ? { type: 'url' as const, url } : { type: 'base64' as const, ...inline };
      return { type: 'image', source, ...(detail !== undefined && { detail }) };
    }
    case 'document':
      return decodeDocument(fields.any('document'), fields.at('document'), false);
    default:
      return { type: 'opaque', origin: DIALECT, value: value as JsonObject };
  }
}

function decodeAssistant(fields: Fields, calls: Set<string>): Message {
  const content = fields.any('content');
  const said = content === undefined ? [] : decodeContent(content, fields.at('content'));
  const plan = fields.string('tool_plan');
  const { parts: cited, asides } = withCitations(said, objectsOf(fields.any('citations')));
  const parts: Part[] = [
    ...(plan ? [{ type: 'reasoning' as const, text: plan }] : []),
    ...cited,
    ...(fields.array('tool_calls') ?? []).map((call, index) =>
      decodeCall(fieldsOf(call, `${fields.at('tool_calls')}[${index}]`)),
    ),
  ];
  if (parts.length === 0) throw wrong(fields.at('content'), 'a string, or tool_calls beside it', content);
  for (const part of parts) if (part.type === 'tool-call') calls.add(part.id);
  const own = { ...fields.rest(), ...(asides.length > 0 && { citations: asides }) };
  return { role: 'assistant', parts, ...extensionsOf(Object.keys(own).length === 0 ? undefined : own) };
}

/** Citations of earlier answers on the texts they are about; those of a plan or of thinking stand aside. */
function withCitations(parts: readonly Part[], raw: readonly JsonObject[]): { parts: Part[]; asides: JsonObject[] } {
  const last = parts.findLastIndex(({ type }) => type === 'text');
  const placeOf = (citation: JsonObject): number => {
    const index = numberOf(citation.content_index) ?? last;
    return isOfText(citation) && parts[index]?.type === 'text' ? index : -1;
  };
  return {
    parts: parts.map((part, index) => {
      const mine = raw.filter((citation) => placeOf(citation) === index);
      if (part.type !== 'text' || mine.length === 0) return part;
      return { ...part, citations: mine.map((citation) => decodeCitation(citation, part.text)) };
    }),
    asides: raw.filter((citation) => placeOf(citation) === -1),
  };
}

function decodeCall(fields: Fields): ToolCallPart {
  const id = fields.name('id');
  fields.any('type');
  const call = fields.inner('function');
  const name = call.name('name');
  const given = call.any('arguments');
  if (given !== undefined && typeof given !== 'string' && !isObject(given)) {
    throw wrong(call.at('arguments'), 'a string of JSON', given);
  }
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { type: 'tool-call', id, name, arguments: text, ...extensionsOf(fields.rest()) };
}

function resultParts(fields: Fields): ToolResultPart['parts'] {
  const content = fields.any('content');
  if (content === undefined) return [];
  return decodeContent(content, fields.at('content')).map((part, index) => {
    if (part.type === 'text' || part.type === 'document' || part.type === 'opaque') return part;
    throw wrong(`${fields.at('content')}[${index}].type`, oneOf(['text', 'document']), part.type);
  });
}

/** The conversation for the provider, and the documents that go beside it. */
export interface EncodedMessages {
  readonly messages: JsonObject[];
  readonly documents: (JsonObject | string)[];
}

/** Writes the conversation. Pictures of a tool result, which the API does not take, follow the run of results in a user message. */
export function encodeMessages(asked: readonly Message[], reasons: boolean, warn: Warn): EncodedMessages {
  const messages: JsonObject[] = [];
  const documents: (JsonObject | string)[] = [];
  let moved: JsonObject[] = [];
  const settle = (): void => {
    if (moved.length > 0) messages.push({ role: 'user', content: moved });
    moved = [];
  };
  for (const [index, message] of asked.entries()) {
    const path = `messages[${index}]`;
    if (message.name !== undefined) {
      warn({ kind: 'dropped', field: `${path}.name`, reason: 'The API has no names of participants.' });
    }
    const results = message.parts.filter((part) => part.type === 'tool-result');
    const parts = message.parts.filter((part) => part.type !== 'tool-result');
    for (const result of results) {
      const encoded = encodeResult(result, path, warn);
      messages.push({ ...encoded.message, ...message.extensions?.[DIALECT] });
      moved.push(...encoded.moved);
    }
    if (results.length > 0 && parts.length === 0) continue;
    if (message.role === 'assistant') {
      settle();
      messages.push(...encodeAssistant(message, path, reasons, warn));
      continue;
    }
    const role = message.role === 'user' || message.role === 'tool' ? 'user' : 'system';
    if (role === 'system') settle();
    const content = [...moved, ...encodeContent(parts, `${path}.content`, documents, warn)];
    moved = [];
    if (content.length > 0) messages.push({ role, content: shortest(content), ...message.extensions?.[DIALECT] });
  }
  settle();
  return { messages, documents };
}

/** A lone text as a string, anything else as the list. */
function shortest(content: readonly JsonObject[]): string | readonly JsonObject[] {
  const [only, second] = content;
  return only !== undefined && second === undefined && typeof only.text === 'string' ? only.text : content;
}

function encodeContent(parts: readonly Part[], path: string, documents: (JsonObject | string)[], warn: Warn): JsonObject[] {
  return parts.flatMap((part, index) => {
    if (part.type !== 'document') return encodePart(part, `${path}[${index}]`, warn);
    const document = encodeDocument(part, `${path}[${index}]`, warn);
    if (document !== undefined) documents.push(document);
    return [];
  });
}

function encodePart(part: Exclude<Part, { type: 'document' }>, path: string, warn: Warn): JsonObject[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [{ type: 'text', text: part.text }];
    case 'image': {
      const { source, detail } = part;
      if (source.type === 'base64' || source.type === 'url') {
        const url = source.type === 'url' ? source.url : dataUrl(source.mediaType, source.data);
        return [{ type: 'image_url', image_url: { url, ...(detail !== undefined && { detail }) } }];
      }
      warn({ kind: 'dropped', field: path, reason: 'The API takes images by URL or as bytes.' });
      return [];
    }
    case 'opaque':
      if (part.origin === DIALECT) return [part.value];
      warn({ kind: 'dropped', field: path, reason: `A ${String(part.value.type)} block exists in ${part.origin} only.` });
      return [];
    case 'audio':
    case 'reasoning':
    case 'tool-call':
    case 'tool-result':
      warn({ kind: 'dropped', field: path, reason: `A message of this role cannot hold a part of type ${part.type}.` });
  }
  return [];
}

function encodeResult(result: ToolResultPart, path: string, warn: Warn): { message: JsonObject; moved: JsonObject[] } {
  const content: JsonObject[] = [];
  const moved: JsonObject[] = [];
  for (const [index, part] of result.parts.entries()) {
    const at = `${path}.content[${index}]`;
    if (part.type === 'document') {
      const document = encodeDocument(part, at, warn);
      if (document !== undefined) content.push(documentBlock(document));
    } else if (part.type === 'image') moved.push(...encodePart(part, at, warn));
    else content.push(...encodePart(part, at, warn));
  }
  if (result.isError === true) {
    warn({ kind: 'changed', field: path, reason: 'The API has no mark for a failed tool: the result begins with "Error:".' });
    content.unshift({ type: 'text', text: content.length === 0 ? 'Error: the tool failed.' : 'Error:' });
  }
  if (moved.length > 0) {
    warn({
      kind: 'changed',
      field: path,
      reason: 'The API takes no pictures in a tool result: they follow in a user message.',
    });
    moved.unshift({ type: 'text', text: `Result of the tool call ${result.callId}:` });
    if (content.length === 0) content.push({ type: 'text', text: '(The result follows in the next user message.)' });
  }
  const message = { role: 'tool', tool_call_id: result.callId, content: content.length === 0 ? '' : shortest(content) };
  return { message, moved };
}

/**
 * An earlier answer; nothing when nothing of it can be said. Reasoning of this dialect goes back as `thinking`. Other reasoning goes as the
 * plan beside tool calls, which every model takes, and as `thinking` where there are none; its proofs stay behind.
 */
function encodeAssistant(message: Message, path: string, reasons: boolean, warn: Warn): JsonObject[] {
  const content: JsonObject[] = [];
  const calls: JsonObject[] = [];
  const citations: JsonObject[] = [];
  const hasCalls = message.parts.some(({ type }) => type === 'tool-call');
  let plan = '';
  for (const [index, part] of message.parts.entries()) {
    const at = `${path}.content[${index}]`;
    if (part.type === 'tool-call') {
      if (part.custom === true)
        warn({ kind: 'changed', field: at, reason: 'The API has no free-text tools: sent as a function.' });
      calls.push(encodeCall(part));
    } else if (part.type === 'reasoning') {
      if ((part.signature ?? part.data ?? part.details) !== undefined) {
        warn({ kind: 'dropped', field: at, reason: 'Proofs of reasoning of another provider are not sent.' });
      }
      if (part.text === '') continue;
      if (hasCalls && part.origin !== DIALECT) plan += part.text;
      else if (reasons) content.push({ type: 'thinking', thinking: part.text });
      else warn({ kind: 'dropped', field: at, reason: 'The model does not reason.' });
    } else if (part.type === 'document') {
      warn({ kind: 'dropped', field: at, reason: 'An answer cannot hold a document.' });
    } else {
      if (part.type === 'text') citations.push(...encodeCitations(part, at, warn));
      content.push(...encodePart(part, at, warn));
    }
  }
  if (content.length === 0 && calls.length === 0) return [];
  const { citations: asides, ...own } = message.extensions?.[DIALECT] ?? {};
  citations.push(...objectsOf(asides));
  return [
    {
      role: 'assistant',
      ...(content.length > 0 && { content: shortest(content) }),
      ...(plan !== '' && { tool_plan: plan }),
      ...(calls.length > 0 && { tool_calls: calls }),
      ...(citations.length > 0 && { citations }),
      ...own,
    },
  ];
}

/** Citations of this dialect go back; to the others nobody looks. */
function encodeCitations({ citations = [] }: TextPart, path: string, warn: Warn): JsonObject[] {
  const own = citations.filter(({ origin }) => origin === DIALECT);
  if (own.length < citations.length) {
    warn({ kind: 'dropped', field: `${path}.citations`, reason: 'Citations of another provider are not sent.' });
  }
  return own.map(({ raw }) => raw);
}

/** Arguments are the text of a JSON object. */
function encodeCall(part: ToolCallPart): JsonObject {
  const text = part.custom === true ? JSON.stringify({ input: part.arguments }) : argumentsOf(part.arguments);
  return { id: part.id, type: 'function', function: { name: part.name, arguments: text }, ...part.extensions?.[DIALECT] };
}
