/** Whole answers, both ways. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent, GenerateResponse, Part, ReasoningPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { ReplyContext } from '../dialect.ts';
import { onlyChoice } from '../telling.ts';
import { objectsOf } from '../values.ts';
import { AnswerDecoder } from './answer.ts';
import { argumentsObject, changedArguments } from './calls.ts';
import { errorInside } from './error.ts';
import { DIALECT, encodeUsage, finishWord, isUnsaidEnd } from './wire.ts';

/**
 * The events a stream of the same answer would have had.
 *
 * @throws GatewayError `upstream` for what is no answer, or the error that came with status 200.
 */
export function decodeResponse(body: unknown): readonly GenerateEvent[] {
  if (!isObject(body)) throw new GatewayError('upstream', 'The provider answered with JSON that is not an object.');
  if (body.error !== undefined || !isObject(body.message)) throw errorInside(body);
  return new AnswerDecoder().take({ ...body, done: true });
}

/** Writes an answer for a client. */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  const choice = onlyChoice(response, context);
  if (isUnsaidEnd(choice.finish)) context.warn(unsaidEnd(choice.finish));
  const calls: JsonObject[] = [];
  let content = '';
  let thinking = '';
  for (const part of choice.parts) {
    const loss = lossOf(part);
    if (loss !== undefined) context.warn(loss);
    if (part.type === 'text' || part.type === 'refusal') content += part.text;
    else if (part.type === 'reasoning') thinking += part.text;
    else if (part.type === 'tool-call') calls.push(encodeCall(part, calls.length, context));
  }
  const { usage } = response;
  return {
    model: response.model ?? context.model,
    created_at: timeOf(response.created ?? context.created),
    message: {
      role: 'assistant',
      content,
      ...(thinking !== '' && { thinking }),
      ...(calls.length > 0 && { tool_calls: calls }),
    },
    ...logprobsField(choice.logprobs),
    done: true,
    done_reason: finishWord(choice.finish),
    ...choice.extensions?.[DIALECT],
    ...(usage !== undefined && encodeUsage(usage, context.costOf?.(usage))),
  };
}

/** Seconds since the epoch as the API writes times. */
export const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Log probabilities are OpenAI's items. */
export const logprobsField = (logprobs: JsonObject | undefined): JsonObject =>
  logprobs === undefined ? {} : { logprobs: objectsOf(logprobs.content) };

/** The warning for an end that has no word. */
export const unsaidEnd = (reason: string): { kind: 'changed'; field: string; reason: string } => ({
  kind: 'changed',
  field: 'done_reason',
  reason: `The API has no word for the end ${reason}: it says stop.`,
});

/** Reasoning without its text, as the end of its events tells it, or any other part of an answer. */
type Lossy = Omit<ReasoningPart, 'text'> | Exclude<Part, ReasoningPart>;

/** What of a part the API cannot say. */
export function lossOf(part: Lossy): { kind: 'dropped'; field: string; reason: string } | undefined {
  switch (part.type) {
    case 'reasoning':
      if ((part.signature ?? part.data ?? part.details) === undefined) return undefined;
      return { kind: 'dropped', field: 'thinking', reason: 'The API has no place for proofs of reasoning.' };
    case 'text':
      if (part.citations === undefined) return undefined;
      return { kind: 'dropped', field: 'citations', reason: 'The API has no citations.' };
    case 'opaque': {
      const reason = `Only ${part.origin} clients understand a ${String(part.value.type)} block.`;
      return { kind: 'dropped', field: 'content', reason };
    }
    case 'image':
    case 'audio':
    case 'document':
    case 'tool-result':
      return { kind: 'dropped', field: 'content', reason: `The API cannot say a part of type ${part.type}.` };
    case 'refusal':
    case 'tool-call':
      return undefined;
  }
}

/** A call for a client, whole: the API has no pieces of arguments. */
export function encodeCall(
  call: { readonly id: string; readonly name: string; readonly arguments: string; readonly custom?: boolean },
  index: number,
  context: ReplyContext,
): JsonObject {
  const { value, changed } = argumentsObject(call);
  if (changed) context.warn(changedArguments('tool_calls'));
  const id = call.id === '' ? `call_${context.id}_${index}` : call.id;
  return { id, function: { index, name: call.name, arguments: value } };
}
