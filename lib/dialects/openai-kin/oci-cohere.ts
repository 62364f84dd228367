/**
 * Oracle's Generative AI, format `COHERE`: one message beside a history, and calls without ids. Sources: the type declarations of
 * `oci-generativeaiinference` (2.142) and LiteLLM's adapter, checked 2026-11-28.
 */
import { createHash } from 'node:crypto';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { objectsOf, present, textOf } from '../values.ts';
import { streaming, wrapped } from './oci-generic.ts';
import { plainSchema } from './plain-schema.ts';
import {
  callOf,
  messagesOf,
  renamed,
  stopsOf,
  textOfContent,
  usageFrom,
  warnRest,
  type ChunkReader,
  type Kin,
} from './wire.ts';

/** Settings that both formats have, by their names here. */
const SETTINGS = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  seed: 'seed',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  max_completion_tokens: 'maxTokens',
} as const;

/** What both formats say alike, and the rest of the body. */
export function settingsOf(body: JsonObject, warn: Warn): { readonly said: JsonObject; readonly rest: JsonObject } {
  const { said, rest } = renamed(body, SETTINGS);
  const {
    model: _model,
    messages: _messages,
    stream,
    stream_options: _options,
    response_format: format,
    stop,
    ...others
  } = rest;
  return {
    said: { ...said, ...present('stopSequences', stopsOf(stop)), ...formatFor(format, warn), ...streaming(stream) },
    rest: others,
  };
}

function formatFor(format: unknown, warn: Warn): { readonly responseFormat?: JsonObject } {
  if (!isObject(format) || format['type'] === 'text') return {};
  const schema = isObject(format['json_schema']) ? format['json_schema']['schema'] : undefined;
  if (isObject(format['json_schema']) && format['json_schema']['strict'] === true) {
    warn({ kind: 'dropped', field: 'response_format.json_schema.strict', reason: 'The API has no such setting.' });
  }
  return {
    responseFormat: {
      type: 'JSON_OBJECT',
      ...(isObject(schema) && { schema: plainSchema(schema, 'response_format.json_schema.schema', warn) }),
    },
  };
}

/** The functions among the tools; others are told of as lost. */
export const functionsOf = (tools: unknown, warn: Warn): JsonObject[] =>
  objectsOf(tools).flatMap(({ type, function: tool }) => {
    if (type === 'function' && isObject(tool)) return [tool];
    warn({ kind: 'dropped', field: 'tools', reason: `The API has functions only, no tool of type ${String(type)}.` });
    return [];
  });

/** Python's names of types, which this format has. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'str',
  number: 'float',
  boolean: 'bool',
  integer: 'int',
  array: 'list',
  object: 'dict',
};

/** A function as a list of parameters: what a schema says beyond their type is told in their description. */
function toolFor({ name, description, parameters }: JsonObject, warn: Warn): JsonObject {
  const schema = isObject(parameters) ? plainSchema(parameters, 'tools', warn) : {};
  const required = new Set<unknown>(Array.isArray(schema['required']) ? schema['required'] : []);
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const parameterDefinitions = Object.fromEntries(
    Object.entries(properties).map(([field, property]) => {
      const { type, description: words, ...more } = isObject(property) ? property : {};
      const told = Object.keys(more).length === 0 ? [] : [JSON.stringify(more)];
      const text = [textOf(words), ...told].filter((part) => part !== undefined).join(' ');
      const known = typeof type === 'string' ? (TYPES[type] ?? type) : 'str';
      return [field, { ...present('description', textOf(text)), type: known, isRequired: required.has(field) }];
    }),
  );
  return { name, description: textOf(description) ?? String(name), parameterDefinitions };
}

const objectFrom = (text: unknown): JsonObject => {
  const value = typeof text === 'string' ? parseJson(text) : undefined;
  return isObject(value) ? value : {};
};

/** Calls of an assistant's message, and the same by id, for the results that follow. */
function callsOf({ tool_calls: calls }: JsonObject, byId: Map<unknown, JsonObject>): JsonObject[] {
  return objectsOf(calls).map(({ id, function: called }) => {
    const { name, arguments: text } = isObject(called) ? called : {};
    const call = { name, parameters: objectFrom(text) };
    byId.set(id, call);
    return call;
  });
}

