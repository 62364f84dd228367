/**
 * A client's `instructions` and `input` as messages. What a model said (reasoning, messages, calls) comes as a row of items: they become
 * one assistant message, as other dialects have it, and results that follow each other one tool message. Ids and status of messages and
 * calls belong to the conversation their provider keeps; a request that is written anew does not repeat them.
 */
import type { Extensions, ImagePart, Message, Part, ToolCallPart, ToolResultPart } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import { isToken, unpackCall, type CallProof } from '../proof.ts';
import { present, textOf } from '../values.ts';
import { decodeContent } from './content.ts';
import { decodeReasoning } from './reasoning.ts';
import { DIALECT, extensionsOf, ROLES } from './wire.ts';

/** A message that may still grow. */
interface Draft {
  readonly role: Message['role'];
  readonly parts: Part[];
  readonly extensions?: Extensions;
}

/** The conversation as it is read. */
interface Reading {
  readonly drafts: Draft[];
  /** Calls that a result may answer. */
  readonly calls: Map<string, { readonly draft: Draft; readonly at: number }>;
  /** False when earlier turns are kept elsewhere, so that results may answer calls made there. */
  readonly whole: boolean;
}

/**
 * Reads `instructions` and `input`.
 *
 * @param elsewhere True when earlier turns are kept by whoever answers (`previous_response_id`, `conversation`, `prompt`).
 * @throws GatewayError `invalid_request` for no input, wrong shapes and results of calls that nobody made.
 */
export function decodeInput(fields: Fields, elsewhere: boolean): Message[] {
  const instructions = fields.string('instructions');
  const system: Message[] = instructions ? [{ role: 'system', parts: [{ type: 'text', text: instructions }] }] : [];
  return [...system, ...decodeItems(fields.any('input'), elsewhere)];
}

function decodeItems(input: unknown, elsewhere: boolean): Message[] {
  if (typeof input === 'string') return [{ role: 'user', parts: [{ type: 'text', text: input }] }];
  if (input === undefined && elsewhere) return [];
  if (!Array.isArray(input)) throw wrong('input', 'a string or an array of input items', input);
  if (input.length === 0 && !elsewhere) throw wrong('input', 'at least one input item', input);
  const whole = !elsewhere && !input.some((item: unknown) => isReference(item));
  const reading: Reading = { drafts: [], calls: new Map(), whole };
  for (const [index, item] of input.entries()) decodeItem(fieldsOf(item, `input[${index}]`), item as JsonObject, reading);
  return reading.drafts;
}

const isReference = (item: unknown): boolean => fieldsOf(item, 'input').peek('type') === 'item_reference';

/** Items that a client adds, besides messages and results of functions; all others were said by the model. */
const CLIENT_ITEMS = /_output$|^mcp_approval_response$|^item_reference$|^compaction_trigger$/;

function decodeItem(fields: Fields, item: JsonObject, reading: Reading): void {
  const type = fields.string('type') ?? 'message';
  switch (type) {
    case 'message':
      decodeMessage(fields, reading);
      return;
    case 'reasoning':
      decodeThought(item, reading);
      return;
    case 'function_call':
    case 'custom_tool_call':
      addCall(reading, decodeCall(fields, type === 'custom_tool_call'));
      return;
    case 'function_call_output':
    case 'custom_tool_call_output':
      add(reading, 'tool', decodeResult(fields, reading));
      return;
    case 'image_generation_call':
      add(reading, 'assistant', decodeImage(item));
      return;
    default:
      add(reading, CLIENT_ITEMS.test(type) ? 'user' : 'assistant', { type: 'opaque', origin: DIALECT, value: item });
  }
}

/** Adds a part to the last message of the role, or begins one. */
function add({ drafts }: Reading, role: Message['role'], part: Part): Draft {
  const last = drafts.at(-1);
  if (last?.role === role && role !== 'user') {
    last.parts.push(part);
    return last;
  }
  const fresh: Draft = { role, parts: [part] };
  drafts.push(fresh);
  return fresh;
}

