/** How much the model may think, both ways: a budget of tokens up to Gemini 2.5, a level from Gemini 3 on. */
import type { Reasoning } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { wrong, type Fields } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { generationOf } from './wire.ts';

const LEVELS = ['minimal', 'low', 'medium', 'high'] as const;

/** The `thinkingConfig` of a client. A budget of 0 is none, one of -1 leaves it to the model. */
export function decodeThinking(config: Fields): Reasoning | undefined {
  if (config.peek('thinkingConfig') === undefined) return undefined;
  const thinking = config.inner('thinkingConfig');
  const budget = thinking.integer('thinkingBudget', -1);
  const shown = thinking.boolean('includeThoughts');
  const word = thinking.string('thinkingLevel')?.toLowerCase();
  const effort = LEVELS.find((level) => level === word);
  if (word !== undefined && word !== 'thinking_level_unspecified' && effort === undefined) {
    throw wrong(thinking.at('thinkingLevel'), 'MINIMAL, LOW, MEDIUM or HIGH', thinking.any('thinkingLevel'));
  }
  if (budget === 0) return { mode: 'disabled' };
  if (budget === undefined && effort === undefined && shown !== true) return undefined;
  return {
    ...(budget !== undefined && (budget > 0 ? { mode: 'enabled', budgetTokens: budget } : { mode: 'adaptive' })),
    ...present('effort', effort),
    ...(shown !== undefined && { display: shown ? 'summarized' : 'omitted' }),
  };
}

/** Budgets for the words of effort, tokens: those of Google's own OpenAI-compatible API; 24,576 is the most all models of 2.5 take. */
const BUDGETS = { minimal: 1024, low: 1024, medium: 8192, high: 24_576, xhigh: 24_576, max: 24_576 } as const;

/** Least budget of the models that always think, tokens. */
const LEAST_BUDGET = 128;

const isPro = (model: string): boolean => /-pro\b/.test(model);

/** The `thinkingConfig` for a provider. `native`: the client speaks this dialect and said itself whether it wants thoughts. */
export function encodeThinking(
  reasoning: Reasoning | undefined,
  { model, supportsReasoning }: UpstreamTarget,
  native: boolean,
  warn: Warn,
): JsonObject | undefined {
  if (reasoning === undefined) return undefined;
  const off = reasoning.mode === 'disabled' || reasoning.effort === 'none';
  const generation = generationOf(model) ?? 2.5;
  if (supportsReasoning === false || generation < 2.5) {
    if (!off) warn({ kind: 'dropped', field: 'reasoning', reason: `${model} does not reason.` });
    return undefined;
  }
  if (off) return least(model, generation, warn);
  const shown = native ? reasoning.display === 'summarized' : reasoning.display !== 'omitted';
  return { ...amount(reasoning, model, generation, warn), ...(shown && { includeThoughts: true }) };
}

/** No thinking, or as little as the model can do. */
function least(model: string, generation: number, warn: Warn): JsonObject {
  if (generation < 3 && !isPro(model)) return { thinkingBudget: 0 };
  warn({ kind: 'changed', field: 'reasoning', reason: `${model} always thinks: it was asked for as little as it can.` });
  if (generation < 3) return { thinkingBudget: LEAST_BUDGET };
  return { thinkingLevel: isPro(model) ? 'LOW' : 'MINIMAL' };
}

function amount({ effort, budgetTokens, mode }: Reasoning, model: string, generation: number, warn: Warn): JsonObject {
  if (budgetTokens !== undefined) return { thinkingBudget: budgetTokens };
  if (effort === undefined || effort === 'none') {
    return mode === 'adaptive' && generation < 3 ? { thinkingBudget: -1 } : {};
  }
  if (generation < 3) return { thinkingBudget: BUDGETS[effort] };
  const level = levelOf(effort, model, generation);
  if (level !== effort) {
    warn({ kind: 'changed', field: 'reasoning', reason: `${model} knows no effort ${effort}: ${level} was sent.` });
  }
  return { thinkingLevel: level.toUpperCase() };
}

/** The nearest level the model has: none above high, none below low for Pro models, only the two for the first of them. */
function levelOf(effort: keyof typeof BUDGETS, model: string, generation: number): (typeof LEVELS)[number] {
  switch (effort) {
    case 'minimal':
      return isPro(model) ? 'low' : 'minimal';
    case 'medium':
      return isPro(model) && generation < 3.1 ? 'high' : 'medium';
    case 'low':
    case 'high':
      return effort;
    case 'xhigh':
    case 'max':
  }
  return 'high';
}
