/** A client's conversation: `system` and `messages` to canonical messages. */
import type {
  AudioPart,
  CacheMark,
  DocumentPart,
  Extensions,
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
import type { JsonObject } from '../../kinds/json.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import { isToken, unpackCall, unpackReasoning } from '../proof.ts';
import { resultsFirst } from '../tool-results.ts';
import { objectsOf, present } from '../values.ts';
import { decodeCitation } from './citation.ts';
import { tokenIn } from './proof.ts';
import { ID, mediaTypeOf, SIGNER } from './wire.ts';

const ROLES = ['user', 'assistant', 'system'] as const;

/** The `system` field: text, guarded content and cache points. */
export function decodeSystem(body: Fields): Message[] {
  const parts = decodeParts(body.array('system') ?? [], 'system');
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

/**
 * The `messages` field. A user message with tool results becomes a `tool` message followed by a `user` message with the rest.
 *
 * @throws GatewayError `invalid_request`, also for a tool result without its call, and for no messages where there is no prompt
 * resource to bring some.
 */
export function decodeMessages(body: Fields): Message[] {
  const items = body.array('messages') ?? [];
  if (items.length === 0 && body.peek('promptVariables') === undefined) {
    throw wrong('messages', 'an array of at least one message', body.peek('messages'));
  }
  const calls = new Set<string>();
  return items.flatMap((item, index): Message[] => {
    const path = `messages[${index}]`;
    const message = fieldsOf(item, path);
    const role = ROLES.find((known) => known === message.peek('role'));
    if (role === undefined) throw wrong(`${path}.role`, oneOf(ROLES), message.peek('role'));
    const content = message.array('content');
    if (content === undefined) throw wrong(`${path}.content`, 'an array of content blocks', message.peek('content'));
    const parts = decodeParts(content, `${path}.content`);
    checkResults(parts, calls, path);
    return resultsFirst(role, parts);
  });
}

/** Every result must answer a call made before it. */
function checkResults(parts: readonly Part[], calls: Set<string>, path: string): void {
  for (const part of parts) {
    if (part.type === 'tool-call') calls.add(part.id);
    if (part.type === 'tool-result' && !calls.has(part.callId)) {
      throw contradiction(
        `${path}.content`,
        `${path}.content: the toolResult ${JSON.stringify(part.callId.slice(0, 80))} answers no toolUse of an earlier message.`,
      );
    }
  }
}

/** Content blocks as parts: cache points mark the part before them, and proofs of ours go back to the call they belong to. */
function decodeParts(items: readonly unknown[], path: string): Part[] {
  const parts: Part[] = [];
  for (const [index, item] of items.entries()) {
    const where = `${path}[${index}]`;
    const block = fieldsOf(item, where);
    const decoded = decodePart(block, where);
    const last = parts.at(-1);
    if (decoded.type === 'cache-point') {
      if (last !== undefined && canCache(last)) parts[parts.length - 1] = { ...last, cache: decoded.cache };
      else parts.push({ type: 'opaque', origin: ID, value: block.without() });
    } else if (decoded.type === 'call-proof') {
      const at = parts.findIndex((known) => known.type === 'tool-call' && known.id === decoded.call);
      if (at >= 0) parts[at] = { ...(parts[at] as ToolCallPart), ...decoded.proof };
    } else parts.push(decoded);
  }
  return parts;
}

type Cacheable = TextPart | ImagePart | DocumentPart | ToolCallPart | ToolResultPart;

const canCache = (part: Part): part is Cacheable =>
  (part.type === 'text' ||
    part.type === 'image' ||
    part.type === 'document' ||
    part.type === 'tool-call' ||
    part.type === 'tool-result') &&
  part.cache === undefined;

/** A block that is no part of its own. */
type Mark =
  | { readonly type: 'cache-point'; readonly cache: CacheMark }
  | { readonly type: 'call-proof'; readonly call: string; readonly proof: Pick<ToolCallPart, 'signature' | 'extensions'> };

/** A block is an object with one member, which names its kind. Kinds we do not know are kept as they are. */
function decodePart(block: Fields, path: string): Part | Mark {
  const given = (name: string): boolean => block.peek(name) !== undefined;
  if (given('cachePoint')) return { type: 'cache-point', cache: cacheMark(block.inner('cachePoint')) };
  if (given('toolUse')) return toolCallPart(block);
  if (given('toolResult')) return toolResultPart(block);
  if (given('reasoningContent')) return reasoningPart(block.inner('reasoningContent'));
  if (given('citationsContent')) return citedPart(block.inner('citationsContent'));
  if (given('guardContent')) return guardedPart(block);
  if (given('audio')) return audioPart(block);
  return simplePart(block, path);
}

/** Reads `{type, ttl}` of a cache point. */
export function cacheMark(point: Fields): CacheMark {
  const ttl = point.string('ttl');
  if (ttl !== undefined && ttl !== '5m' && ttl !== '1h') throw wrong(point.at('ttl'), oneOf(['5m', '1h']), ttl);
  return present('ttl', ttl);
}

/** Parts that may stand in a message and in a tool result. */
function simplePart(block: Fields, path: string): TextPart | ImagePart | DocumentPart | OpaquePart {
  const text = block.string('text');
  if (text !== undefined) return { type: 'text', text };
  if (block.peek('image') !== undefined) return imagePart(block.inner('image'), undefined);
  if (block.peek('document') !== undefined) return documentPart(block.inner('document'));
  if (block.peek('searchResult') !== undefined) return searchResultPart(block.inner('searchResult'));
  const value = block.without();
  if (Object.keys(value).length === 0) throw wrong(path, 'a content block such as {"text": "..."}', value);
  return { type: 'opaque', origin: ID, value };
}

const extend = (own: JsonObject | undefined): { readonly extensions?: Extensions } =>
  own === undefined ? {} : { extensions: { [ID]: own } };

/** Bytes are base64. What lies in S3 is a file only Bedrock can read; its `source` returns as it came. */
function mediaSource(holder: Fields, mediaType: string): { readonly source: MediaSource; readonly own?: JsonObject } {
  const source = holder.inner('source');
  const bytes = source.string('bytes');
  if (bytes !== undefined) return { source: { type: 'base64', mediaType, data: bytes } };
  const text = source.string('text');
  const own = { source: source.without(), ...present('format', holder.peek('format')) };
  if (text !== undefined) return { source: { type: 'text', text }, own };
  if (source.peek('content') !== undefined) return { source: { type: 'text', text: textsOf(source.any('content')) }, own };
  return { source: { type: 'file', id: source.inner('s3Location').name('uri'), origin: ID }, own };
}

const textsOf = (content: unknown): string =>
  objectsOf(content)
    .flatMap(({ text }) => (typeof text === 'string' ? [text] : []))
    .join('\n');

function imagePart(image: Fields, guard: JsonObject | undefined): ImagePart {
  const { source, own } = mediaSource(image, mediaTypeOf(image.name('format'), 'image'));
  const others = image.rest();
  const merged = { ...own, ...others, ...present('guardContent', guard) };
  return { type: 'image', source, ...extend(Object.keys(merged).length === 0 ? undefined : merged) };
}

function audioPart(block: Fields): AudioPart | OpaquePart {
  const audio = block.inner('audio');
  const format = audio.name('format');
  const { source, own } = mediaSource(audio, `audio/${format}`);
  if (own !== undefined) return { type: 'opaque', origin: ID, value: block.without() };
  return { type: 'audio', source, format };
}

function documentPart(document: Fields): DocumentPart {
  const { source, own } = mediaSource(document, mediaTypeOf(document.string('format') ?? 'txt', 'application'));
  const citations = document.object('citations');
  const enabled = citations?.enabled;
  return {
    type: 'document',
    source,
    ...present('title', document.string('name')),
    ...present('context', document.string('context')),
    ...(typeof enabled === 'boolean' && { citations: enabled }),
    ...extend(own),
  };
}

/** A search result is a titled text with a source; the block itself returns to the same dialect. */
function searchResultPart(result: Fields): DocumentPart {
  return {
    type: 'document',
    source: { type: 'text', text: textsOf(result.array('content')) },
    title: result.name('title'),
    context: result.name('source'),
    ...extend({ searchResult: result.without() }),
  };
}

/** Guarded content is what it guards, with its qualifiers kept for Bedrock. */
function guardedPart(block: Fields): TextPart | ImagePart | OpaquePart {
  const guarded = block.inner('guardContent');
  if (guarded.peek('image') !== undefined) return imagePart(guarded.inner('image'), {});
  if (guarded.peek('text') === undefined) return { type: 'opaque', origin: ID, value: block.without() };
  const text = guarded.inner('text');
  return { type: 'text', text: text.string('text') ?? '', ...extend({ guardContent: text.without('text') }) };
}

function citedPart(cited: Fields): TextPart {
  const content = objectsOf(cited.array('content'));
  const text = content.map((piece) => (typeof piece.text === 'string' ? piece.text : '')).join('');
  return { type: 'text', text, citations: objectsOf(cited.array('citations')).map(decodeCitation) };
}

/** An empty signature marks plain text: our own encoding of reasoning without a proof. */
function reasoningPart(content: Fields): ReasoningPart | Mark {
  const redacted = content.string('redactedContent');
  if (redacted !== undefined) {
    const token = tokenIn(redacted);
    if (token === undefined) return { type: 'reasoning', text: '', data: redacted, origin: ID };
    const { call, ...proof } = unpackCall(token) ?? {};
    return call === undefined
      ? { type: 'reasoning', text: '', ...unpackReasoning(token) }
      : { type: 'call-proof', call, proof };
  }
  const reasoning = content.inner('reasoningText');
  const text = reasoning.string('text') ?? '';
  const signature = reasoning.string('signature') ?? '';
  if (signature === '') return { type: 'reasoning', text };
  return isToken(signature)
    ? { type: 'reasoning', text, ...unpackReasoning(signature) }
    : { type: 'reasoning', text, signature, origin: SIGNER };
}

/** Calls of tools that Bedrock runs itself stay as they are. */
function toolCallPart(block: Fields): ToolCallPart | OpaquePart {
  const call = block.inner('toolUse');
  if (call.string('type') !== undefined) return { type: 'opaque', origin: ID, value: block.without() };
  const input = call.object('input');
  if (input === undefined) throw wrong(call.at('input'), 'an object', call.peek('input'));
  return { type: 'tool-call', id: call.name('toolUseId'), name: call.name('name'), arguments: JSON.stringify(input) };
}

function toolResultPart(block: Fields): ToolResultPart | OpaquePart {
  const result = block.inner('toolResult');
  if (result.string('type') !== undefined) return { type: 'opaque', origin: ID, value: block.without() };
  const status = result.string('status');
  if (status !== undefined && status !== 'success' && status !== 'error') {
    throw wrong(result.at('status'), oneOf(['success', 'error']), status);
  }
  const parts = (result.array('content') ?? []).map((item, index) => {
    const path = `${result.at('content')}[${index}]`;
    return resultPart(fieldsOf(item, path), path);
  });
  return { type: 'tool-result', callId: result.name('toolUseId'), parts, ...(status === 'error' && { isError: true }) };
}

/** JSON is told to other providers as text. */
function resultPart(block: Fields, path: string): ToolResultPart['parts'][number] {
  const json = block.peek('json');
  if (json === undefined) return simplePart(block, path);
  return { type: 'text', text: JSON.stringify(json), extensions: { [ID]: { json: true } } };
}
