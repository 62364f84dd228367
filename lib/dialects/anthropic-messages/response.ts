/** Whole answers: a provider's to events, a folded answer to a client's message. */
import { GatewayError } from '../../errors.ts';
import type { Citation, GenerateEvent, GenerateResponse, Part, ReasoningPart, ToolCallPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding, ReplyContext } from '../dialect.ts';
import { callIds, endingOf, onlyChoice, type WarnOnce, warnOnce } from '../telling.ts';
import { encodeCitation } from './citation.ts';
import { reportedError } from './error.ts';
import { callProofBlock, proofField } from './proof.ts';
import { EventDecoder } from './stream.ts';
import { inputOf } from './turns.ts';
import { encodeUsage } from './usage.ts';
import { ID, stopReasonOf } from './wire.ts';

/**
 * The events a stream of the same answer would have had.
 *
 * @throws GatewayError the reported error for an error body, `upstream` for anything that is no message.
 */
export function decodeResponse(body: unknown, decoding: Decoding): readonly GenerateEvent[] {
  if (isObject(body) && (body.type === 'error' || isObject(body.error))) throw reportedError(body);
  if (!isObject(body) || !Array.isArray(body.content)) {
    throw new GatewayError('upstream', 'The provider answered with something that is not a message.');
  }
  const { content, stop_reason, stop_sequence, container, stop_details, context_management, ...message } = body;
  const decoder = new EventDecoder(decoding);
  const told: JsonObject[] = [
    { type: 'message_start', message },
    ...(content as unknown[]).flatMap((block, index) => [
      { type: 'content_block_start', index, content_block: block },
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason, stop_sequence, container, stop_details }, context_management },
    { type: 'message_stop' },
  ];
  return [...told.flatMap((event) => decoder.take(event)), ...decoder.end()];
}

/** A message for a client that did not ask for a stream. */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  const choice = onlyChoice(response, context);
  const warn = warnOnce(context);
  if (choice.logprobs !== undefined) warn('logprobs', 'The API has no log probabilities.');
  const ids = callIds(context, 'toolu');
  const content = choice.parts.flatMap((part) => blocks(part, ids, warn));
  const stopReason = stopReasonOf(endingOf(choice));
  return {
    ...response.extensions?.[ID],
    id: response.id ?? `msg_${context.id}`,
    type: 'message',
    role: 'assistant',
    model: response.model ?? context.model,
    content,
    ...choice.extensions?.[ID],
    stop_reason: stopReason,
    stop_sequence: stopReason === 'stop_sequence' ? choice.stopSequence : null,
    usage: encodeUsage(response.usage, response.usage === undefined ? undefined : context.costOf?.(response.usage)),
  };
}

function blocks(part: Part, ids: (given: string) => string, warn: WarnOnce): JsonObject[] {
  switch (part.type) {
    case 'text':
      return textBlocks(part.text, part.citations ?? [], warn);
    case 'refusal':
      return textBlocks(part.text, [], warn);
    case 'reasoning':
      return reasoningBlocks(part);
    case 'tool-call':
      return toolBlocks({ ...part, id: ids(part.id) }, warn);
    case 'opaque':
      if (part.origin === ID) return [part.value];
      warn('content', `Only ${part.origin} clients understand a part of the answer.`);
      return [];
    case 'image':
    case 'audio':
      warn('modalities', `The API cannot say ${part.type === 'image' ? 'an image' : 'audio'}.`);
      return [];
    case 'document':
    case 'tool-result':
      break;
  }
  // No model writes these.
  return [];
}

function textBlocks(text: string, citations: readonly Citation[], warn: WarnOnce): JsonObject[] {
  const said = citations.flatMap((citation) => encodeCitation(citation) ?? []);
  if (said.length < citations.length) warn('citations', 'The API cannot say a citation without an address.');
  if (text === '' && said.length === 0) return [];
  return [{ type: 'text', text, ...(said.length > 0 && { citations: said }) }];
}

function reasoningBlocks(part: ReasoningPart): JsonObject[] {
  const { text, type: _, ...proof } = part;
  const field = proofField(proof, text !== '');
  if (field === undefined) return [];
  return ['data' in field ? { type: 'redacted_thinking', ...field } : { type: 'thinking', thinking: text, ...field }];
}

function toolBlocks({ id, name, arguments: json, extensions, ...call }: ToolCallPart, warn: WarnOnce): JsonObject[] {
  const input = inputOf(json);
  if (input === undefined)
    warn('tool_use', 'The arguments of a call are no JSON object; they are the text of `input`.', 'changed');
  const carrier = callProofBlock({
    id,
    ...(call.signature !== undefined && { signature: call.signature }),
    ...(extensions !== undefined && { extensions }),
  });
  return [
    { type: 'tool_use', id, name, input: input ?? { input: json }, ...extensions?.[ID] },
    ...(carrier === undefined ? [] : [carrier]),
  ];
}
