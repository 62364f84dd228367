/** Messages of a conversation, both ways. */
import type { AudioPart, ImagePart, Message, Part, ReasoningPart, ToolCallPart, ToolResultPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { ReasoningField } from '../dialect.ts';
import { decodeContent, encodeContent, extensionsOf, type ContentPart } from './content.ts';
import { decodeCache, markLast } from './cache.ts';
import { encodeCall, thoughtSignature } from './calls.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import { shortest } from '../openai-content.ts';
import type { Warn } from '../telling.ts';
import { decodeReasoning, joinDetails } from './reasoning.ts';
import { objectsOf, readDataUrl, textOf } from '../values.ts';
import { DIALECT, ROLES } from './wire.ts';

/** Calls of earlier assistant messages, by id: what a tool result may answer. */
interface Calls {
  readonly ids: Set<string>;
  /** Ids made up for calls that came without one, until a result without one answers them. */
  readonly unnamed: string[];
  /** Id given to the last call of the deprecated `function_call`, by function name. */
  readonly legacy: Map<string, string>;
}

/** Reads `messages`. Throws `invalid_request` for no messages, wrong shapes and results of calls that nobody made. */
export function decodeMessages(value: unknown): Message[] {
  if (!Array.isArray(value)) throw wrong('messages', 'an array of messages', value);
  if (value.length === 0) throw wrong('messages', 'at least one message', value);
  const calls: Calls = { ids: new Set(), unnamed: [], legacy: new Map() };
  return value.map((message: unknown, index) => decodeMessage(message, `messages[${index}]`, calls));
}

function decodeMessage(value: unknown, path: string, calls: Calls): Message {
  const fields = fieldsOf(value, path);
  const role = fields.any('role');
  switch (role) {
    case 'system':
    case 'developer':
    case 'user':
      return finished(role, decodePrompt(fields), fields);
    case 'assistant':
      return finished(role, decodeAssistant(fields, value as JsonObject, path, calls), fields);
    case 'tool':
      return finished(role, [decodeResult(fields, calls)], fields);
    case 'function': {
      const { name: _, ...message } = finished('tool', [decodeLegacyResult(fields, calls)], fields);
      return message;
    }
    default:
      throw wrong(fields.at('role'), oneOf(ROLES), role);
  }
}

/** Message-level fields, read last: the name, a cache mark for the last part, and what is unknown. */
function finished(role: Message['role'], parts: readonly Part[], fields: Fields): Message {
  const name = fields.string('name');
  const { cache } = decodeCache(fields.any('cache_control'));
  const extensions = extensionsOf(fields.rest());
  return { role, parts: markLast(parts, cache), ...(name !== undefined && { name }), ...extensions };
}

function decodePrompt(fields: Fields): ContentPart[] {
  const content = fields.any('content');
  if (content === undefined || (Array.isArray(content) && content.length === 0)) {
    throw wrong(fields.at('content'), 'a string or a non-empty array of content parts', content);
  }
  return decodeContent(content, fields.at('content'));
}

const REASONING_FIELDS = ['reasoning_content', 'reasoning_details', 'thinking_blocks'] as const;

function decodeAssistant(fields: Fields, message: JsonObject, path: string, calls: Calls): Part[] {
  const content = fields.any('content');
  for (const name of REASONING_FIELDS) fields.any(name);
  const refusal = fields.string('refusal');
  const parts: Part[] = [
    ...decodeReasoning(message),
    ...(content === undefined ? [] : decodeContent(content, fields.at('content'))),
    ...(refusal ? [{ type: 'refusal' as const, text: refusal }] : []),
    ...decodeImages(fields),
    ...decodeSpoken(fields),
    ...(fields.array('tool_calls') ?? []).map((call, index) => decodeCall(call, `${path}.tool_calls[${index}]`, calls)),
    ...decodeLegacyCall(fields, path),
  ];
  if (parts.length === 0) throw wrong(fields.at('content'), 'a string, or tool_calls beside it', message['content']);
  for (const part of parts) {
    if (part.type !== 'tool-call') continue;
    calls.ids.add(part.id);
    calls.legacy.set(part.name, part.id);
  }
  return parts;
}

/** Pictures the model made in an earlier turn, in OpenRouter's field. */
function decodeImages(fields: Fields): ImagePart[] {
  return objectsOf(fields.any('images')).flatMap((image) => imageOf(image) ?? []);
}

/** One item of OpenRouter's `images`; undefined when it holds no address. */
export function imageOf(item: JsonObject): ImagePart | undefined {
  const image = item['image_url'];
  const url = textOf(isObject(image) ? image['url'] : image);
  if (url === undefined) return undefined;
  const inline = readDataUrl(url);
  return { type: 'image', source: inline === undefined ? { type: 'url', url } : { type: 'base64', ...inline } };
}

/** An earlier spoken answer, which OpenAI keeps: only its id is sent. */
function decodeSpoken(fields: Fields): AudioPart[] {
  const audio = fields.object('audio');
  if (audio === undefined) return [];
  const id = textOf(audio['id']);
  if (id === undefined) throw wrong(fields.at('audio.id'), 'a non-empty string', audio['id']);
  const transcript = textOf(audio['transcript']);
  const source = { type: 'file', id, origin: DIALECT } as const;
  return [{ type: 'audio', source, id, ...(transcript !== undefined && { transcript }) }];
}

function decodeCall(value: unknown, path: string, calls: Calls): ToolCallPart {
  const fields = fieldsOf(value, path);
  const id = fields.any('id') === undefined ? unnamedCall(path, calls) : fields.name('id');
  const custom = fields.any('type') === 'custom';
  const inner = fields.inner(custom ? 'custom' : 'function');
  const name = inner.name('name');
  const text = custom ? inner.string('input') : argumentsText(inner.any('arguments'), inner);
  const { cache } = decodeCache(fields.any('cache_control'));
  return {
    type: 'tool-call',
    id,
    name,
    arguments: text ?? '',
    ...(custom && { custom }),
    ...thoughtSignature(value as JsonObject),
    ...(cache !== undefined && { cache }),
    ...extensionsOf(fields.rest()),
  };
}

/** Some providers make calls without ids and take them back so: they pair with results by order. */
function unnamedCall(path: string, { unnamed }: Calls): string {
  const id = `call_${path.replace(/\D+/g, '_')}`;
  unnamed.push(id);
  return id;
}

/** Arguments are JSON text; some clients send the object itself. */
function argumentsText(value: unknown, fields: Fields): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (isObject(value)) return JSON.stringify(value);
  throw wrong(fields.at('arguments'), 'a string of JSON', value);
}

