/**
 * Oracle's Generative AI, format `GENERIC`: `POST /20231130/actions/chat` for models of Meta, xAI, Google, OpenAI. Sources: the type
 * declarations of `oci-generativeaiinference` (2.142), LiteLLM's adapter for streams and schemas; checked 2026-11-28.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { dataUrl, numberOf, objectsOf, present, textOf } from '../values.ts';
import { plainSchema } from './plain-schema.ts';
import { callOf, messagesOf, renamed, stopsOf, usageFrom, warnRest, type ChunkReader, type Kin } from './wire.ts';

/** Where a call goes: a model on demand, or an endpoint of a dedicated cluster, by its OCID. */
export const servingMode = (model: unknown): JsonObject =>
  typeof model === 'string' && model.startsWith('ocid1.generativeaiendpoint')
    ? { servingType: 'DEDICATED', endpointId: model }
    : { servingType: 'ON_DEMAND', modelId: model };

/** The words of a call that every format has. */
export const wrapped = (model: unknown, chatRequest: JsonObject): JsonObject => ({
  servingMode: servingMode(model),
  chatRequest,
});

/** Streaming, in every format. */
export const streaming = (stream: unknown): JsonObject =>
  stream === true ? { isStream: true, streamOptions: { isIncludeUsage: true } } : {};

const upper = (value: unknown): string | undefined => textOf(value)?.toUpperCase();

/** Words for how much to think; the API ends at HIGH. */
function effortOf(word: unknown, warn: Warn): { readonly reasoningEffort?: string } {
  if (word !== 'xhigh' && word !== 'max') return present('reasoningEffort', upper(word));
  warn({ kind: 'changed', field: 'reasoning_effort', reason: 'The API knows no more than HIGH.' });
  return { reasoningEffort: 'HIGH' };
}

/** Settings by their names here. */
const SETTINGS = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  seed: 'seed',
  n: 'numGenerations',
  frequency_penalty: 'frequencyPenalty',
  presence_penalty: 'presencePenalty',
  logit_bias: 'logitBias',
  metadata: 'metadata',
  parallel_tool_calls: 'isParallelToolCalls',
} as const;

function request(body: JsonObject, warn: Warn): JsonObject {
  const { said, rest } = renamed(body, SETTINGS);
  const { model, messages: _messages, tools, tool_choice: choice, response_format: format, ...settings } = rest;
  const { stream, stream_options: _options, max_completion_tokens: cap, stop, ...words } = settings;
  const { reasoning_effort: effort, verbosity, service_tier: tier, logprobs, top_logprobs: top, ...unknown } = words;
  warnRest(unknown, warn);
  const newerCap = typeof model === 'string' && model.startsWith('openai.');
  return wrapped(model, {
    apiFormat: 'GENERIC',
    messages: messagesOf(body).map((message) => messageFor(message, warn)),
    ...said,
    ...present('stop', stopsOf(stop)),
    ...(logprobs === true && { logProbs: numberOf(top) ?? 0 }),
    ...present(newerCap ? 'maxCompletionTokens' : 'maxTokens', cap),
    ...effortOf(effort, warn),
    ...present('verbosity', upper(verbosity)),
    ...present('serviceTier', upper(tier)),
    ...(Array.isArray(tools) && { tools: tools.filter(isObject).flatMap((tool) => toolFor(tool, warn)) }),
    ...choiceFor(choice),
    ...formatFor(format),
    ...streaming(stream),
  });
}

function messageFor(message: JsonObject, warn: Warn): JsonObject {
  const { role, content, tool_calls, tool_call_id, name, reasoning_content, refusal } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content);
  const calls = objectsOf(tool_calls).map(({ id, function: called }) => {
    const { name: tool, arguments: text } = isObject(called) ? called : {};
    return { id, type: 'FUNCTION', name: tool, arguments: text };
  });
  const written = parts.flatMap((part) => partFor(part, warn));
  return {
    role: upper(role),
    ...(written.length > 0 && { content: written }),
    ...present('name', textOf(name)),
    ...present('refusal', textOf(refusal)),
    ...present('reasoningContent', textOf(reasoning_content)),
    ...(calls.length > 0 && { toolCalls: calls }),
    ...present('toolCallId', textOf(tool_call_id)),
  };
}

/** A part of a message; every format spells pictures a little differently. */
function partFor(part: JsonObject, warn: Warn): readonly JsonObject[] {
  const { type, text, image_url: image, input_audio: audio, file } = part;
  if (type === 'text' || type === 'refusal') return [{ type: 'TEXT', text: text ?? part['refusal'] }];
  if (type === 'image_url' && isObject(image)) {
    return [{ type: 'IMAGE', imageUrl: { url: image['url'], ...present('detail', upper(image['detail'])) } }];
  }
  if (type === 'input_audio' && isObject(audio)) {
    return [{ type: 'AUDIO', audioUrl: { url: dataUrl(`audio/${String(audio['format'])}`, String(audio['data'])) } }];
  }
  if (type === 'file' && isObject(file) && typeof file['file_data'] === 'string') {
    return [{ type: 'DOCUMENT', documentUrl: { url: file['file_data'] } }];
  }
  warn({ kind: 'dropped', field: 'messages', reason: `The API has no part of type ${String(type)}.` });
  return [];
}

