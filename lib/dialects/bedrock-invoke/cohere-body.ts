/**
 * Cohere's Command R on Bedrock: version 1 of its chat API, with one `message` and the `chat_history` before it. Requests are rewritten
 * as those of version 2; calls of tools have no ids here, so they get some by their order.
 */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent, GenerateResponse, Part } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import { inputOf } from '../anthropic-messages/turns.ts';
import { cohereChat } from '../cohere-chat/index.ts';
import { decodeUsage, encodeUsage, finishOf, finishWord } from '../cohere-chat/wire.ts';
import type { ReplyContext } from '../dialect.ts';
import { Fields, fieldsOf } from '../fields.ts';
import { createFold } from '../../kinds/fold.ts';
import { onlyChoice, warnOnce } from '../telling.ts';
import { objectsOf, textOf } from '../values.ts';
import { capped, type Codec, type PieceReader, type PieceWriter } from './codec.ts';

/** Roles of earlier turns. */
const ROLES: Readonly<Record<string, string>> = { USER: 'user', CHATBOT: 'assistant', SYSTEM: 'system' };

/** Python's names of types, which parameters of tools have here. */
const TYPES: Readonly<Record<string, string>> = {
  str: 'string',
  string: 'string',
  int: 'integer',
  float: 'number',
  bool: 'boolean',
  boolean: 'boolean',
  list: 'array',
  dict: 'object',
};

/** Command R and Command R+. */
export const cohere: Codec = {
  like: 'cohere-chat',
  decodeRequest: (body, asked) => cohereChat.decodeRequest({ ...versionTwo(body), ...asked }),
  encodeResponse: (response, context) => answerOf(response, context),
  writer: (context) => writerOf(context),
  decodeResponse(body) {
    const reader = readerOf();
    const response = isObject(body) ? body : {};
    return [...reader.push({ event_type: 'stream-end', response }), ...reader.end()];
  },
  reader: () => readerOf(),
  clamp: (body, tokens) => capped(body, 'max_tokens', tokens),
};

function versionTwo(body: JsonObject): JsonObject {
  const fields = new Fields(body, '');
  const preamble = fields.string('preamble');
  const message = fields.string('message') ?? '';
  const calls = new CallIds();
  const results = fields.array('tool_results') ?? [];
  const tools = (fields.array('tools') ?? []).map(toolOf);
  const messages = [
    ...(preamble === undefined ? [] : [{ role: 'system', content: preamble }]),
    ...(fields.array('chat_history') ?? []).flatMap((turn, index) => turnOf(fieldsOf(turn, `chat_history[${index}]`), calls)),
    ...(message === '' ? [] : [{ role: 'user', content: message }]),
    ...(results.length === 0 ? [] : resultsOf(results, 'tool_results', calls, true)),
  ];
  return { ...fields.rest(), messages, ...(tools.length > 0 && { tools }) };
}

/** Ids of calls, in the order in which they were made, for the results that follow in the same order. */
class CallIds {
  #made = 0;
  #open: string[] = [];

  make(): string {
    const id = `call_${this.#made++}`;
    this.#open.push(id);
    return id;
  }

  /** The call that the next result belongs to. */
  next(): string | undefined {
    return this.#open.shift();
  }
}

function turnOf(turn: Fields, calls: CallIds): readonly JsonObject[] {
  const role = turn.name('role');
  if (role === 'TOOL') return resultsOf(turn.array('tool_results') ?? [], turn.at('tool_results'), calls, false);
  const content = turn.string('message') ?? '';
  const made = objectsOf(turn.any('tool_calls')).map((call) => callOf(call, calls));
  const said = content === '' && made.length > 0 ? {} : { content };
  return [{ role: ROLES[role] ?? role, ...said, ...(made.length > 0 && { tool_calls: made }) }];
}

const callOf = ({ name, parameters }: JsonObject, calls: CallIds): JsonObject => ({
  id: calls.make(),
  type: 'function',
  function: { name, arguments: JSON.stringify(parameters ?? {}) },
});

/** Results name their calls; those that no turn before made are told first. */
function resultsOf(results: readonly unknown[], path: string, calls: CallIds, told: boolean): readonly JsonObject[] {
  const all = results.map((result, index) => fieldsOf(result, `${path}[${index}]`));
  const made: JsonObject[] = [];
  const messages = all.map((result) => {
    let id = calls.next();
    if (id === undefined && told) {
      const call = result.object('call') ?? {};
      made.push(callOf(call, calls));
      id = calls.next();
    }
    const outputs = result.array('outputs') ?? [];
    const content = JSON.stringify(outputs.length === 1 ? outputs[0] : outputs);
    return { role: 'tool', tool_call_id: id ?? 'call', content };
  });
  return made.length === 0 ? messages : [{ role: 'assistant', tool_calls: made }, ...messages];
}

function toolOf(value: unknown, index: number): JsonObject {
  const tool = fieldsOf(value, `tools[${index}]`);
  const definitions = Object.entries(tool.object('parameter_definitions') ?? {}).filter(
    (entry): entry is [string, JsonObject] => isObject(entry[1]),
  );
  const properties = Object.fromEntries(
    definitions.map(([name, { type, description }]) => [
      name,
      { type: TYPES[String(type).toLowerCase()] ?? 'string', ...(description !== undefined && { description }) },
    ]),
  );
  const required = definitions.filter(([, definition]) => definition['required'] === true).map(([name]) => name);
  const description = tool.string('description');
  return {
    type: 'function',
    function: {
      name: tool.name('name'),
      ...(description !== undefined && { description }),
      parameters: { type: 'object', properties, ...(required.length > 0 && { required }) },
    },
  };
}

