/**
 * Sber's GigaChat: OpenAI's chat of the days of `functions`, one call an answer. Sources: the type declarations of the `gigachat` package
 * (0.0.20) and LiteLLM's adapter, checked 2026-11-28.
 */
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { numberOf, objectsOf, present, textOf } from '../values.ts';
import { messagesOf, renamed, textOfContent, warnRest, type Kin } from './wire.ts';

/** Settings by their names here: most keep theirs. */
const SETTINGS = {
  max_completion_tokens: 'max_tokens',
  n: 'n',
  repetition_penalty: 'repetition_penalty',
  profanity_check: 'profanity_check',
  update_interval: 'update_interval',
  flags: 'flags',
  temperature: 'temperature',
  top_p: 'top_p',
} as const;

function request(body: JsonObject, warn: Warn): JsonObject {
  const { said, rest } = renamed(body, SETTINGS);
  const { temperature, ...drawn } = said;
  const { model, messages: _messages, stream, stream_options: _options, tools, tool_choice: choice, ...others } = rest;
  // An answer has one call anyway.
  const { parallel_tool_calls: _parallel, ...unknown } = others;
  warnRest(unknown, warn);
  const functions = objectsOf(tools).flatMap(({ type, function: tool }) => {
    if (type === 'function' && isObject(tool)) return [functionFor(tool)];
    warn({ kind: 'dropped', field: 'tools', reason: `The API has functions only, no tool of type ${String(type)}.` });
    return [];
  });
  return {
    model,
    messages: joined(messagesFor(messagesOf(body), warn)),
    ...drawn,
    // The least temperature it takes is above 0; to draw from nothing but the likeliest says the same.
    ...(temperature === 0 ? { top_p: 0 } : temperature !== undefined && { temperature }),
    ...(functions.length > 0 && { functions, ...choiceFor(choice, functions, warn) }),
    ...(stream === true && { stream }),
  };
}

const functionFor = ({ name, description, parameters }: JsonObject): JsonObject => ({
  name,
  ...present('description', textOf(description)),
  parameters: isObject(parameters) ? parameters : { type: 'object', properties: {} },
});

function choiceFor(choice: unknown, functions: readonly JsonObject[], warn: Warn): { readonly function_call?: unknown } {
  if (choice === 'none' || choice === 'auto') return { function_call: choice };
  const named = isObject(choice) && isObject(choice['function']) ? choice['function']['name'] : undefined;
  if (named !== undefined) return { function_call: { name: named } };
  if (choice !== 'required') return {};
  const [only, ...others] = functions;
  if (others.length === 0) return { function_call: { name: only?.['name'] } };
  warn({ kind: 'changed', field: 'tool_choice', reason: 'The API can force one function only: sent as "auto".' });
  return { function_call: 'auto' };
}

/** One call a message: further ones become messages of their own, each before its result. */
function messagesFor(messages: readonly JsonObject[], warn: Warn): JsonObject[] {
  const waiting = new Map<unknown, { readonly call: JsonObject; told: boolean }>();
  return messages.flatMap((message, index): JsonObject[] => {
    const { role, content } = message;
    const text = textOfContent(content, (type) =>
      warn({
        kind: 'dropped',
        field: `messages[${index}].content`,
        reason: `The API takes text only, no part of type ${type}.`,
      }),
    );
    const calls = objectsOf(message['tool_calls']);
    for (const { id, function: called } of calls) {
      if (isObject(called))
        waiting.set(id, { call: { name: called['name'], arguments: objectFrom(called['arguments']) }, told: false });
    }
    if (role === 'tool') {
      const asked = waiting.get(message['tool_call_id']);
      const before = asked === undefined || asked.told ? [] : [{ role: 'assistant', content: '', function_call: asked.call }];
      if (asked !== undefined) asked.told = true;
      return [...before, { role: 'function', ...present('name', textOf(asked?.call['name'])), content: asJson(text) }];
    }
    if (role === 'assistant' && calls.length > 0) {
      const first = waiting.get(calls[0]?.['id']);
      if (first === undefined) return [{ role, content: text }];
      first.told = true;
      return [{ role, content: text, function_call: first.call }];
    }
    // Only the first message may be the system's.
    const speaker = role === 'system' || role === 'developer' ? (index === 0 ? 'system' : 'user') : role;
    return [{ role: speaker, content: text }];
  });
}

/** Messages of the user in a row as one, which is all the API takes. */
function joined(messages: readonly JsonObject[]): JsonObject[] {
  const told: JsonObject[] = [];
  for (const message of messages) {
    const last = told.at(-1);
    if (last?.['role'] === 'user' && message['role'] === 'user') {
      told[told.length - 1] = { ...last, content: `${String(last['content'])}\n${String(message['content'])}` };
    } else told.push(message);
  }
  return told;
}

const objectFrom = (text: unknown): JsonObject => {
  const value = typeof text === 'string' ? parseJson(text) : undefined;
  return isObject(value) ? value : {};
};

/** Results have to be JSON. */
const asJson = (text: string): string => (parseJson(text) === undefined ? JSON.stringify({ result: text }) : text);

/** A message or a delta in OpenAI's words: the call of a function is that of a tool. */
function saidIn(said: JsonObject, id: string): JsonObject {
  const { function_call: call, functions_state_id: _state, ...rest } = said;
  if (!isObject(call)) return rest;
  const { name, arguments: given } = call;
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { ...rest, tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: text } }] };
}

function told(body: JsonObject, seed: string): JsonObject {
  const { choices, usage, ...head } = body;
  return {
    ...head,
    choices: objectsOf(choices).map((choice) => {
      const { message, delta, index } = choice;
      const id = `call_${seed}_${numberOf(index) ?? 0}`;
      return {
        ...choice,
        ...(isObject(message) && { message: saidIn(message, id) }),
        ...(isObject(delta) && { delta: saidIn(delta, id) }),
      };
    }),
    ...(isObject(usage) && {
      usage: { ...usage, prompt_tokens_details: { cached_tokens: usage['precached_prompt_tokens'] } },
    }),
  };
}

/** An answer has no id: the moment it was made tells its calls apart from those of other turns. */
const seedOf = ({ created }: JsonObject): string => String(typeof created === 'number' ? created : 0);

/** GigaChat's own API. */
export const gigachat: Kin = {
  request,
  answer: (body) => (Array.isArray(body['choices']) ? told(body, seedOf(body)) : undefined),
  chunks: () => (value) => [told(value, seedOf(value))],
};