function toolFor({ type, function: tool }: JsonObject, warn: Warn): readonly JsonObject[] {
  if (type !== 'function' || !isObject(tool)) {
    warn({ kind: 'dropped', field: 'tools', reason: `The API has functions only, no tool of type ${String(type)}.` });
    return [];
  }
  const { name, description, parameters } = tool;
  return [
    {
      type: 'FUNCTION',
      name,
      ...present('description', textOf(description)),
      parameters: isObject(parameters) ? plainSchema(parameters, 'tools', warn) : { type: 'object', properties: {} },
    },
  ];
}

function choiceFor(choice: unknown): { readonly toolChoice?: JsonObject } {
  if (typeof choice === 'string') return { toolChoice: { type: choice.toUpperCase() } };
  const named = isObject(choice) && isObject(choice['function']) ? choice['function']['name'] : undefined;
  return named === undefined ? {} : { toolChoice: { type: 'FUNCTION', name: named } };
}

function formatFor(format: unknown): { readonly responseFormat?: JsonObject } {
  if (!isObject(format)) return {};
  const { type, json_schema: schema } = format;
  if (type !== 'json_schema' || !isObject(schema)) return { responseFormat: { type: upper(type) } };
  const { strict, ...said } = schema;
  return { responseFormat: { type: 'JSON_SCHEMA', jsonSchema: { ...said, ...present('isStrict', strict ?? undefined) } } };
}

/** A message of an answer in OpenAI's words, without its calls. */
function saidIn(message: JsonObject): JsonObject {
  const text = objectsOf(message['content'])
    .map((part) => part['text'])
    .filter((piece) => typeof piece === 'string')
    .join('');
  return {
    role: 'assistant',
    ...(text !== '' && { content: text }),
    ...present('reasoning_content', textOf(message['reasoningContent'])),
    ...present('refusal', textOf(message['refusal'])),
  };
}

const argumentsOf = (call: JsonObject): string => (typeof call['arguments'] === 'string' ? call['arguments'] : '');

function answer({ chatResponse, modelId, modelVersion: _version }: JsonObject): JsonObject | undefined {
  if (!isObject(chatResponse) || !Array.isArray(chatResponse['choices'])) return undefined;
  const { choices, timeCreated, usage, serviceTier } = chatResponse;
  const created = Date.parse(textOf(timeCreated) ?? '');
  return {
    ...present('model', textOf(modelId)),
    ...(!Number.isNaN(created) && { created: Math.floor(created / 1000) }),
    choices: objectsOf(choices).map(({ index, message, finishReason }) => {
      const said = isObject(message) ? message : {};
      const calls = objectsOf(said['toolCalls']).map((call) =>
        callOf(textOf(call['id']) ?? '', call['name'], argumentsOf(call)),
      );
      return {
        index,
        message: { ...saidIn(said), ...(calls.length > 0 && { tool_calls: calls }) },
        finish_reason: finishFor(finishReason),
      };
    }),
    ...usageFrom(usage ?? objectsOf(choices)[0]?.['usage']),
    ...present('service_tier', textOf(serviceTier)?.toLowerCase()),
  };
}

const finishFor = (word: unknown): string | undefined => textOf(word)?.toLowerCase();

/** Pieces of a call come one after another: one with an id begins the next call. */
function chunks(): ChunkReader {
  const begun = new Map<number, string[]>();
  return (value) => {
    const { message, finishReason, usage } = value;
    const choice = numberOf(value['index']) ?? 0;
    const said = isObject(message) ? message : {};
    const known = begun.get(choice) ?? [];
    begun.set(choice, known);
    const calls = objectsOf(said['toolCalls']).map((call, position) => {
      const id = textOf(call['id']);
      const fresh = id === undefined ? known.length <= position : !known.includes(id);
      if (fresh) known.push(id ?? '');
      const index = id === undefined ? known.length - 1 : known.indexOf(id);
      return {
        index,
        ...(fresh ? callOf(id ?? '', call['name'], argumentsOf(call)) : { function: { arguments: argumentsOf(call) } }),
      };
    });
    const delta = { ...saidIn(said), ...(calls.length > 0 && { tool_calls: calls }) };
    const finish = finishFor(finishReason);
    const spoken = isObject(message) || finish !== undefined;
    return [{ choices: spoken ? [{ index: choice, delta, finish_reason: finish ?? null }] : [], ...usageFrom(usage) }];
  };
}

/** The format of most models. */
export const ociGeneric: Kin = { request, answer, chunks };
