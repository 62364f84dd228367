/** What whole answers and streams tell a client in the same way: parts, ends and what stands beside them. */
import type {
  Extensions,
  FinishReason,
  ImagePart,
  AudioPart,
  Logprobs,
  OpaquePart,
  ToolCallPart,
  Warning,
} from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { ReplyContext } from '../dialect.ts';
import { present } from '../values.ts';
import { encodeGrounding, type CitedText } from './grounding.ts';
import { encodeLogprobs } from './logprobs.ts';
import { encodeMedia } from './media.ts';
import { callSignature } from './proof.ts';
import { finishWord, ID } from './wire.ts';

/** Tells the client of a loss, once each. */
export type Lose = (field: string, reason: string, kind?: Warning['kind']) => void;

/** Warnings of one answer: each kind of loss once. */
export function loseOnce(context: ReplyContext): Lose {
  const told = new Set<string>();
  return (field, reason, kind = 'dropped') => {
    if (told.has(field)) return;
    told.add(field);
    context.warn({ kind, field, reason });
  };
}

/** A call as a part. */
export function callPart(call: Omit<ToolCallPart, 'type'>, lose: Lose): JsonObject {
  const { id, name, arguments: json, extensions } = call;
  const parsed = json.trim() === '' ? {} : parseJson(json);
  const args = call.custom !== true && isObject(parsed) ? parsed : undefined;
  if (args === undefined) {
    lose('functionCall', 'The arguments of a call are no JSON object; they are the text of `input`.', 'changed');
  }
  return {
    functionCall: { ...(id !== '' && { id }), name, args: args ?? { input: json } },
    ...callSignature(call),
    ...extensions?.[ID],
  };
}

/** An image, a sound or a block of this dialect; undefined for what a Gemini client cannot read. */
export function otherPart(part: ImagePart | AudioPart | OpaquePart, lose: Lose): JsonObject | undefined {
  if (part.type === 'opaque') {
    if (part.origin === ID) return part.value;
    lose('content', `Only ${part.origin} clients understand a part of the answer.`);
    return undefined;
  }
  const media = encodeMedia(part);
  if (media === undefined) lose('inlineData', 'A file of the answer is kept by its provider.');
  return media;
}

/** How one candidate ended. */
export interface CandidateEnd {
  readonly reason: FinishReason;
  readonly raw?: string;
  readonly logprobs?: Logprobs;
  readonly texts: readonly CitedText[];
  readonly extensions?: Extensions;
}

/** The fields of a candidate beside its content and index. */
export function candidateEnd({ reason, raw, logprobs, texts, extensions }: CandidateEnd): JsonObject {
  return {
    finishReason: finishWord(reason, raw),
    ...present('groundingMetadata', encodeGrounding(texts)),
    ...present('logprobsResult', encodeLogprobs(logprobs)),
    ...extensions?.[ID],
  };
}
