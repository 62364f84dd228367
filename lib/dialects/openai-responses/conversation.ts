/** Messages as `instructions` and `input` of a provider's request. */
import type { Message, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { shortest } from '../openai-content.ts';
import type { Warn } from '../telling.ts';
import { encodeAnnotation } from './citations.ts';
import { encodeContent } from './content.ts';
import { sentReasoning, type ReasoningUse } from './reasoning.ts';
import { DIALECT } from './wire.ts';

/** How a conversation is written. */
export interface Options {
  readonly reasoning: ReasoningUse;
  readonly warn: Warn;
}

/** Writes a conversation: the first message becomes `instructions` when it is a system message of plain text. */
export function encodeInput(messages: readonly Message[], options: Options): JsonObject {
  const [first, ...others] = messages;
  const instructions = first === undefined ? undefined : plainSystem(first);
  const told = instructions === undefined ? messages : others;
  const from = messages.length - told.length;
  const custom = customCalls(messages);
  return {
    ...(instructions !== undefined && { instructions }),
    input: told.flatMap((message, index) => encodeMessage(message, `messages[${from + index}]`, custom, options)),
  };
}

function plainSystem({ role, parts, extensions }: Message): string | undefined {
  if (role !== 'system' || extensions?.[DIALECT] !== undefined) return undefined;
  const texts = parts.map((part) => (part.type === 'text' && part.extensions?.[DIALECT] === undefined ? part.text : undefined));
  return texts.includes(undefined) ? undefined : texts.join('\n\n');
}

/** Ids of the calls of custom tools: their results are items of another type. */
const customCalls = (messages: readonly Message[]): ReadonlySet<string> =>
  new Set(
    messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'tool-call' && part.custom === true ? part.id : [])),
    ),
  );

function encodeMessage(message: Message, path: string, custom: ReadonlySet<string>, options: Options): JsonObject[] {
  const { role, parts, name, extensions } = message;
  if (name !== undefined) {
    options.warn({ kind: 'dropped', field: `${path}.name`, reason: 'The API has no names of participants.' });
  }
  if (role === 'assistant') return encodeAssistant(parts, path, options);
  if (role === 'tool')
    return parts.flatMap((part, index) => encodeToolPart(part, `${path}.content[${index}]`, custom, options));
  // Items that only this dialect knows stand on their own; everything else is content of the message.
  const items = parts.flatMap((part) =>
    part.type === 'opaque' && part.origin === DIALECT && isItem(part.value) ? [part.value] : [],
  );
  const content = encodeContent(
    parts.filter((part) => !(part.type === 'opaque' && items.includes(part.value))),
    `${path}.content`,
    options.warn,
  );
  return [...items, ...(content.length === 0 ? [] : [{ role, content: shortest(content), ...extensions?.[DIALECT] }])];
}

/** Items and content parts are told apart by their type: parts begin with `input_`. */
const isItem = ({ type }: JsonObject): boolean => typeof type !== 'string' || !/^(input_|computer_screenshot$)/.test(type);

function encodeToolPart(part: Part, path: string, custom: ReadonlySet<string>, { warn }: Options): JsonObject[] {
  if (part.type === 'tool-result') return [encodeResult(part, path, custom, warn)];
  return part.type === 'opaque' && part.origin === DIALECT ? [part.value] : encodeContent([part], path, warn);
}

function encodeResult(result: ToolResultPart, path: string, custom: ReadonlySet<string>, warn: Warn): JsonObject {
  const content = encodeContent(result.parts, path, warn);
  if (result.isError === true) {
    warn({ kind: 'changed', field: path, reason: 'The API has no failed tool results: the text begins with "Error:".' });
    content.unshift({ type: 'input_text', text: 'Error:' });
  }
  return {
    type: custom.has(result.callId) ? 'custom_tool_call_output' : 'function_call_output',
    call_id: result.callId,
    output: shortest(content),
    ...result.extensions?.[DIALECT],
  };
}

/** What the model said, as items. Texts that follow each other are one message, unless one begins a message of its own. */
function encodeAssistant(parts: readonly Part[], path: string, options: Options): JsonObject[] {
  const items: JsonObject[] = [];
  let words: JsonObject[] = [];
  let own: JsonObject = {};
  const flush = (): void => {
    if (words.length > 0) items.push({ role: 'assistant', content: plainest(words), ...own });
    words = [];
    own = {};
  };
  for (const [index, part] of parts.entries()) {
    const where = `${path}.content[${index}]`;
    if (part.type === 'text') {
      const { message, ...rest } = part.extensions?.[DIALECT] ?? {};
      if (message !== undefined) {
        flush();
        own = message as JsonObject;
      }
      words.push({ ...encodeWords(part, where, options.warn), ...rest });
    } else if (part.type === 'refusal') {
      words.push({ type: 'refusal', refusal: part.text });
    } else {
      flush();
      const item = encodeSaid(part, where, options);
      if (item !== undefined) items.push(item);
    }
  }
  flush();
  return items;
}

/** Plain text as a string, which every server of this dialect reads; anything else as the array. */
function plainest(words: readonly JsonObject[]): string | readonly JsonObject[] {
  const plain = words.every(({ type, annotations }) => type === 'output_text' && (annotations as unknown[]).length === 0);
  return plain ? words.map(({ text }) => text as string).join('') : words;
}

function encodeWords({ text, citations = [] }: TextPart, path: string, warn: Warn): JsonObject {
  const annotations = citations.flatMap((citation) => encodeAnnotation(citation, text.length) ?? []);
  if (annotations.length < citations.length) {
    warn({ kind: 'dropped', field: `${path}.citations`, reason: 'The API cannot say a citation without an address.' });
  }
  return { type: 'output_text', text, annotations };
}

function encodeSaid(part: Exclude<Part, { type: 'text' | 'refusal' }>, path: string, options: Options): JsonObject | undefined {
  const { warn } = options;
  switch (part.type) {
    case 'reasoning':
      return encodeThought(part, path, options);
    case 'tool-call':
      return encodeCall(part);
    case 'opaque':
      if (part.origin === DIALECT) return part.value;
      warn({ kind: 'dropped', field: path, reason: `A ${String(part.value['type'])} block exists in ${part.origin} only.` });
      return undefined;
    case 'image': {
      const own = part.extensions?.[DIALECT];
      if (part.source.type === 'base64' && own !== undefined) return { ...own, result: part.source.data };
      break;
    }
    case 'audio':
    case 'document':
    case 'tool-result':
  }
  warn({ kind: 'dropped', field: path, reason: `The API has no ${part.type} in what a model said.` });
  return undefined;
}

function encodeThought(part: ReasoningPart, path: string, { reasoning, warn }: Options): JsonObject | undefined {
  const item = sentReasoning(part, reasoning);
  if (item === undefined) {
    warn({ kind: 'dropped', field: path, reason: 'The provider takes back only reasoning that it encrypted itself.' });
  }
  return item;
}

const encodeCall = ({ id, name, arguments: text, custom, extensions }: ToolCallPart): JsonObject =>
  custom === true
    ? { type: 'custom_tool_call', call_id: id, name, input: text, ...extensions?.[DIALECT] }
    : { type: 'function_call', call_id: id, name, arguments: text.trim() === '' ? '{}' : text, ...extensions?.[DIALECT] };
