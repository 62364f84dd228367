/** Limits of the gateway as a whole, from the environment. */
import type { Limits, ModelLimits } from '../domain/limits.ts';
import { alignedAnchor } from '../domain/window.ts';
import type { Env } from '../env.ts';

/** Any moment does: every process must count from the same one. */
const ORIGIN = 0;

/** The limits; windows are aligned to the calendar. `modelLimits` are those of models whoever calls them. */
export function gatewayLimits(
  env: Pick<Env, 'TOLLGATE_MAX_BUDGET' | 'TOLLGATE_BUDGET_DURATION' | 'TOLLGATE_MODEL_LIMITS'>,
): Limits {
  const { TOLLGATE_MAX_BUDGET: max, TOLLGATE_BUDGET_DURATION: duration, TOLLGATE_MODEL_LIMITS: models = {} } = env;
  const modelLimits = Object.fromEntries(Object.entries(models).map(([model, limits]) => [model, limitsOf(limits)]));
  return {
    budgetAnchor: alignedAnchor(duration, ORIGIN),
    modelLimits,
    ...(max === undefined ? {} : { maxBudget: max }),
    ...(duration === undefined ? {} : { budgetDuration: duration }),
  };
}

function limitsOf(given: NonNullable<Env['TOLLGATE_MODEL_LIMITS']>[string]): ModelLimits {
  const { max_budget: maxBudget, budget_duration: budgetDuration, rpm_limit: rpmLimit, tpm_limit: tpmLimit } = given;
  return {
    ...(maxBudget === undefined ? {} : { maxBudget }),
    ...(budgetDuration === undefined ? {} : { budgetDuration }),
    ...(rpmLimit === undefined ? {} : { rpmLimit }),
    ...(tpmLimit === undefined ? {} : { tpmLimit }),
  };
}
