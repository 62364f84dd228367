/**
 * Cache marks, in the notation of Anthropic that LiteLLM, OpenRouter, Vercel's gateway and Alibaba take on OpenAI-like requests:
 * `cache_control` on content parts and tools.
 */
import type { CacheMark, GenerateRequest, Message, Part } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';

/** Reads a mark. */
export function decodeCache(value: unknown): { cache?: CacheMark } {
  if (!isObject(value)) return {};
  const { ttl } = value;
  return { cache: ttl === '1h' || ttl === '5m' ? { ttl } : {} };
}

/** Writes a mark. */
export const encodeCache = (cache: CacheMark | undefined): JsonObject =>
  cache === undefined ? {} : { cache_control: { type: 'ephemeral', ...cache } };

const MARKABLE: ReadonlySet<Part['type']> = new Set(['text', 'image', 'document', 'tool-result']);

/** The parts with a mark on the last one that can bear it: what a mark on their whole message means. */
export function markLast<Item extends Part>(parts: readonly Item[], cache: CacheMark | undefined): readonly Item[] {
  const at = parts.findLastIndex((part) => MARKABLE.has(part.type));
  if (cache === undefined || at === -1) return parts;
  return parts.map((part, index) => (index === at ? { ...part, cache } : part));
}

/**
 * The request with its marks where the API reads them: one on the request as a whole moves to its last message. For an API that does
 * not read them they are taken out, with one warning; the answer stays the same, only its price may not.
 */
export function placeMarks(request: GenerateRequest, read: boolean, warn: Warn): GenerateRequest {
  if (!isMarked(request)) return request;
  const { cache, ...rest } = request;
  const last = request.messages.at(-1);
  if (read) {
    if (cache === undefined || last === undefined) return request;
    return { ...rest, messages: [...request.messages.slice(0, -1), { ...last, parts: markLast<Part>(last.parts, cache) }] };
  }
  warn({
    kind: 'dropped',
    field: 'cache_control',
    reason: 'The provider takes no cache marks: it caches by itself or not at all.',
  });
  return {
    ...rest,
    messages: request.messages.map((message) => ({ ...message, parts: message.parts.map(unmarkedPart) })),
    ...(request.tools !== undefined && { tools: request.tools.map(unmarked) }),
  };
}

function isMarked({ cache, messages, tools = [] }: GenerateRequest): boolean {
  return cache !== undefined || tools.some(bearsMark) || messages.some(({ parts }: Message) => parts.some(partBearsMark));
}

const bearsMark = (item: object): boolean => 'cache' in item && item.cache !== undefined;

const partBearsMark = (part: Part): boolean =>
  bearsMark(part) || (part.type === 'tool-result' && part.parts.some((inner) => bearsMark(inner)));

function unmarked<Item extends object>(item: Item): Item {
  if (!bearsMark(item)) return item;
  const { cache: _, ...rest } = item as Item & { cache: unknown };
  return rest as unknown as Item;
}

function unmarkedPart(part: Part): Part {
  return unmarked(part.type === 'tool-result' ? { ...part, parts: part.parts.map((inner) => unmarked(inner)) } : part);
}
