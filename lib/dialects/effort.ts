/** Words for how much a model may think, as both of OpenAI's APIs have them. */
import type { Reasoning } from '../kinds/generate.ts';

/** The words, least first. */
export const EFFORTS = [
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
] as const satisfies readonly Reasoning['effort'][];

/** A word of effort. */
export type Effort = (typeof EFFORTS)[number];

/** True for a word of effort. */
export const isEffort = (word: unknown): word is Effort => (EFFORTS as readonly unknown[]).includes(word);

/** The word nearest to a budget of thinking tokens. */
export const effortOf = (budgetTokens: number): Effort =>
  budgetTokens <= 4096 ? 'low' : budgetTokens <= 16_384 ? 'medium' : 'high';