function addCall(reading: Reading, call: ToolCallPart): void {
  const draft = add(reading, 'assistant', call);
  reading.calls.set(call.id, { draft, at: draft.parts.length - 1 });
}

function decodeMessage(fields: Fields, reading: Reading): void {
  const role = fields.any('role');
  if (!isRole(role)) throw wrong(fields.at('role'), oneOf(ROLES), role);
  const content = fields.any('content');
  if (content === undefined) throw wrong(fields.at('content'), 'a string or an array of content parts', content);
  const parts: Part[] = decodeContent(content, fields.at('content'));
  for (const name of ['id', 'status']) fields.any(name);
  const rest = fields.rest();
  if (role !== 'assistant') {
    reading.drafts.push({ role, parts, ...extensionsOf(rest) });
    return;
  }
  const [first, ...others] = parts;
  if (first === undefined) return;
  // Where a message item had fields of its own (`phase`), its first text keeps them.
  add(reading, role, first.type === 'text' && rest !== undefined ? { ...first, ...extensionsOf({ message: rest }) } : first);
  for (const part of others) add(reading, role, part);
}

const isRole = (role: unknown): role is (typeof ROLES)[number] => (ROLES as readonly unknown[]).includes(role);

/** A reasoning item, or one of ours that carries what belongs to an earlier call. */
function decodeThought(item: JsonObject, reading: Reading): void {
  const token = item['encrypted_content'];
  const proof = isToken(token) ? unpackCall(token as string) : undefined;
  if (proof === undefined) add(reading, 'assistant', decodeReasoning(item));
  else attach(reading, proof);
}

function attach({ calls }: Reading, { call, ...proof }: CallProof): void {
  const known = calls.get(call);
  if (known === undefined) return;
  known.draft.parts[known.at] = { ...(known.draft.parts[known.at] as ToolCallPart), ...proof };
}

function decodeCall(fields: Fields, custom: boolean): ToolCallPart {
  const id = fields.name('call_id');
  const name = fields.name('name');
  const text = fields.string(custom ? 'input' : 'arguments');
  if (text === undefined) throw wrong(fields.at(custom ? 'input' : 'arguments'), 'a string', text);
  for (const plumbing of ['id', 'status']) fields.any(plumbing);
  return {
    type: 'tool-call',
    id,
    name,
    arguments: text,
    ...(custom && { custom }),
    ...extensionsOf(fields.rest()),
  };
}

function decodeResult(fields: Fields, { calls, whole }: Reading): ToolResultPart {
  const callId = fields.name('call_id');
  if (whole && !calls.has(callId)) {
    throw contradiction('input', `No tool call found for function call output with call_id ${callId.slice(0, 80)}.`);
  }
  const output = fields.any('output');
  const path = fields.at('output');
  const parts = decodeContent(output ?? '', path).map((part, index) => {
    if (part.type === 'text' || part.type === 'image' || part.type === 'document' || part.type === 'opaque') return part;
    throw wrong(`${path}[${index}].type`, oneOf(['input_text', 'input_image', 'input_file']), part.type);
  });
  for (const name of ['id', 'status']) fields.any(name);
  return { type: 'tool-result', callId, parts, ...extensionsOf(fields.rest()) };
}

/** A picture of an earlier answer; one whose bytes were left out is known to its provider by id only. */
function decodeImage(item: JsonObject): Part {
  return imageOf(item) ?? { type: 'opaque', origin: DIALECT, value: item };
}

/** The picture of an `image_generation_call`; undefined when the item holds none. */
export function imageOf(item: JsonObject): ImagePart | undefined {
  const { result, ...rest } = item;
  const data = textOf(result);
  if (data === undefined) return undefined;
  const mediaType = `image/${textOf(item['output_format']) ?? 'png'}`;
  return { type: 'image', source: { type: 'base64', mediaType, data }, ...present('extensions', { [DIALECT]: rest }) };
}
