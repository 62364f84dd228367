/**
 * How much the model may think, both ways. The API has a common `outputConfig.effort`; all else is a matter of the model's own fields in
 * `additionalModelRequestFields`: Claude's `thinking`, Nova's `reasoningConfig`, the `reasoning_effort` of OpenAI's open models.
 */
import type { GenerateRequest, Reasoning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { answersUnthoughtCall, encodeReasoning as encodeThinking } from '../anthropic-messages/thinking.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { effortOf, isEffort, type Effort } from '../effort.ts';
import type { Warn } from '../telling.ts';
import { numberOf, present } from '../values.ts';
import type { Family } from './family.ts';
import type { Turn } from './turns.ts';

const MODES = ['enabled', 'disabled', 'adaptive'] as const;

/** What a client's request says of thinking, in any of the places. The fields themselves stay in the extensions. */
export function decodeReasoning(effort: unknown, additional: JsonObject): Reasoning | undefined {
  const thinking = [additional.thinking, additional.reasoning_config, additional.reasoningConfig].find(isObject) ?? {};
  const config = isObject(additional.output_config) ? additional.output_config : {};
  const mode = MODES.find((known) => known === thinking.type);
  const word = [effort, config.effort, thinking.maxReasoningEffort, additional.reasoning_effort].find(isEffort);
  if (mode === undefined && word === undefined) return undefined;
  return {
    ...present('mode', mode),
    ...present('budgetTokens', numberOf(thinking.budget_tokens)),
    ...present('effort', word),
  };
}

/** The top-k of a client's request: Claude's and Mistral's name, Cohere's, Nova's. */
export const decodeTopK = (additional: JsonObject): number | undefined =>
  numberOf(additional.top_k) ??
  numberOf(additional.k) ??
  (isObject(additional.inferenceConfig) ? numberOf(additional.inferenceConfig.topK) : undefined);

/** What the rest of the request means for thinking. */
export interface ThinkingLimits {
  readonly family: Family;
  readonly forcesTool: boolean;
  readonly messages: readonly Turn[];
}

/** What asks the model to think. */
export interface EncodedReasoning {
  /** For `additionalModelRequestFields`. */
  readonly fields?: JsonObject;
  /** For `outputConfig`. */
  readonly effort?: string;
  /** Claude thinks: it then refuses most sampling settings. */
  readonly thinks?: boolean;
}

/** Output limit by which a budget is cut where neither request nor catalog knows one, tokens. The API then takes the model's own. */
const ASSUMED_MAX_TOKENS = 32_000;

/** Thinking in the model's own words; what does not fit is dropped with a warning. */
export function encodeReasoning(
  request: GenerateRequest,
  target: UpstreamTarget,
  limits: ThinkingLimits,
  warn: Warn,
): EncodedReasoning {
  const { reasoning } = request;
  if (reasoning === undefined) return {};
  if (limits.family === 'claude') return claude(request, target, limits, warn);
  if (reasoning.mode === 'disabled' || reasoning.effort === 'none') return {};
  const effort = reasoning.effort ?? effortOf(reasoning.budgetTokens ?? 0);
  if (limits.family === 'other' || target.supportsReasoning === false) {
    warn({ kind: 'dropped', field: 'reasoning', reason: `${target.model} has no setting for reasoning.` });
    return {};
  }
  if (reasoning.budgetTokens !== undefined) {
    warn({ kind: 'changed', field: 'reasoning', reason: `${target.model} takes an effort in place of a budget.` });
  }
  if (limits.family === 'gpt') return { fields: { reasoning_effort: threeWords(effort) } };
  return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: novaEffort(request, effort, warn) } } };
}

function claude(
  request: GenerateRequest,
  target: UpstreamTarget,
  { forcesTool, messages }: ThinkingLimits,
  warn: Warn,
): EncodedReasoning {
  const maxTokens = request.maxOutputTokens ?? target.maxOutputTokens ?? ASSUMED_MAX_TOKENS;
  const { thinking, effort } = encodeThinking(
    request,
    target,
    { maxTokens, forcesTool, messages: asAnthropic(messages), native: false },
    warn,
  );
  return {
    ...(thinking !== undefined && { fields: { thinking }, thinks: thinking.type !== 'disabled' }),
    ...present('effort', effort),
  };
}

/** Messages as Anthropic's own API has them, as far as thinking depends on them: the types of their blocks. */
const asAnthropic = (messages: readonly Turn[]): Turn[] =>
  messages.map(({ role, content }) => ({ role, content: content.map((block) => ({ type: anthropicType(block) })) }));

function anthropicType(block: JsonObject): string | undefined {
  if (block.toolResult !== undefined) return 'tool_result';
  return block.reasoningContent === undefined ? undefined : 'thinking';
}

/** Models with three words of effort. */
function threeWords(effort: Effort): 'low' | 'medium' | 'high' {
  if (effort === 'none' || effort === 'minimal' || effort === 'low') return 'low';
  return effort === 'medium' ? effort : 'high';
}

/** Nova refuses high effort together with limits and sampling (Nova user guide, extended thinking; from memory, unchecked). */
function novaEffort({ maxOutputTokens, sampling }: GenerateRequest, effort: Effort, warn: Warn): string {
  const word = threeWords(effort);
  const free = maxOutputTokens === undefined && sampling.temperature === undefined && sampling.topP === undefined;
  if (word !== 'high' || free) return word;
  warn({
    kind: 'changed',
    field: 'reasoning',
    reason: 'The model takes high effort only without limits and sampling settings.',
  });
  return 'medium';
}

/** The thinking budget among the model's own fields, tokens; undefined when there is none. */
export const thinkingBudget = (additional: unknown): number | undefined =>
  isObject(additional) && isObject(additional.thinking) && additional.thinking.type === 'enabled'
    ? numberOf(additional.thinking.budget_tokens)
    : undefined;

/** Whether the conversation goes on from tool calls that no thinking precedes: Claude then refuses to think. */
export const goesOnUnthought = (messages: readonly Turn[]): boolean => answersUnthoughtCall(asAnthropic(messages));
