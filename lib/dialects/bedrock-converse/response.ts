/** Whole answers: a provider's to events, a folded answer to a client's body. */
import { GatewayError } from '../../errors.ts';
import type {
  AudioPart,
  GenerateEvent,
  GenerateResponse,
  ImagePart,
  Part,
  TextPart,
  ToolCallPart,
} from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { inputOf } from '../anthropic-messages/turns.ts';
import type { Decoding, ReplyContext } from '../dialect.ts';
import { callIds, endingOf, onlyChoice, type WarnOnce, warnOnce } from '../telling.ts';
import { objectsOf } from '../values.ts';
import { encodeCitation } from './citation.ts';
import { reportedError } from './error.ts';
import { callProof, proofField } from './proof.ts';
import { EventDecoder } from './stream.ts';
import { encodeTier, encodeUsage } from './usage.ts';
import { formatOf, ID, stopReasonOf } from './wire.ts';

/**
 * The events a stream of the same answer would have had.
 *
 * @throws GatewayError the reported error for an error body, `upstream` for anything that is no answer.
 */
export function decodeResponse(body: unknown, decoding: Decoding): readonly GenerateEvent[] {
  if (isObject(body) && typeof body.__type === 'string') throw reportedError(body.__type, JSON.stringify(body));
  const message = isObject(body) && isObject(body.output) ? body.output.message : undefined;
  if (!isObject(body) || !isObject(message)) {
    throw new GatewayError('upstream', 'The provider answered with something that is not a message.');
  }
  const decoder = new EventDecoder(decoding);
  return [
    ...decoder.take('messageStart', { role: 'assistant' }),
    ...objectsOf(message.content).flatMap((block, index) => blockEvents(decoder, block, index)),
    ...decoder.take('messageStop', { ...body, stopReason: body.stopReason ?? 'end_turn' }),
    ...decoder.take('metadata', body),
    ...decoder.end(),
  ];
}

/** A whole block as the stream would have told it. */
function blockEvents(decoder: EventDecoder, block: JsonObject, contentBlockIndex: number): readonly GenerateEvent[] {
  const told = deltasOf(block);
  if (told === undefined) return decoder.wholeBlock(block);
  const { start, deltas } = told;
  return [
    ...(start === undefined ? [] : decoder.take('contentBlockStart', { start, contentBlockIndex })),
    ...deltas.flatMap((delta) => decoder.take('contentBlockDelta', { delta, contentBlockIndex })),
    ...decoder.take('contentBlockStop', { contentBlockIndex }),
  ];
}

/** The start and deltas of a block; undefined for kinds that are never streamed. */
function deltasOf(block: JsonObject): { readonly start?: JsonObject; readonly deltas: readonly JsonObject[] } | undefined {
  const { text, toolUse, reasoningContent, citationsContent, image } = block;
  if (typeof text === 'string') return { deltas: [{ text }] };
  if (isObject(toolUse)) {
    const { input, ...start } = toolUse;
    return { start: { toolUse: start }, deltas: [{ toolUse: { input: JSON.stringify(input ?? {}) } }] };
  }
  if (isObject(reasoningContent)) {
    const { reasoningText, ...redacted } = reasoningContent;
    return { deltas: [{ reasoningContent: { ...(isObject(reasoningText) && reasoningText), ...redacted } }] };
  }
  if (isObject(citationsContent)) {
    const citations = objectsOf(citationsContent.citations).map((citation) => ({ citation }));
    return { deltas: [...objectsOf(citationsContent.content), ...citations] };
  }
  if (isObject(image) && isObject(image.source) && typeof image.source.bytes === 'string') {
    return { start: { image: { format: image.format } }, deltas: [{ image: { source: image.source } }] };
  }
  return undefined;
}

/** An answer for a client that did not ask for a stream. */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  const choice = onlyChoice(response, context);
  const warn = warnOnce(context);
  if (choice.logprobs !== undefined) warn('logprobs', 'The API has no log probabilities.');
  const ids = callIds(context, 'tooluse');
  const content = choice.parts.flatMap((part) => blocks(part, ids, warn));
  const stopReason = stopReasonOf(endingOf(choice));
  return {
    output: { message: { role: 'assistant', content } },
    stopReason,
    ...answerFields(choice.extensions?.[ID], response.usage, context),
  };
}

/** Fields of an answer beside its message. Only Bedrock measures its latency: others' answers say 0, for clients that read it. */
export function answerFields(own: JsonObject | undefined, usage: Usage | undefined, context: ReplyContext): JsonObject {
  return {
    metrics: { latencyMs: 0 },
    ...own,
    usage: encodeUsage(usage, usage === undefined ? undefined : context.costOf?.(usage)),
    ...encodeTier(usage),
  };
}

function blocks(part: Part, ids: (given: string) => string, warn: WarnOnce): JsonObject[] {
  switch (part.type) {
    case 'text':
      return textBlocks(part, warn);
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'reasoning': {
      const { text, type: _, ...proof } = part;
      const field = proofField(proof, text !== '');
      if (field === undefined) return [];
      return [{ reasoningContent: 'signature' in field ? { reasoningText: { text, ...field } } : field }];
    }
    case 'tool-call':
      return toolBlocks({ ...part, id: ids(part.id) }, warn);
    case 'image':
    case 'audio':
      return mediaBlocks(part, warn);
    case 'opaque':
      if (part.origin === ID) return [part.value];
      warn('content', `Only ${part.origin} clients understand a part of the answer.`);
      return [];
    case 'document':
    case 'tool-result':
      break;
  }
  // No model writes these.
  return [];
}

function textBlocks({ text, citations = [] }: TextPart, warn: WarnOnce): JsonObject[] {
  const said = citations.flatMap((citation) => encodeCitation(citation) ?? []);
  if (said.length < citations.length) warn('citations', 'The API cannot say a citation without an address.');
  if (said.length > 0) return [{ citationsContent: { content: [{ text }], citations: said } }];
  return text === '' ? [] : [{ text }];
}

function toolBlocks({ id, name, arguments: json, signature, extensions }: ToolCallPart, warn: WarnOnce): JsonObject[] {
  const input = inputOf(json);
  if (input === undefined)
    warn('tool_use', 'The arguments of a call are no JSON object; they are the text of `input`.', 'changed');
  const carrier = callProof({
    id,
    ...(signature !== undefined && { signature }),
    ...(extensions !== undefined && { extensions }),
  });
  return [
    { toolUse: { toolUseId: id, name, input: input ?? { input: json } } },
    ...(carrier === undefined ? [] : [{ reasoningContent: { redactedContent: carrier } }]),
  ];
}

function mediaBlocks(part: ImagePart | AudioPart, warn: WarnOnce): JsonObject[] {
  const { source } = part;
  if (source.type === 'base64') {
    const format =
      part.type === 'image' ? formatOf(source.mediaType) : (part.format ?? source.mediaType.replace(/^audio\//, ''));
    if (format !== undefined) return [{ [part.type]: { format, source: { bytes: source.data } } }];
  }
  warn('modalities', `The API says ${part.type === 'image' ? 'images' : 'audio'} as bytes only.`);
  return [];
}
