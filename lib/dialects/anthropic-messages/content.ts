/** A client's conversation: `system` and `messages` to canonical messages. */
import type {
  CacheMark,
  DocumentPart,
  ImagePart,
  MediaSource,
  Message,
  OpaquePart,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { decodeCitation } from './citation.ts';
import {
  asObject,
  at,
  invalid,
  readList,
  readObject,
  readOptionalFlag,
  readOptionalList,
  readOptionalObject,
  readOptionalText,
  readOptionalWord,
  readText,
  readWord,
} from './fields.ts';
import { isToken, unpackCall, unpackReasoning } from '../proof.ts';
import { resultsFirst } from '../tool-results.ts';
import { ID, otherFields } from './wire.ts';

/** A `cache_control` field as the `cache` of a part. */
export function decodeCache(holder: JsonObject, path: string): { cache?: CacheMark } {
  const control = readOptionalObject(holder, 'cache_control', path);
  if (control === undefined) return {};
  const where = at(path, 'cache_control');
  readWord(control, 'type', where, ['ephemeral']);
  const ttl = readOptionalWord(control, 'ttl', where, ['5m', '1h']);
  return { cache: { ...(ttl !== undefined && { ttl }) } };
}

/** The `system` field: a string or text blocks. */
export function decodeSystem(body: JsonObject): Message[] {
  const { system } = body;
  if (system === undefined || system === null || system === '') return [];
  if (typeof system === 'string') return [{ role: 'system', parts: [{ type: 'text', text: system }] }];
  const parts = readList(body, 'system', '').map((item, index) => {
    const path = at('system', index);
    const block = asObject(item, path);
    readWord(block, 'type', path, ['text']);
    return textPart(block, path);
  });
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

/**
 * The `messages` field. A user message with tool results becomes a `tool` message followed by a `user` message with the rest.
 *
 * @param whole False when the provider keeps the earlier turns (`thread`), so that results of calls made there are welcome.
 * @throws GatewayError `invalid_request`, also for a tool result without its call.
 */
export function decodeMessages(body: JsonObject, whole: boolean): Message[] {
  const items = readList(body, 'messages', '');
  if (whole && items.length === 0) throw invalid('messages', 'at least one message is required');
  const calls = new Set<string>();
  return items.flatMap((item, index): Message[] => {
    const path = at('messages', index);
    const message = asObject(item, path);
    const role = readWord(message, 'role', path, ['user', 'assistant', 'system']);
    const parts = contentParts(message, role, path);
    if (parts.length === 0 && (role !== 'assistant' || index < items.length - 1)) {
      throw invalid(path, 'all messages must have non-empty content except for the optional final assistant message');
    }
    if (whole) checkResults(parts, calls, path);
    return resultsFirst(role, parts);
  });
}

/** Every result must answer a call made before it. */
function checkResults(parts: readonly Part[], calls: Set<string>, path: string): void {
  for (const part of parts) {
    if (part.type === 'tool-call') calls.add(part.id);
    if (part.type === 'tool-result' && !calls.has(part.callId)) {
      throw invalid(
        at(path, 'content'),
        `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${part.callId.slice(0, 80)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in an earlier assistant message`,
      );
    }
  }
}

type Role = 'user' | 'assistant' | 'system';

function contentParts(message: JsonObject, role: Role, path: string): readonly Part[] {
  const { content } = message;
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  const parts: Part[] = [];
  for (const [index, item] of readList(message, 'content', path).entries()) {
    const where = at(at(path, 'content'), index);
    const block = asObject(item, where);
    const proof = block.type === 'redacted_thinking' && isToken(block.data) ? unpackCall(block.data as string) : undefined;
    if (proof === undefined) parts.push(part(block, role, where));
    else attachProof(parts, proof);
  }
  return parts;
}

/** Gives a call back what `proof.ts` packed behind it. */
function attachProof(parts: Part[], { call, ...proof }: NonNullable<ReturnType<typeof unpackCall>>): void {
  const index = parts.findIndex((known) => known.type === 'tool-call' && known.id === call);
  if (index >= 0) parts[index] = { ...(parts[index] as ToolCallPart), ...proof };
}

const ASSISTANT_ONLY: ReadonlySet<string> = new Set(['tool_use', 'thinking', 'redacted_thinking']);

function part(block: JsonObject, role: Role, path: string): Part {
  const type = readText(block, 'type', path);
  if (ASSISTANT_ONLY.has(type) && role !== 'assistant') {
    throw invalid(path, `\`${type}\` blocks can only be in \`assistant\` messages`);
  }
  switch (type) {
    case 'thinking':
    case 'redacted_thinking':
      return reasoningPart(block, path);
    case 'tool_use':
      return toolCallPart(block, path);
    case 'tool_result':
      if (role !== 'user') throw invalid(path, '`tool_result` blocks can only be in `user` messages');
      return toolResultPart(block, path);
    default:
      return simplePart(block, path);
  }
}

/** Parts that may stand in a message and in a tool result. What we do not know is kept as it is. */
function simplePart(block: JsonObject, path: string): TextPart | ImagePart | DocumentPart | OpaquePart {
  switch (readText(block, 'type', path)) {
    case 'text':
      return textPart(block, path);
    case 'image':
      return imagePart(block, path);
    case 'document':
      return documentPart(block, path);
    case 'search_result':
      return searchResultPart(block, path);
    default:
      return { type: 'opaque', origin: ID, value: block };
  }
}

function textPart(block: JsonObject, path: string): TextPart {
  const citations = readOptionalList(block, 'citations', path)?.map((item, index) =>
    decodeCitation(asObject(item, at(at(path, 'citations'), index))),
  );
  return {
    type: 'text',
    text: readText(block, 'text', path),
    ...(citations !== undefined && citations.length > 0 && { citations }),
    ...decodeCache(block, path),
    ...extensions(block, ['type', 'text', 'citations', 'cache_control']),
  };
}

/** Fields beside the ones we model, for the way back to the same dialect. */
function extensions(block: JsonObject, known: readonly string[]): { extensions?: { [ID]: JsonObject } } {
  const others = otherFields(block, new Set(known));
  return others === undefined ? {} : { extensions: { [ID]: others } };
}

function imagePart(block: JsonObject, path: string): ImagePart {
  const source = readObject(block, 'source', path);
  const where = at(path, 'source');
  return {
    type: 'image',
    source: mediaSource(source, readWord(source, 'type', where, ['base64', 'url', 'file']), where),
    ...decodeCache(block, path),
    ...extensions(block, ['type', 'source', 'cache_control']),
  };
}

function mediaSource(source: JsonObject, type: 'base64' | 'url' | 'file', path: string): MediaSource {
  switch (type) {
    case 'base64':
      return { type, mediaType: readText(source, 'media_type', path), data: readText(source, 'data', path) };
    case 'url':
      return { type, url: readText(source, 'url', path) };
    case 'file':
      break;
  }
  return { type, id: readText(source, 'file_id', path), origin: ID };
}

function documentPart(block: JsonObject, path: string): DocumentPart | OpaquePart {
  const source = readObject(block, 'source', path);
  const where = at(path, 'source');
  const type = readWord(source, 'type', where, ['base64', 'text', 'url', 'file', 'content']);
  const title = readOptionalText(block, 'title', path);
  const context = readOptionalText(block, 'context', path);
  const common = {
    type: 'document' as const,
    ...(title !== undefined && { title }),
    ...(context !== undefined && { context }),
    ...citationsEnabled(block, path),
    ...decodeCache(block, path),
  };
  const known = ['type', 'source', 'title', 'context', 'citations', 'cache_control'];
  if (type === 'content') {
    const text = textOfContent(source.content);
    if (text === undefined) return { type: 'opaque', origin: ID, value: block };
    return {
      ...common,
      source: { type: 'text', text },
      extensions: { [ID]: { ...otherFields(block, new Set(known)), source } },
    };
  }
  const media: MediaSource =
    type === 'text' ? { type, text: readText(source, 'data', where) } : mediaSource(source, type, where);
  return { ...common, source: media, ...extensions(block, known) };
}

function citationsEnabled(block: JsonObject, path: string): { citations?: boolean } {
  const wanted = readOptionalObject(block, 'citations', path);
  const enabled = wanted && readOptionalFlag(wanted, 'enabled', at(path, 'citations'));
  return enabled === undefined ? {} : { citations: enabled };
}

/** A search result is a titled text with a source; the block itself returns to the same dialect. */
function searchResultPart(block: JsonObject, path: string): DocumentPart | OpaquePart {
  const text = textOfContent(block.content);
  if (text === undefined) return { type: 'opaque', origin: ID, value: block };
  const title = readText(block, 'title', path);
  const context = readText(block, 'source', path);
  const { type, source, content } = block;
  return {
    type: 'document',
    source: { type: 'text', text },
    title,
    context,
    ...citationsEnabled(block, path),
    ...decodeCache(block, path),
    extensions: { [ID]: { type, source, content } },
  };
}

/** The text of a string or of text blocks; undefined when there is anything else among them. */
function textOfContent(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((item) => (isObject(item) && item.type === 'text' ? item.text : undefined));
  return texts.every((text) => typeof text === 'string') ? texts.join('\n') : undefined;
}

/** An empty signature marks plain text: our own encoding of reasoning without a proof. */
function reasoningPart(block: JsonObject, path: string): ReasoningPart {
  if (block.type === 'redacted_thinking') {
    const data = readText(block, 'data', path);
    return isToken(data)
      ? { type: 'reasoning', text: '', ...unpackReasoning(data) }
      : { type: 'reasoning', text: '', data, origin: ID };
  }
  const text = readText(block, 'thinking', path);
  const signature = readOptionalText(block, 'signature', path) ?? '';
  if (signature === '') return { type: 'reasoning', text };
  return isToken(signature)
    ? { type: 'reasoning', text, ...unpackReasoning(signature) }
    : { type: 'reasoning', text, signature, origin: ID };
}

function toolCallPart(block: JsonObject, path: string): ToolCallPart {
  return {
    type: 'tool-call',
    id: readText(block, 'id', path),
    name: readText(block, 'name', path),
    arguments: JSON.stringify(readObject(block, 'input', path)),
    ...decodeCache(block, path),
    ...extensions(block, ['type', 'id', 'name', 'input', 'cache_control']),
  };
}

function toolResultPart(block: JsonObject, path: string): ToolResultPart {
  const isError = readOptionalFlag(block, 'is_error', path);
  return {
    type: 'tool-result',
    callId: readText(block, 'tool_use_id', path),
    parts: resultParts(block, path),
    ...(isError === true && { isError }),
    ...decodeCache(block, path),
    ...extensions(block, ['type', 'tool_use_id', 'content', 'is_error', 'cache_control']),
  };
}

function resultParts(block: JsonObject, path: string): ToolResultPart['parts'] {
  const { content } = block;
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return (readOptionalList(block, 'content', path) ?? []).map((item, index) => {
    const where = at(at(path, 'content'), index);
    return simplePart(asObject(item, where), where);
  });
}
