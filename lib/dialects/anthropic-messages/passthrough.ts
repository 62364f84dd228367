/** Edits of a body that goes from an Anthropic client to an Anthropic provider. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Passthrough } from '../dialect.ts';
import { isToken } from '../proof.ts';
import { objectsOf } from '../values.ts';
import { answersUnthoughtCall, capBudget } from './thinking.ts';
import { decodeUsage } from './usage.ts';
import { MIN_THINKING_BUDGET } from './wire.ts';

/** Streams of this dialect always report usage, so nothing is asked for and nothing hidden. */
export const passthrough: Passthrough = {
  headers: ['anthropic-beta', 'anthropic-version'],
  askUsage: (body) => body,
  hidesUsage: () => false,
  isUsageFrame: () => false,

  withCost(data, costOf) {
    if (!data.includes('"message_delta"')) return undefined;
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      return undefined;
    }
    if (!isObject(event) || event.type !== 'message_delta' || !isObject(event.usage)) return undefined;
    const usage = decodeUsage(event.usage);
    // Old servers leave the input figures to `message_start`: half a cost would be a wrong one.
    const cost = usage?.inputTokens === undefined ? undefined : costOf(usage);
    return cost === undefined ? undefined : JSON.stringify({ ...event, usage: { ...event.usage, cost } });
  },

  clampOutput(body, tokens) {
    const asked = typeof body.max_tokens === 'number' ? body.max_tokens : tokens;
    const clamped = { ...body, max_tokens: Math.min(asked, tokens) };
    const { thinking } = body;
    if (!isObject(thinking) || typeof thinking.budget_tokens !== 'number' || thinking.budget_tokens < clamped.max_tokens) {
      return clamped;
    }
    const room = clamped.max_tokens > MIN_THINKING_BUDGET;
    return {
      ...clamped,
      thinking: room ? { ...thinking, budget_tokens: capBudget(clamped.max_tokens) } : { type: 'disabled' },
    };
  },

  withoutForeignProofs(body) {
    if (!Array.isArray(body.messages)) return body;
    const messages = body.messages.flatMap((message: unknown) => withoutForeign(message));
    const same =
      messages.length === body.messages.length &&
      messages.every((message, index) => message === (body.messages as unknown[])[index]);
    return same ? body : { ...body, messages, ...thinkingAfter(body, messages) };
  },
};

/** Thinking cannot go on from calls whose thinking was taken out. */
function thinkingAfter({ thinking }: JsonObject, messages: readonly unknown[]): JsonObject {
  if (!isObject(thinking) || thinking.type !== 'enabled') return {};
  const turns = messages.map((message) => ({ content: isObject(message) ? objectsOf(message.content) : [] }));
  return answersUnthoughtCall(turns) ? { thinking: { type: 'disabled' } } : {};
}

/** Thinking that another provider proved, or nobody. */
const isForeign = (block: unknown): boolean =>
  isObject(block) &&
  ((block.type === 'thinking' && (block.signature === '' || isToken(block.signature))) ||
    (block.type === 'redacted_thinking' && isToken(block.data)));

function withoutForeign(message: unknown): unknown[] {
  if (!isObject(message) || !Array.isArray(message.content) || !message.content.some(isForeign)) return [message];
  const content: unknown[] = message.content.filter((block) => !isForeign(block));
  return content.length === 0 ? [] : [{ ...message, content } satisfies JsonObject];
}