/** What tools answered, for the calls they answer; results in a row stand together. */
function historyOf(messages: readonly JsonObject[], warn: Warn): JsonObject[] {
  const byId = new Map<unknown, JsonObject>();
  const history: JsonObject[] = [];
  const drop = (type: string): void =>
    warn({ kind: 'dropped', field: 'messages', reason: `The API takes text only, no part of type ${type}.` });
  for (const message of messages) {
    const text = textOfContent(message['content'], drop);
    if (message['role'] === 'user') history.push({ role: 'USER', message: text });
    else if (message['role'] === 'assistant') {
      const calls = callsOf(message, byId);
      history.push({ role: 'CHATBOT', message: text, ...(calls.length > 0 && { toolCalls: calls }) });
    } else if (message['role'] === 'tool') {
      const result = { call: byId.get(message['tool_call_id']) ?? { name: '', parameters: {} }, outputs: [{ output: text }] };
      const last = history.at(-1);
      if (last?.['role'] === 'TOOL') (last['toolResults'] as JsonObject[]).push(result);
      else history.push({ role: 'TOOL', toolResults: [result] });
    }
  }
  return history;
}

/** The last question is the message; results of tools, where they come last, stand beside an empty one. */
function request(body: JsonObject, warn: Warn): JsonObject {
  const { said, rest } = settingsOf(body, warn);
  const { tools, tool_choice: choice, ...unknown } = rest;
  warnRest(unknown, warn);
  const messages = messagesOf(body);
  const isPrompt = ({ role }: JsonObject): boolean => role === 'system' || role === 'developer';
  const preamble = messages.filter(isPrompt).map(({ content }) => textOfContent(content));
  const history = historyOf(
    messages.filter((message) => !isPrompt(message)),
    warn,
  );
  const last = history.at(-1);
  const asked = last?.['role'] === 'USER' || last?.['role'] === 'TOOL' ? history.pop() : undefined;
  const functions = choice === 'none' ? [] : functionsOf(tools, warn);
  if (choice === 'required' || isObject(choice)) {
    warn({ kind: 'dropped', field: 'tool_choice', reason: 'The API leaves it to the model whether to call tools.' });
  }
  return wrapped(body['model'], {
    apiFormat: 'COHERE',
    message: asked?.['message'] ?? '',
    ...(asked?.['toolResults'] !== undefined && { toolResults: asked['toolResults'] }),
    ...(history.length > 0 && { chatHistory: history }),
    ...(preamble.length > 0 && { preambleOverride: preamble.join('\n\n') }),
    ...said,
    ...(functions.length > 0 && { tools: functions.map((tool) => toolFor(tool, warn)) }),
  });
}

/** The API gives calls no ids: they get one from what they say, the same however often it is said. */
function namedCalls(calls: unknown): JsonObject[] {
  return objectsOf(calls).map(({ name, parameters }, position) => {
    const text = JSON.stringify(isObject(parameters) ? parameters : {});
    const digest = createHash('sha256')
      .update(`${position} ${String(name)} ${text}`)
      .digest('hex');
    return callOf(`call_${digest.slice(0, 24)}`, name, text);
  });
}

/** Words for an end, in OpenAI's. */
const FINISHES: Readonly<Record<string, string>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  ERROR_LIMIT: 'length',
  TOOL_CALL: 'tool_calls',
  ERROR_TOXIC: 'content_filter',
  ERROR: 'error',
  USER_CANCEL: 'error',
};

/** OpenAI's word for an end. */
export const finishFor = (word: unknown): string | undefined => {
  const text = textOf(word);
  return text === undefined ? undefined : (FINISHES[text] ?? text);
};

function answer({ chatResponse, modelId }: JsonObject): JsonObject | undefined {
  if (!isObject(chatResponse) || typeof chatResponse['text'] !== 'string') return undefined;
  const { text, toolCalls, finishReason, usage, errorMessage } = chatResponse;
  if (textOf(errorMessage) !== undefined) return { error: { message: errorMessage } };
  const calls = namedCalls(toolCalls);
  const message = { role: 'assistant', ...(text !== '' && { content: text }), ...(calls.length > 0 && { tool_calls: calls }) };
  return {
    ...present('model', textOf(modelId)),
    choices: [{ index: 0, message, finish_reason: finishFor(finishReason) ?? 'stop' }],
    ...usageFrom(usage),
  };
}

/** The last event repeats the whole answer: what was told is not told again. */
function chunks(): ChunkReader {
  let spoke = false;
  let called = false;
  return ({ text, toolCalls, finishReason, usage, errorMessage }) => {
    if (textOf(errorMessage) !== undefined) return [{ error: { message: errorMessage } }];
    const finish = finishFor(finishReason);
    const content = finish !== undefined && spoke ? undefined : textOf(text);
    const calls = finish !== undefined && called ? [] : namedCalls(toolCalls);
    spoke ||= content !== undefined;
    called ||= calls.length > 0;
    const delta = {
      ...present('content', content),
      ...(calls.length > 0 && { tool_calls: calls.map((call, index) => ({ index, ...call })) }),
    };
    return [{ choices: [{ index: 0, delta, finish_reason: finish ?? null }], ...usageFrom(usage) }];
  };
}

/** Cohere's models but for those with vision or reasoning. */
export const ociCohere: Kin = { request, answer, chunks };
