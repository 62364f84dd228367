/** Whole answers, both ways. */
import { GatewayError } from '../../errors.ts';
import type { Choice, GenerateEvent, GenerateResponse, Part, ReasoningPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding, ReplyContext } from '../dialect.ts';
import { argumentsOf } from '../openai-chat/calls.ts';
import { onlyChoice } from '../telling.ts';
import { objectsOf, textOf } from '../values.ts';
import { AnswerDecoder } from './answer.ts';
import { encodeCitation } from './citations.ts';
import { errorInside, errorOfEnding } from './error.ts';
import { DIALECT, encodeLogprobs, encodeUsage, finishWord } from './wire.ts';

/**
 * The events a stream of the same answer would have had.
 *
 * @throws GatewayError `upstream` for what is no answer, or the error that came with status 200.
 */
export function decodeResponse(body: unknown, decoding: Decoding): readonly GenerateEvent[] {
  if (!isObject(body)) throw new GatewayError('upstream', 'The provider answered with JSON that is not an object.');
  if (!isObject(body.message)) throw errorInside(body);
  const error = errorOfEnding(body);
  if (error !== undefined) throw error;
  const { message, finish_reason, usage, logprobs, ...head } = body;
  const { content, tool_plan, tool_calls, citations } = message;
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : objectsOf(content);
  const decoder = new AnswerDecoder(decoding);
  const told: JsonObject[] = [
    { ...head, type: 'message-start' },
    ...(textOf(tool_plan) === undefined ? [] : [{ type: 'tool-plan-delta', delta: { message: { tool_plan } } }]),
    ...parts.map((part, index) => ({ type: 'content-start', index, delta: { message: { content: part } } })),
    { type: 'citation-start', delta: { message: { citations: objectsOf(citations) } } },
    ...objectsOf(tool_calls).flatMap((call, index) => [
      { type: 'tool-call-start', index, delta: { message: { tool_calls: call } } },
      { type: 'tool-call-end', index },
    ]),
    { type: 'message-end', logprobs, delta: { finish_reason, usage } },
  ];
  return told.flatMap((event) => decoder.take(event));
}

/**
 * Writes an answer for a client. All reasoning is `thinking` content, also the plan of a tool turn: a stream cannot know, when reasoning
 * begins, whether calls will follow, and both ways say the same.
 */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  const choice = onlyChoice(response, context);
  const { usage } = response;
  return {
    ...response.extensions?.[DIALECT],
    id: response.id ?? context.id,
    finish_reason: finishWord(choice.finish, {
      calls: choice.parts.some(({ type }) => type === 'tool-call'),
      stopSequence: choice.stopSequence !== undefined,
    }),
    message: encodeMessage(choice, context),
    ...(usage !== undefined && { usage: encodeUsage(usage, context.costOf?.(usage)) }),
    ...(choice.logprobs !== undefined && { logprobs: encodeLogprobs(choice.logprobs) }),
  };
}

function encodeMessage({ parts, extensions }: Choice, context: ReplyContext): JsonObject {
  const content: JsonObject[] = [];
  const calls: JsonObject[] = [];
  const citations: JsonObject[] = [];
  for (const part of parts) {
    switch (part.type) {
      case 'text':
        citations.push(...(part.citations ?? []).map((citation) => encodeCitation(citation, part.text, content.length)));
        content.push({ type: 'text', text: part.text });
        break;
      case 'refusal':
        content.push({ type: 'text', text: part.text });
        break;
      case 'reasoning':
        if (hasProof(part)) context.warn(NO_PROOF);
        if (part.text !== '') content.push({ type: 'thinking', thinking: part.text });
        break;
      case 'tool-call': {
        const id = part.id === '' ? `call_${context.id}_${calls.length}` : part.id;
        calls.push({ id, type: 'function', function: { name: part.name, arguments: argumentsOf(part.arguments) } });
        break;
      }
      case 'image':
      case 'audio':
      case 'opaque':
      case 'document':
      case 'tool-result':
        context.warn(unsayable(part));
    }
  }
  citations.push(...objectsOf(extensions?.[DIALECT]?.citations));
  return {
    role: 'assistant',
    ...(content.length > 0 && { content }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(citations.length > 0 && { citations }),
  };
}

/** Reasoning in this dialect is text alone. */
export const NO_PROOF = {
  kind: 'dropped',
  field: 'thinking',
  reason: 'The API has no place for proofs of reasoning.',
} as const;

/** Whether something of reasoning would be lost. */
export const hasProof = ({ signature, data, details }: Pick<ReasoningPart, 'signature' | 'data' | 'details'>): boolean =>
  signature !== undefined || data !== undefined || details !== undefined;

/** The warning for a part of an answer that only other dialects have. */
export const unsayable = (part: Part): { kind: 'dropped'; field: string; reason: string } => ({
  kind: 'dropped',
  field: 'content',
  reason: `The API cannot say ${part.type === 'opaque' ? `a ${String(part.value.type)} block of ${part.origin}` : `a part of type ${part.type}`}.`,
});