function decodeLegacyCall(fields: Fields, path: string): ToolCallPart[] {
  if (fields.any('function_call') === undefined) return [];
  const call = fields.inner('function_call');
  const name = call.name('name');
  const id = `call_${path.replace(/\D/g, '')}_${name}`;
  return [{ type: 'tool-call', id, name, arguments: argumentsText(call.any('arguments'), call) ?? '' }];
}

function decodeResult(fields: Fields, calls: Calls): ToolResultPart {
  const callId = fields.any('tool_call_id') === undefined ? calls.unnamed.shift() : fields.name('tool_call_id');
  if (callId === undefined) throw wrong(fields.at('tool_call_id'), 'a non-empty string', callId);
  if (!calls.ids.has(callId)) throw orphan(fields.at('tool_call_id'), 'tool', callId);
  return { type: 'tool-result', callId, parts: resultParts(fields) };
}

function decodeLegacyResult(fields: Fields, calls: Calls): ToolResultPart {
  const name = fields.name('name');
  const callId = calls.legacy.get(name);
  if (callId === undefined) throw orphan(fields.at('name'), 'function', name);
  return { type: 'tool-result', callId, parts: resultParts(fields) };
}

/** OpenAI's own words, so that code which looks for them finds them. */
const orphan = (path: string, role: 'tool' | 'function', id: string): Error =>
  contradiction(
    path,
    `Invalid parameter: messages with role '${role}' must be a response to a preceding message with ` +
      `'${role === 'tool' ? 'tool_calls' : 'function_call'}'. ${path}: no earlier assistant message made the call ${JSON.stringify(id)}.`,
  );