/** An answer, whole or at the end of a stream. */
function answerOf(response: GenerateResponse, context: ReplyContext): JsonObject {
  const choice = onlyChoice(response, context);
  const warn = warnOnce(context);
  const text = choice.parts.map((part) => wordsOf(part, warn)).join('');
  const calls = choice.parts.flatMap((part) =>
    part.type === 'tool-call' ? [{ name: part.name, parameters: inputOf(part.arguments) ?? {} }] : [],
  );
  const { chat_history: history, message } = context.request ?? {};
  const stopSequence = choice.stopSequence !== undefined;
  // Version 1 has no word for an end by tools.
  const word = finishWord(choice.finish, { calls: false, stopSequence });
  return {
    response_id: response.id ?? context.id,
    generation_id: context.id,
    text,
    finish_reason: word === 'TOOL_CALL' ? 'COMPLETE' : word,
    ...(calls.length > 0 && { tool_calls: calls }),
    chat_history: [
      ...(Array.isArray(history) ? (history as unknown[]) : []),
      ...(typeof message === 'string' && message !== '' ? [{ role: 'USER', message }] : []),
      { role: 'CHATBOT', message: text, ...(calls.length > 0 && { tool_calls: calls }) },
    ],
    ...(response.usage !== undefined && { meta: encodeUsage(response.usage, undefined) }),
  };
}

function wordsOf(part: Part, warn: ReturnType<typeof warnOnce>): string {
  if (part.type === 'text' && part.citations !== undefined) {
    warn('citations', 'Citations of this API name documents of the request.');
  }
  if (part.type === 'text' || part.type === 'refusal') return part.text;
  if (part.type !== 'tool-call') warn('content', `The API has no ${part.type} in an answer.`);
  return '';
}

function writerOf(context: ReplyContext): PieceWriter {
  const fold = createFold();
  let started = false;
  const begun = (): JsonObject[] => {
    if (started) return [];
    started = true;
    return [{ event_type: 'stream-start', is_finished: false, generation_id: context.id }];
  };
  return {
    push(event) {
      fold.push(event);
      if (event.type !== 'text-delta' && event.type !== 'refusal-delta') return event.type === 'start' ? begun() : [];
      return [...begun(), { event_type: 'text-generation', is_finished: false, text: event.text }];
    },
    end() {
      const response = answerOf(fold.response(), context);
      const { finish_reason: word, tool_calls: calls } = response;
      return [
        ...begun(),
        ...(calls === undefined ? [] : [{ event_type: 'tool-calls-generation', is_finished: false, tool_calls: calls }]),
        { event_type: 'stream-end', is_finished: true, finish_reason: word, response },
      ];
    },
  };
}

const AT = { choice: 0, block: 0 } as const;

/** Reads pieces; the last one has the whole answer, which counts where nothing came before it. */
function readerOf(): PieceReader {
  let text = '';
  let started = false;
  let ending: JsonObject | undefined;
  let usage: Usage | undefined;
  const begin = (): GenerateEvent[] => {
    if (started) return [];
    started = true;
    return [{ type: 'start' }];
  };
  const write = (words: string): GenerateEvent[] => {
    const opened: GenerateEvent[] = text === '' ? [{ type: 'text-start', ...AT }] : [];
    text += words;
    return [...begin(), ...opened, { type: 'text-delta', ...AT, text: words }];
  };
  return {
    push(piece) {
      const words = textOf(piece['text']);
      if (piece['event_type'] === 'text-generation') return words === undefined ? [] : write(words);
      if (piece['event_type'] !== 'stream-end') return begin();
      ending = isObject(piece['response']) ? piece['response'] : piece;
      const counted = decodeUsage(ending['meta']);
      if (counted !== undefined) usage = mergeUsage(usage, counted);
      const whole = textOf(ending['text']);
      return text === '' && whole !== undefined ? write(whole) : begin();
    },
    end() {
      const closed: GenerateEvent[] = text === '' ? [] : [{ type: 'text-end', ...AT }];
      const word = ending === undefined ? undefined : textOf(ending['finish_reason']);
      if (ending === undefined || word === undefined) {
        const error = new GatewayError('upstream', 'The provider ended its answer before it was finished.');
        return [...closed, { type: 'error', error }];
      }
      const calls = objectsOf(ending['tool_calls']).flatMap(({ name, parameters }, index): GenerateEvent[] => {
        const at = { choice: 0, block: index + 1 };
        return [
          { type: 'tool-call-start', ...at, id: `call_${index}`, name: String(name) },
          { type: 'tool-call-delta', ...at, arguments: JSON.stringify(parameters ?? {}) },
          { type: 'tool-call-end', ...at },
        ];
      });
      return [
        ...closed,
        ...calls,
        ...(usage === undefined ? [] : [{ type: 'usage' as const, usage }]),
        { type: 'finish', choice: 0, reason: finishOf(word, calls.length > 0), raw: word },
      ];
    },
  };
}
