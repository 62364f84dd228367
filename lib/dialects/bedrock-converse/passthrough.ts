/** Edits of a body that goes from a Bedrock client to Bedrock. */
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import { capBudget } from '../anthropic-messages/thinking.ts';
import { MIN_THINKING_BUDGET } from '../anthropic-messages/wire.ts';
import type { Passthrough } from '../dialect.ts';
import { numberOf, objectsOf, textOf } from '../values.ts';
import { isForeign } from './proof.ts';
import { goesOnUnthought, thinkingBudget } from './reasoning.ts';
import type { Turn } from './turns.ts';
import { decodeUsage } from './usage.ts';

/** Streams of this dialect always report usage, so nothing is asked for and nothing hidden. */
export const passthrough: Passthrough = {
  askUsage: (body) => body,
  hidesUsage: () => false,
  isUsageFrame: () => false,

  withCost(data, costOf) {
    if (!data.includes('"usage"')) return undefined;
    const event = parseJson(data);
    if (!isObject(event) || !isObject(event.usage)) return undefined;
    const tier = isObject(event.serviceTier) ? textOf(event.serviceTier.type) : undefined;
    const usage = decodeUsage(event.usage, tier);
    const cost = usage === undefined ? undefined : costOf(usage);
    return cost === undefined ? undefined : JSON.stringify({ ...event, usage: { ...event.usage, cost } });
  },

  clampOutput(body, tokens) {
    const inference = isObject(body.inferenceConfig) ? body.inferenceConfig : {};
    const maxTokens = Math.min(numberOf(inference.maxTokens) ?? tokens, tokens);
    const clamped = { ...body, inferenceConfig: { ...inference, maxTokens } };
    const budget = thinkingBudget(body.additionalModelRequestFields);
    if (budget === undefined || budget < maxTokens) return clamped;
    const additional = body.additionalModelRequestFields as JsonObject;
    const thinking =
      maxTokens > MIN_THINKING_BUDGET
        ? { ...(additional.thinking as JsonObject), budget_tokens: capBudget(maxTokens) }
        : { type: 'disabled' };
    return { ...clamped, additionalModelRequestFields: { ...additional, thinking } };
  },

  withoutForeignProofs(body) {
    if (!Array.isArray(body.messages)) return body;
    const before: readonly unknown[] = body.messages;
    const messages = before.flatMap(withoutForeign);
    const same = messages.length === before.length && messages.every((message, index) => message === before[index]);
    return same ? body : { ...body, messages, ...thinkingAfter(body, messages) };
  },
};

/** Thinking cannot go on from calls whose thinking was taken out. */
function thinkingAfter({ additionalModelRequestFields: additional }: JsonObject, messages: readonly unknown[]): JsonObject {
  if (!isObject(additional) || thinkingBudget(additional) === undefined) return {};
  const turns = messages.map((message): Turn => {
    const { role, content } = isObject(message) ? message : {};
    return { role: role === 'assistant' ? role : 'user', content: objectsOf(content) };
  });
  if (!goesOnUnthought(turns)) return {};
  return { additionalModelRequestFields: { ...additional, thinking: { type: 'disabled' } } };
}

const isForeignBlock = (block: unknown): boolean =>
  isObject(block) && isObject(block.reasoningContent) && isForeign(block.reasoningContent);

function withoutForeign(message: unknown): unknown[] {
  if (!isObject(message) || !Array.isArray(message.content) || !message.content.some(isForeignBlock)) return [message];
  const content: unknown[] = message.content.filter((block) => !isForeignBlock(block));
  return content.length === 0 ? [] : [{ ...message, content }];
}