function resultParts(fields: Fields): ToolResultPart['parts'] {
  const content = fields.any('content');
  if (content === undefined) return [];
  return decodeContent(content, fields.at('content')).map((part, index) => {
    if (part.type === 'text' || part.type === 'image' || part.type === 'document' || part.type === 'opaque') return part;
    throw wrong(`${fields.at('content')}[${index}].type`, oneOf(['text', 'image_url', 'file']), part.type);
  });
}

interface Options {
  /** Where earlier reasoning goes; absent: it stays behind. */
  readonly reasoningField?: ReasoningField;
  readonly warn: Warn;
}

/**
 * The conversation for a provider. Tool results become `tool` messages right after their call. Chat has no place for pictures and
 * files inside a result, so they follow the run of results in a user message.
 */
export function encodeMessages(messages: readonly Message[], options: Options): JsonObject[] {
  warnOfReasoning(messages, options);
  const wire: JsonObject[] = [];
  let moved: JsonObject[] = [];
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`;
    const results = message.parts.filter((part) => part.type === 'tool-result');
    const parts = results.length === 0 ? message.parts : message.parts.filter((part) => part.type !== 'tool-result');
    for (const [at, result] of results.entries()) {
      const encoded = encodeResult(result, `${path}.content[${at}]`, options.warn);
      wire.push({ ...encoded.message, ...(results.length === 1 && messageFields(message)) });
      moved.push(...encoded.moved);
    }
    if (results.length > 0 && parts.length === 0) continue;
    if (message.role === 'user' || message.role === 'tool') {
      const content = [...moved, ...encodeContent(parts, `${path}.content`, options.warn)];
      moved = [];
      if (content.length > 0 || parts.length === 0) {
        wire.push({ role: 'user', content: shortest(content), ...messageFields(message) });
      }
      continue;
    }
    if (moved.length > 0) wire.push({ role: 'user', content: moved });
    moved = [];
    const encoded =
      message.role === 'assistant' ? encodeAssistant(message, path, options) : encodePrompt(message, path, options.warn);
    if (encoded !== undefined) wire.push(encoded);
  }
  if (moved.length > 0) wire.push({ role: 'user', content: moved });
  return wire;
}

const messageFields = (message: Message): JsonObject => ({
  ...(message.name !== undefined && { name: message.name }),
  ...message.extensions?.[DIALECT],
});

function encodePrompt(message: Message, path: string, warn: Warn): JsonObject {
  const content = encodeContent(message.parts, `${path}.content`, warn);
  return { role: message.role, content: shortest(content), ...messageFields(message) };
}

function encodeResult(result: ToolResultPart, path: string, warn: Warn): { message: JsonObject; moved: JsonObject[] } {
  const texts = result.parts.filter((part) => part.type === 'text');
  const others = result.parts.filter((part) => part.type !== 'text');
  const content = encodeContent(markLast(texts, result.cache), path, warn);
  const media = encodeContent(others, path, warn);
  if (result.isError === true) {
    warn({ kind: 'changed', field: path, reason: 'Chat has no mark for a failed tool: the result begins with "Error:".' });
    const [first, ...rest] = content;
    const text = `Error: ${textOf(first?.['text']) ?? 'the tool failed.'}`;
    content.splice(0, content.length, { ...first, type: 'text', text }, ...rest);
  }
  const message = { role: 'tool', tool_call_id: result.callId, content: shortest(content), ...result.extensions?.[DIALECT] };
  if (media.length === 0) return { message, moved: [] };
  warn({ kind: 'changed', field: path, reason: 'Chat takes only text in a tool result: the rest follows in a user message.' });
  if (content.length === 0) message.content = '(The result follows in the next user message.)';
  return { message, moved: [{ type: 'text', text: `Result of the tool call ${result.callId}:` }, ...media] };
}

/** An assistant message; undefined when nothing of it can be said in this dialect. */
function encodeAssistant(message: Message, path: string, options: Options): JsonObject | undefined {
  const { warn } = options;
  const said: Part[] = [];
  const reasoning: ReasoningPart[] = [];
  const images: JsonObject[] = [];
  const calls: JsonObject[] = [];
  let refusal: string | undefined;
  let audio: JsonObject | undefined;
  for (const [index, part] of message.parts.entries()) {
    if (part.type === 'reasoning') reasoning.push(part);
    else if (part.type === 'tool-call') calls.push(sentCall(part, `${path}.tool_calls[${calls.length}]`, warn));
    else if (part.type === 'refusal') refusal = (refusal ?? '') + part.text;
    else if (part.type === 'audio' && part.id !== undefined) audio = { id: part.id };
    else if (part.type === 'image') images.push(...encodeContent([part], `${path}.content[${index}]`, warn));
    else said.push(part);
  }
  const content = encodeContent(said, `${path}.content`, warn);
  const thought = encodeThoughts(reasoning, message, options.reasoningField);
  const nothing = content.length === 0 && calls.length === 0 && refusal === undefined && audio === undefined;
  if (nothing && images.length === 0 && Object.keys(thought).length === 0) return undefined;
  return {
    role: 'assistant',
    content: content.length === 0 && !(nothing && images.length === 0) ? null : shortest(content),
    ...thought,
    ...(refusal !== undefined && { refusal }),
    ...(audio !== undefined && { audio }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...messageFields(message),
  };
}

function sentCall(part: ToolCallPart, path: string, warn: Warn): JsonObject {
  if (part.cache !== undefined) {
    warn({ kind: 'dropped', field: `${path}.cache_control`, reason: 'Chat has no cache mark on a tool call.' });
  }
  return encodeCall(part);
}

/**
 * Reasoning of earlier turns, in the field the next provider takes it from. Items of an OpenAI-like provider go back as they came
 * (`reasoning_details`), with plain reasoning as items beside them; elsewhere it goes as text. A proof of another dialect means nothing
 * here: it stays behind, with a warning. A client's own spelling (`reasoning`, kept among its extensions) is sent instead.
 */
function encodeThoughts(parts: readonly ReasoningPart[], message: Message, field: ReasoningField | undefined): JsonObject {
  if (field === undefined || parts.length === 0 || message.extensions?.[DIALECT]?.['reasoning'] !== undefined) return {};
  if (field === 'reasoning_details') {
    const details = joinDetails(parts.flatMap(detailsOf));
    return details.length === 0 ? {} : { reasoning_details: details };
  }
  const text = parts.map((part) => part.text).join('');
  return text === '' ? {} : { [field]: text };
}

const detailsOf = ({ origin, details, text }: ReasoningPart): readonly JsonObject[] => {
  if (origin === DIALECT && details !== undefined) return details;
  return text === '' ? [] : [{ type: 'reasoning.text', text }];
};

/** A warning per message whose reasoning does not go along, or goes without its proof. */
function warnOfReasoning(messages: readonly Message[], { reasoningField, warn }: Options): void {
  for (const [index, message] of messages.entries()) {
    const parts = message.parts.filter((part) => part.type === 'reasoning');
    const field = `messages[${index}].reasoning`;
    if (parts.length > 0 && reasoningField === undefined) {
      warn({ kind: 'dropped', field, reason: 'The provider takes no reasoning of earlier turns.' });
    } else if (parts.some((part) => part.origin !== DIALECT && (part.signature ?? part.data) !== undefined)) {
      warn({ kind: 'dropped', field, reason: 'Proofs of reasoning of another provider are not sent.' });
    }
  }
}
