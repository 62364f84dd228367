/**
 * Oracle's Generative AI, format `COHEREV2`: Cohere's messages, for its models with vision or reasoning. Sources: the type declarations of
 * `oci-generativeaiinference` (2.142) and LiteLLM's adapter, checked 2026-11-28; that streams are pieces of the message is recalled.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { objectsOf, present, textOf } from '../values.ts';
import { finishFor, functionsOf, settingsOf } from './oci-cohere.ts';
import { wrapped } from './oci-generic.ts';
import { plainSchema } from './plain-schema.ts';
import { callOf, messagesOf, usageFrom, warnRest, type ChunkReader, type Kin } from './wire.ts';

function request(body: JsonObject, warn: Warn): JsonObject {
  const { said, rest } = settingsOf(body, warn);
  const { tools, tool_choice: choice, reasoning_effort: effort, ...unknown } = rest;
  warnRest(unknown, warn);
  const functions = functionsOf(tools, warn);
  if (isObject(choice))
    warn({ kind: 'changed', field: 'tool_choice', reason: 'The API cannot name one tool: sent as REQUIRED.' });
  const must = choice === 'required' || isObject(choice) ? 'REQUIRED' : choice === 'none' ? 'NONE' : undefined;
  return wrapped(body['model'], {
    apiFormat: 'COHEREV2',
    messages: messagesOf(body).map((message) => messageFor(message, warn)),
    ...said,
    ...(functions.length > 0 && { tools: functions.map((tool) => ({ type: 'FUNCTION', function: described(tool, warn) })) }),
    ...present('toolsChoice', must),
    ...(effort !== undefined && { thinking: { type: effort === 'none' ? 'DISABLED' : 'ENABLED' } }),
  });
}

const described = ({ name, description, parameters }: JsonObject, warn: Warn): JsonObject => ({
  name,
  ...present('description', textOf(description)),
  parameters: isObject(parameters) ? plainSchema(parameters, 'tools', warn) : { type: 'object', properties: {} },
});

function messageFor({ role, content, tool_calls, tool_call_id }: JsonObject, warn: Warn): JsonObject {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content);
  const written = parts.flatMap(({ type, text, image_url: image }): JsonObject[] => {
    if (type === 'text') return [{ type: 'TEXT', text }];
    if (type === 'image_url' && isObject(image)) {
      return [
        { type: 'IMAGE_URL', imageUrl: { url: image['url'], ...present('detail', textOf(image['detail'])?.toUpperCase()) } },
      ];
    }
    warn({ kind: 'dropped', field: 'messages', reason: `The API has no part of type ${String(type)}.` });
    return [];
  });
  const calls = objectsOf(tool_calls).map(({ id, function: called }) => ({ id, type: 'FUNCTION', function: called }));
  const speaker = role === 'developer' ? 'SYSTEM' : textOf(role)?.toUpperCase();
  return {
    role: speaker,
    content: written,
    ...(calls.length > 0 && { toolCalls: calls }),
    ...present('toolCallId', textOf(tool_call_id)),
  };
}

/** A message of this format in OpenAI's words. */
function saidIn({ content, toolCalls, toolPlan }: JsonObject): JsonObject {
  const parts = objectsOf(content);
  const text = parts.map((part) => textOf(part['text']) ?? '').join('');
  const thought = [textOf(toolPlan), ...parts.map((part) => textOf(part['thinking']))]
    .filter((piece) => piece !== undefined)
    .join('');
  const calls = objectsOf(toolCalls).map(({ id, function: called }, index) => {
    const { name, arguments: given } = isObject(called) ? called : {};
    return { index, ...callOf(textOf(id) ?? '', name, typeof given === 'string' ? given : JSON.stringify(given ?? {})) };
  });
  return {
    role: 'assistant',
    ...present('content', textOf(text)),
    ...present('reasoning_content', textOf(thought)),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function answer({ chatResponse, modelId }: JsonObject): JsonObject | undefined {
  if (!isObject(chatResponse) || !isObject(chatResponse['message'])) return undefined;
  const { message, finishReason, usage, errorMessage, id } = chatResponse;
  if (textOf(errorMessage) !== undefined) return { error: { message: errorMessage } };
  return {
    ...present('id', textOf(id)),
    ...present('model', textOf(modelId)),
    choices: [{ index: 0, message: saidIn(message), finish_reason: finishFor(finishReason) ?? 'stop' }],
    ...usageFrom(usage),
  };
}

/** Pieces of the message; a last one that repeats the whole is not told again. */
function chunks(): ChunkReader {
  let told = false;
  return ({ message, finishReason, usage, errorMessage }) => {
    if (textOf(errorMessage) !== undefined) return [{ error: { message: errorMessage } }];
    const finish = finishFor(finishReason);
    const delta = isObject(message) && !(finish !== undefined && told) ? saidIn(message) : {};
    told ||= Object.keys(delta).length > 1;
    return [{ choices: [{ index: 0, delta, finish_reason: finish ?? null }], ...usageFrom(usage) }];
  };
}

/** Cohere's models with vision or reasoning. */
export const ociCohereV2: Kin = { request, answer, chunks };
