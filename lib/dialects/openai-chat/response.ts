/** Whole answers, both ways. */
import type {
  AudioPart,
  Choice,
  GenerateEvent,
  GenerateResponse,
  ImagePart,
  Part,
  ToolCallPart,
} from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding, ReplyContext } from '../dialect.ts';
import { AnswerDecoder } from './answer.ts';
import { argumentsOf, encodeCall } from './calls.ts';
import { decodeBody } from './chunks.ts';
import { cite, citedFields, sourceFields, uncited, type Cited } from './citations.ts';
import { encodeReasoning } from './reasoning.ts';
import { encodeUsage } from './usage.ts';
import { dataUrl } from '../values.ts';
import { DIALECT, finishWord } from './wire.ts';

/** Reads a provider's answer. Throws `upstream` for what is none, or the error that came with status 200. */
export const decodeResponse = (body: unknown, decoding: Decoding): readonly GenerateEvent[] =>
  decodeBody(body, new AnswerDecoder(decoding));

/** Writes an answer for a client. */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  const cited = uncited();
  const choices = response.choices.map((choice) => encodeChoice(choice, cited, context));
  const { usage } = response;
  return {
    id: response.id ?? context.id,
    object: 'chat.completion',
    created: response.created ?? context.created,
    model: response.model ?? context.model,
    choices,
    ...(usage !== undefined && { usage: encodeUsage(usage, context.costOf) }),
    ...(usage?.serviceTier !== undefined && { service_tier: usage.serviceTier }),
    ...sourceFields(cited),
    ...response.extensions?.[DIALECT],
  };
}

/** `found` gathers the sources that stand beside the choices. */
function encodeChoice(choice: Choice, found: Cited, context: ReplyContext): JsonObject {
  const { message: messageFields, ...choiceFields } = choice.extensions?.[DIALECT] ?? {};
  const calls = choice.parts.filter((part) => part.type === 'tool-call');
  const legacy = isLegacy(context) && calls.length > 0;
  const refusal = joined(choice.parts, 'refusal');
  const text = joined(choice.parts, 'text');
  const audio = choice.parts.find((part) => part.type === 'audio');
  const images = choice.parts.filter((part) => part.type === 'image');
  const cited = citedParts(choice.parts);
  found.sources.push(...cited.sources);
  for (const [index, part] of choice.parts.entries()) {
    if (part.type !== 'opaque') continue;
    const field = `choices[${choice.index}].content[${index}]`;
    context.warn({ kind: 'dropped', field, reason: `Chat completions have no ${String(part.value['type'])} block.` });
  }
  const silent = calls.length > 0 || refusal !== undefined || audio !== undefined;
  const word = finishWord(choice.finish, { calls: calls.length > 0, refusal: refusal !== undefined });
  return {
    index: choice.index,
    message: {
      role: 'assistant',
      content: text ?? (silent ? null : ''),
      refusal: refusal ?? null,
      ...encodeReasoning(choice.parts.filter((part) => part.type === 'reasoning')),
      ...citedFields(cited),
      ...(images.length > 0 && { images: images.map(encodeImage) }),
      ...(audio !== undefined && { audio: encodeAudio(audio) }),
      ...(legacy && { function_call: legacyCall(calls, choice.index, context) }),
      ...(calls.length > 0 && !legacy && { tool_calls: calls.map(encodeCall) }),
      ...(isObject(messageFields) && messageFields),
    },
    logprobs: choice.logprobs ?? null,
    finish_reason: legacy && word === 'tool_calls' ? 'function_call' : word,
    ...(choice.stopSequence !== undefined && { stop_reason: choice.stopSequence }),
    ...choiceFields,
  };
}

/** Text of all parts of a kind; undefined when there is none. */
function joined(parts: readonly Part[], type: 'text' | 'refusal'): string | undefined {
  let text: string | undefined;
  for (const part of parts) if (part.type === type) text = (text ?? '') + part.text;
  return text;
}

function citedParts(parts: readonly Part[]): Cited {
  const cited = uncited();
  let from = 0;
  for (const part of parts) {
    if (part.type !== 'text') continue;
    const to = from + part.text.length;
    for (const citation of part.citations ?? []) cite(cited, citation, { from, to });
    from = to;
  }
  return cited;
}

/** True for a client that offered the deprecated `functions`: it looks for `function_call`. */
export const isLegacy = (context: ReplyContext): boolean => Array.isArray(context.extensions?.['functions']);

function legacyCall(calls: readonly ToolCallPart[], choice: number, context: ReplyContext): JsonObject {
  const [first, ...others] = calls;
  for (const { name } of others) {
    context.warn({
      kind: 'dropped',
      field: `choices[${choice}].message.function_call`,
      reason: `The deprecated functions take one call an answer: the call of ${name} has no place.`,
    });
  }
  return { name: first?.name, arguments: argumentsOf(first?.arguments ?? '') };
}

/** A picture the model made, as OpenRouter has it. */
export function encodeImage({ source }: ImagePart): JsonObject {
  const url = source.type === 'base64' ? dataUrl(source.mediaType, source.data) : source.type === 'url' ? source.url : '';
  return { type: 'image_url', image_url: { url } };
}

/** A spoken answer. */
export const encodeAudio = (part: AudioPart): JsonObject => ({
  ...(part.id !== undefined && { id: part.id }),
  data: part.source.type === 'base64' ? part.source.data : '',
  ...(part.expiresAt !== undefined && { expires_at: part.expiresAt }),
  transcript: part.transcript ?? '',
});
