/** Whole answers: a provider's to events, a folded answer to a client's. */
import { GatewayError } from '../../errors.ts';
import type { Choice, GenerateEvent, GenerateResponse, Part, ReasoningPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding, ReplyContext } from '../dialect.ts';
import { present } from '../values.ts';
import { callPart, candidateEnd, loseOnce, otherPart, type Lose } from './answer.ts';
import { reportedError } from './error.ts';
import { reasoningSignature } from './proof.ts';
import { EventDecoder } from './stream.ts';
import { encodeUsage } from './usage.ts';
import { ID } from './wire.ts';

/**
 * The events a stream of the same answer would have had. A list is a stream that was sent as one JSON array.
 *
 * @throws GatewayError the reported error for an error body, `upstream` for anything that is no answer.
 */
export function decodeResponse(body: unknown, decoding: Decoding): readonly GenerateEvent[] {
  const chunks = (Array.isArray(body) ? body : [body]).filter(isObject);
  const [first] = chunks;
  if (isObject(first?.error)) throw reportedError(first);
  if (!chunks.some(({ candidates, promptFeedback }) => Array.isArray(candidates) || isObject(promptFeedback))) {
    throw new GatewayError('upstream', 'The provider answered with something that holds no candidates.');
  }
  const decoder = new EventDecoder(decoding);
  return [...chunks.flatMap((chunk) => decoder.take(chunk)), ...decoder.end(!Array.isArray(body))];
}

/** An answer for a client that did not ask for a stream. */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  if (response.choices.length === 0) throw new GatewayError('upstream', 'The provider gave no answer.');
  const lose = loseOnce(context);
  const { usage } = response;
  return {
    ...response.extensions?.[ID],
    candidates: response.choices
      .toSorted((left, right) => left.index - right.index)
      .map((choice) => encodeCandidate(choice, lose)),
    ...(usage !== undefined && { usageMetadata: encodeUsage(usage, context.costOf?.(usage)) }),
    modelVersion: response.model ?? context.model,
    responseId: response.id ?? context.id,
  };
}

function encodeCandidate(choice: Choice, lose: Lose): JsonObject {
  const parts: JsonObject[] = [];
  for (const part of choice.parts) addPart(parts, part, lose);
  const texts = choice.parts.flatMap((part) =>
    part.type === 'text' ? [{ text: part.text, citations: [...(part.citations ?? [])] }] : [],
  );
  return {
    content: { parts: parts.length > 0 ? parts : [{ text: '' }], role: 'model' },
    index: choice.index,
    ...candidateEnd({
      reason: choice.finish,
      texts,
      ...present('raw', choice.raw),
      ...present('logprobs', choice.logprobs),
      ...present('extensions', choice.extensions),
    }),
  };
}

function addPart(parts: JsonObject[], part: Part, lose: Lose): void {
  switch (part.type) {
    case 'text':
    case 'refusal':
      if (part.text !== '') parts.push({ text: part.text });
      return;
    case 'reasoning':
      addReasoning(parts, part);
      return;
    case 'tool-call':
      parts.push(callPart(part, lose));
      return;
    case 'opaque':
    case 'image':
    case 'audio': {
      const other = otherPart(part, lose);
      if (other !== undefined) parts.push(other);
      return;
    }
    case 'document':
    case 'tool-result':
    // No model writes these.
  }
}

/** A proof of Google's without words belongs to the text before it. */
function addReasoning(parts: JsonObject[], { text, ...proof }: ReasoningPart): void {
  const signed = reasoningSignature(proof);
  if (text !== '') {
    parts.push({ text, thought: true, ...signed });
    return;
  }
  if (signed.thoughtSignature === undefined) return;
  const last = parts.at(-1);
  const said = typeof last?.text === 'string' && last.thought !== true && last.thoughtSignature === undefined;
  if (proof.origin !== ID) parts.push({ text, thought: true, ...signed });
  else if (said && last !== undefined) last.thoughtSignature = signed.thoughtSignature;
  else parts.push({ text, ...signed });
}
