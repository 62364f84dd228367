/** How much the model may think, both ways. */
import type { GenerateRequest, Reasoning, Warning } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { readCount, readOptionalObject, readOptionalWord, readText } from './fields.ts';
import type { Turn } from './turns.ts';
import { MIN_THINKING_BUDGET } from './wire.ts';

const MODES = ['enabled', 'disabled', 'adaptive'] as const;
const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
const DISPLAYS = ['summarized', 'omitted'] as const;

/** The `thinking` field and the effort of `output_config`. A mode we do not model (`between_tools`) stays with the extensions. */
export function decodeReasoning(body: JsonObject): Reasoning | undefined {
  const config = readOptionalObject(body, 'output_config', '');
  const effort = config && readOptionalWord(config, 'effort', 'output_config', EFFORTS);
  const thinking = readOptionalObject(body, 'thinking', '');
  const type = thinking && readText(thinking, 'type', 'thinking');
  const mode = MODES.find((known) => known === type);
  if (effort === undefined && mode === undefined) return undefined;
  const display = thinking && readOptionalWord(thinking, 'display', 'thinking', DISPLAYS);
  return {
    ...(mode !== undefined && { mode }),
    ...(mode === 'enabled' && thinking && { budgetTokens: readCount(thinking, 'budget_tokens', 'thinking') }),
    ...(mode !== undefined && display !== undefined && { display }),
    ...(effort !== undefined && { effort }),
  };
}

/** True for a `thinking` field that `decodeReasoning` understands. */
export const isKnownThinking = (thinking: JsonObject): boolean => MODES.some((mode) => mode === thinking.type);

/** Thinking budgets for the words of effort where a model wants a number, tokens. Ours: the API names none. */
const BUDGETS = { minimal: 1024, low: 1024, medium: 4096, high: 16_384, xhigh: 32_768, max: 65_536 } as const;

const EFFORT_WORDS = { minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'xhigh', max: 'max' } as const;

/** What the rest of the request means for thinking. */
export interface ThinkingLimits {
  readonly maxTokens: number;
  /** The model must call a tool. */
  readonly forcesTool: boolean;
  readonly messages: readonly Turn[];
  /** The client speaks this dialect: its settings are sent as they are, where the API can take them at all. */
  readonly native: boolean;
}

/** The `thinking` field and the effort of `output_config` to send. */
export interface EncodedReasoning {
  readonly thinking?: JsonObject;
  readonly effort?: string;
}

/** Thinking within the limits of the API; what does not fit is dropped with a warning. */
export function encodeReasoning(
  { reasoning }: GenerateRequest,
  target: UpstreamTarget,
  limits: ThinkingLimits,
  warn: (warning: Warning) => void,
): EncodedReasoning {
  if (reasoning === undefined) return {};
  const off = reasoning.mode === 'disabled' || reasoning.effort === 'none';
  if (target.supportsReasoning === false) {
    if (!off) warn({ kind: 'dropped', field: 'reasoning', reason: `${target.model} does not reason.` });
    return {};
  }
  const wanted = limits.native ? asWritten(reasoning) : translated(reasoning, target, off, limits, warn);
  if (wanted.thinking === undefined || wanted.thinking.type === 'disabled') return wanted;
  const { thinking, ...rest } = wanted;
  const obstacle = obstacleTo(thinking, limits);
  if (obstacle !== undefined) {
    warn({ kind: 'dropped', field: 'reasoning', reason: `The model answers without thinking: ${obstacle}` });
    return rest;
  }
  return { ...rest, thinking: withinLimit(thinking, limits, warn) };
}

function asWritten({ mode, budgetTokens, display, effort }: Reasoning): EncodedReasoning {
  return {
    ...(mode !== undefined && {
      thinking: {
        type: mode,
        ...(budgetTokens !== undefined && { budget_tokens: budgetTokens }),
        ...(display !== undefined && { display }),
      },
    }),
    ...(effort !== undefined && effort !== 'none' && { effort: EFFORT_WORDS[effort] }),
  };
}

function translated(
  { effort = 'medium', budgetTokens, display }: Reasoning,
  target: UpstreamTarget,
  off: boolean,
  { maxTokens }: ThinkingLimits,
  warn: (warning: Warning) => void,
): EncodedReasoning {
  const adaptive = target.supportsAdaptiveThinking === true;
  // Without the field a model of the adaptive kind may think by default, others do not.
  if (off || effort === 'none') return adaptive ? { thinking: { type: 'disabled' } } : {};
  if (!adaptive) {
    const budget = budgetTokens ?? Math.min(BUDGETS[effort], maxTokens - MIN_THINKING_BUDGET);
    return { thinking: { type: 'enabled', budget_tokens: budget, ...(display !== undefined && { display }) } };
  }
  if (budgetTokens !== undefined) {
    warn({ kind: 'changed', field: 'reasoning', reason: `${target.model} takes an effort in place of a budget.` });
  }
  return { thinking: { type: 'adaptive', display: display ?? 'summarized' }, effort: EFFORT_WORDS[effort] };
}

/** Why the API would refuse this thinking; undefined when it would not. */
function obstacleTo(thinking: JsonObject, { maxTokens, forcesTool, messages, native }: ThinkingLimits): string | undefined {
  if (forcesTool) return 'it cannot think when it must call a tool.';
  if (thinking.type !== 'enabled') return undefined;
  if (maxTokens <= MIN_THINKING_BUDGET || Number(thinking.budget_tokens) < MIN_THINKING_BUDGET) {
    return `it needs room for at least ${MIN_THINKING_BUDGET} tokens of thinking beside the answer.`;
  }
  return !native && answersUnthoughtCall(messages) ? 'the tool call it goes on from came without signed thinking.' : undefined;
}

/**
 * True when the conversation goes on from tool calls that no thinking precedes: the API refuses that with a budget. Thinking once,
 * before the first of several rounds of calls, is enough.
 */
export function answersUnthoughtCall(messages: readonly Pick<Turn, 'content'>[]): boolean {
  let at = messages.length - 1;
  for (; messages[at]?.content[0]?.type === 'tool_result'; at -= 2) {
    const first = messages[at - 1]?.content[0]?.type;
    if (first === 'thinking' || first === 'redacted_thinking') return false;
  }
  return at < messages.length - 1;
}

function withinLimit(thinking: JsonObject, { maxTokens }: ThinkingLimits, warn: (warning: Warning) => void): JsonObject {
  if (thinking.type !== 'enabled' || Number(thinking.budget_tokens) < maxTokens) return thinking;
  const budget = capBudget(maxTokens);
  warn({
    kind: 'changed',
    field: 'reasoning',
    reason: `The thinking budget was cut to ${budget} tokens, below the output limit.`,
  });
  return { ...thinking, budget_tokens: budget };
}

/** The largest budget that leaves room for an answer below an output limit of more than 1024 tokens. */
export const capBudget = (maxTokens: number): number => Math.max(MIN_THINKING_BUDGET, maxTokens - MIN_THINKING_BUDGET);
