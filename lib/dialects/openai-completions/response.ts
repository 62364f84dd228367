/** Whole answers, both ways. */
import type { Choice, GenerateEvent, GenerateResponse, Part } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ReplyContext } from '../dialect.ts';
import { decodeBody } from '../openai-chat/chunks.ts';
import { encodeUsage } from '../openai-chat/usage.ts';
import { AnswerDecoder } from './answer.ts';
import { encodeLogprobs } from './logprobs.ts';
import { DIALECT, finishWord, lossOf } from './wire.ts';

/** Reads a provider's answer. Throws `upstream` for what is none, or the error that came with status 200. */
export const decodeResponse = (body: unknown): readonly GenerateEvent[] => decodeBody(body, new AnswerDecoder());

/** Writes an answer for a client. Words with which the model declines are sent as its text; all else that is no text is lost. */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  const { usage } = response;
  return {
    id: response.id ?? context.id,
    object: 'text_completion',
    created: response.created ?? context.created,
    model: response.model ?? context.model,
    choices: response.choices.map((choice) => encodeChoice(choice, context)),
    ...(usage !== undefined && { usage: encodeUsage(usage, context.costOf) }),
    ...response.extensions?.[DIALECT],
  };
}

function encodeChoice({ index, parts, finish, logprobs, stopSequence }: Choice, context: ReplyContext): JsonObject {
  for (const type of new Set(parts.map((part) => part.type))) {
    const loss = lossOf(type, index);
    if (loss !== undefined) context.warn(loss);
  }
  const text = parts.map(wordsOf).join('');
  return {
    text,
    index,
    logprobs: encodeLogprobs(logprobs),
    finish_reason: finishWord(finish, text !== ''),
    ...(stopSequence !== undefined && { stop_reason: stopSequence }),
  };
}

const wordsOf = (part: Part): string => (part.type === 'text' || part.type === 'refusal' ? part.text : '');
