/** What calls would cost. */
import { calculateSpend, estimateCost, estimateInput } from '../../../lib/management/models/cost.ts';
import { post, type AdminRoute } from '../route.ts';

/** Routes of prices. */
export const COST_ROUTES: readonly AdminRoute[] = [
  post(
    '/cost/estimate',
    'own',
    { summary: 'Cost of a request, a day and a month of a model.', body: estimateInput },
    (deps, { caller, body }) => estimateCost(deps, caller, body),
  ),
  post('/spend/calculate', 'own', 'Cost of one call: from its usage, its answer or its messages.', (deps, { caller, body }) =>
    calculateSpend(deps, caller, body),
  ),
];
