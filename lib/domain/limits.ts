/** Limits as any scope may carry them: a key, a team, a member of one, a user, an organization, a project, a customer, a tag. */
import type { Money } from './money.ts';

/** Which tokens of a call count against a limit of tokens a minute. */
export type TokenRateType = 'total' | 'input' | 'output';

/** One cap on spend in windows of its own. Several of them count side by side (LiteLLM `budget_limits`). */
export interface BudgetWindow {
  /** Cap, 1e-12 USD. */
  readonly max: Money;
  /** Length of the window: `1d`, `1mo`. */
  readonly duration: string;
}

/** Limits on one model within a scope (LiteLLM `model_max_budget`, `model_rpm_limit`, `model_tpm_limit`). */
export interface ModelLimits {
  readonly maxBudget?: Money;
  /** Absent means the life of the scope. */
  readonly budgetDuration?: string;
  readonly rpmLimit?: number;
  readonly tpmLimit?: number;
}

/** What a scope may spend and how fast. All of it is optional: a scope without limits costs no write. Money in 1e-12 USD. */
export interface Limits {
  /** Cap on spend within a budget window. */
  readonly maxBudget?: Money;
  /** Length of the budget window (`30d`, `1mo`); absent means the life of the scope. */
  readonly budgetDuration?: string;
  /** Where the scope's budget windows begin to count, milliseconds since the epoch. Calendar-aligned windows have an aligned anchor. */
  readonly budgetAnchor: number;
  /** Further caps, each with windows of its own. */
  readonly budgetWindows?: readonly BudgetWindow[];
  /** Spend at which somebody is told; nothing is refused. */
  readonly softBudget?: Money;
  /** Limits by the model's name as clients call it; wildcards such as `openai/*` count. One on an alias is on the model it stands for. */
  readonly modelLimits?: Readonly<Record<string, ModelLimits>>;
  /** Raises `maxBudget` by an amount until a moment (milliseconds since the epoch). */
  readonly temporaryIncrease?: { readonly amount: Money; readonly until: number };
  /** Over budget the scope goes on at a reduced rate instead of being refused (LiteLLM `throttle_on_budget_exceeded`). */
  readonly throttled?: boolean;
  readonly rpmLimit?: number;
  readonly tpmLimit?: number;
  /** Which tokens count for `tpmLimit`; absent means all. */
  readonly tokenRateType?: TokenRateType;
  /** Requests open at once. */
  readonly maxParallelRequests?: number;
  /** Shared budget row whose limits hold where the scope has none of its own. */
  readonly budgetId?: string;
}

/** Names of the fields of limits. */
const FIELDS = [
  'maxBudget',
  'budgetDuration',
  'budgetWindows',
  'softBudget',
  'modelLimits',
  'temporaryIncrease',
  'throttled',
  'rpmLimit',
  'tpmLimit',
  'tokenRateType',
  'maxParallelRequests',
] as const satisfies readonly (keyof Limits)[];

/**
 * A scope with what it leaves open filled in: from its shared budget, or from the defaults of the group it belongs to. The scope keeps
 * its own anchor, and its own meters. A budget and its duration go together: a scope with a cap of its own keeps its own windows.
 */
export function withDefaults<T extends Limits>(scope: T, defaults: Partial<Limits> | undefined): T {
  if (defaults === undefined) return scope;
  const filled = { ...scope } as unknown as Record<string, unknown>;
  for (const field of FIELDS) {
    if (filled[field] !== undefined || defaults[field] === undefined) continue;
    if (field === 'budgetDuration' && scope.maxBudget !== undefined) continue;
    filled[field] = defaults[field];
  }
  return filled as unknown as T;
}
