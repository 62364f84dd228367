/** A client's conversation: `systemInstruction` and `contents` to canonical messages. */
import type { Message, Part, TextPart, ToolCallPart, ToolResultPart } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import { Fields, fieldsOf, wrong } from '../fields.ts';
import { unpackCall, unpackReasoning } from '../proof.ts';
import { present } from '../values.ts';
import { decodeFile, decodeInline } from './media.ts';
import { tokenIn } from './proof.ts';
import { ID } from './wire.ts';

/** The parts of a content. One part may stand without its list: the API takes it, as everywhere for a repeated field. */
function partsOf(content: Fields): readonly Fields[] {
  const given = content.any('parts');
  const items = isObject(given) ? [given] : (content.array('parts') ?? []);
  return items.map((item, index) => fieldsOf(item, `${content.at('parts')}[${index}]`));
}

/** The `systemInstruction`: a content, or bare text, as the SDKs allow. */
export function decodeSystem(body: Fields): Message[] {
  const value = body.any('systemInstruction');
  if (value === undefined || value === '') return [];
  if (typeof value === 'string') return [{ role: 'system', parts: [{ type: 'text', text: value }] }];
  const content = body.inner('systemInstruction');
  const parts = partsOf(content).map((part): TextPart => {
    const text = part.string('text');
    if (text === undefined) throw wrong(part.at('text'), 'a string', text);
    return { type: 'text', text };
  });
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

/**
 * The `contents`. Function responses become a `tool` message; what stands beside them in the same turn follows as a `user` message.
 *
 * @param whole False when the provider keeps earlier turns (`cachedContent`): responses may then answer calls that are not here.
 * @throws GatewayError `invalid_request`, also for a function response without its call.
 */
export function decodeContents(body: Fields, whole: boolean): Message[] {
  const given = body.any('contents');
  const items: unknown = isObject(given) ? [given] : given;
  if (!Array.isArray(items) || items.length === 0) throw wrong('contents', 'at least one content', given);
  const reader = new ContentReader(whole);
  return items.flatMap((item: unknown, index) => reader.messages(fieldsOf(item, `contents[${index}]`)));
}

const ROLES = ['user', 'model', 'function', 'tool', 'system'];

/** Reads contents in order and remembers the calls in them: responses name their call by id or, without one, by name and order. */
class ContentReader {
  readonly #whole: boolean;
  readonly #ids = new Set<string>();
  /** Calls that have no response yet, oldest first. */
  readonly #waiting: { readonly id: string; readonly name: string }[] = [];
  #calls = 0;

  constructor(whole: boolean) {
    this.#whole = whole;
  }

  messages(content: Fields): Message[] {
    const role = content.string('role') ?? 'user';
    if (!ROLES.includes(role)) throw wrong(content.at('role'), 'user or model', role);
    const parts = partsOf(content).flatMap((part) => this.#part(part, role));
    if (role === 'model') return parts.length === 0 ? [] : [{ role: 'assistant', parts }];
    if (parts.length === 0) throw wrong(content.at('parts'), 'at least one part', content.any('parts'));
    const results = parts.filter((part) => part.type === 'tool-result');
    const others = parts.filter((part) => part.type !== 'tool-result');
    const name = role === 'system' ? ('system' as const) : ('user' as const);
    return [
      ...(results.length === 0 ? [] : [{ role: 'tool' as const, parts: results }]),
      ...(others.length === 0 ? [] : [{ role: name, parts: others }]),
    ];
  }

  #part(part: Fields, role: string): Part[] {
    const signature = part.peek('thoughtSignature') === undefined ? undefined : part.string('thoughtSignature');
    if (part.peek('functionCall') !== undefined) return [this.#call(part, signature, role)];
    if (part.peek('functionResponse') !== undefined) return [this.#result(part, role)];
    if (part.peek('text') !== undefined) return textParts(part, signature);
    const signed = present('thoughtSignature', signature);
    if (part.peek('inlineData') !== undefined) {
      const data = part.inner('inlineData');
      return [decodeInline(data, beside(part, signed))];
    }
    if (part.peek('fileData') !== undefined) {
      const data = part.inner('fileData');
      return [decodeFile(data, beside(part, signed))];
    }
    const value = part.without();
    if (Object.keys(value).length === 0) throw wrong(part.at('text'), 'a part with something in it', undefined);
    return signature !== undefined && Object.keys(value).length === 1
      ? [signatureOf(signature)]
      : [{ type: 'opaque', origin: ID, value }];
  }

  #call(part: Fields, signature: string | undefined, role: string): ToolCallPart {
    const call = part.inner('functionCall');
    if (role !== 'model') throw wrong(part.at('functionCall'), 'a function call in a content of role model only', role);
    const name = call.name('name');
    const id = call.string('id') ?? `call_${this.#calls}_${name}`;
    this.#calls++;
    this.#ids.add(id);
    this.#waiting.push({ id, name });
    const token = tokenIn(signature);
    const proof = token === undefined ? present('signature', signature) : proofOf(token);
    return { type: 'tool-call', id, name, arguments: JSON.stringify(call.object('args') ?? {}), ...proof };
  }

  #result(part: Fields, role: string): ToolResultPart {
    const response = part.inner('functionResponse');
    if (role === 'model') throw wrong(part.at('functionResponse'), 'a function response in a content of role user', role);
    const name = response.name('name');
    const callId = this.#callOf(response.string('id'), name);
    if (callId === undefined) {
      throw wrong(response.at('name'), 'the name of a function that the model called before', name);
    }
    const value = response.object('response') ?? {};
    const media = (response.array('parts') ?? []).map((item, index) =>
      resultMedia(fieldsOf(item, `${response.at('parts')}[${index}]`)),
    );
    const others = response.rest();
    return {
      type: 'tool-result',
      callId,
      ...resultOf(value, media),
      ...(others !== undefined && { extensions: { [ID]: others } }),
    };
  }

  #callOf(id: string | undefined, name: string): string | undefined {
    const at = this.#waiting.findIndex((call) => (id !== undefined && this.#ids.has(id) ? call.id === id : call.name === name));
    const [found] = at === -1 ? [] : this.#waiting.splice(at, 1);
    if (found !== undefined) return found.id;
    if (id !== undefined && (this.#ids.has(id) || !this.#whole)) return id;
    return this.#whole ? undefined : name;
  }
}

function beside(part: Fields, signed: JsonObject): JsonObject | undefined {
  const others = { ...part.rest(), ...signed };
  return Object.keys(others).length > 0 ? others : undefined;
}

/** A signature without a thought to it, behind the text it came with. */
function signatureOf(signature: string): Part {
  const token = tokenIn(signature);
  if (token === undefined) return { type: 'reasoning', text: '', signature, origin: ID };
  return { type: 'reasoning', text: '', ...unpackReasoning(token) };
}

function textParts(part: Fields, signature: string | undefined): Part[] {
  const text = part.string('text') ?? '';
  const thought = part.boolean('thought') ?? false;
  if (thought) {
    const reasoning = signature === undefined ? { type: 'reasoning' as const } : signatureOf(signature);
    return [{ ...reasoning, text } as Part];
  }
  const others = part.rest();
  const said: TextPart = { type: 'text', text, ...(others !== undefined && { extensions: { [ID]: others } }) };
  if (signature === undefined) return [said];
  return text === '' ? [signatureOf(signature)] : [said, signatureOf(signature)];
}

function proofOf(token: string): Pick<ToolCallPart, 'signature' | 'extensions'> {
  const { call: _, ...proof } = unpackCall(token) ?? { call: '' };
  return proof;
}

/** Media in a function response: `{inlineData}` or `{fileData}`. */
function resultMedia(part: Fields): ToolResultPart['parts'][number] {
  const inline = part.peek('inlineData') !== undefined;
  const media = inline ? decodeInline(part.inner('inlineData'), undefined) : decodeFile(part.inner('fileData'), undefined);
  return media.type === 'audio' ? { type: 'document', source: media.source } : media;
}

/**
 * What a function came to. `{output: text}` and `{error: text}` are Google's words for plain results and failures; anything else is
 * told as JSON.
 */
function resultOf(value: JsonObject, media: ToolResultPart['parts']): Pick<ToolResultPart, 'parts' | 'isError'> {
  const [name, ...more] = Object.keys(value);
  const word = more.length === 0 && (name === 'output' || name === 'error') ? value[name] : undefined;
  const plain = typeof word === 'string' && !isObject(parseJson(word)) ? word : undefined;
  const text = plain ?? (name === undefined ? '' : JSON.stringify(value));
  return {
    parts: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...media],
    ...(plain !== undefined && name === 'error' && { isError: true }),
  };
}
