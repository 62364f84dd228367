/** `/model/metrics` and its like, `/gateway/daily/activity`: how models and the gateway did. */
import { defined } from '../../../lib/kinds/json.ts';
import { gatewayActivity } from '../../../lib/management/spend/gateway-activity.ts';
import {
  modelExceptions,
  modelLatency,
  slowResponses,
  streamingMetrics,
  type MetricsQuery,
} from '../../../lib/management/spend/model-metrics.ts';
import type { AdminCall } from '../call.ts';
import { get, type AdminRoute } from '../route.ts';

type Query = AdminCall['query'];

const METRICS = ['_selected_model_group', 'startTime', 'endTime', 'api_key', 'customer'];

/** LiteLLM's dashboard writes what it does not know as a word. */
const said = (value: string | undefined): string | undefined => (value === 'null' || value === 'undefined' ? undefined : value);

const metricsIn = (query: Query): MetricsQuery =>
  defined({
    modelGroup: said(query('_selected_model_group')),
    startTime: said(query('startTime')),
    endTime: said(query('endTime')),
    apiKey: said(query('api_key')),
    customer: said(query('customer')),
  });

const metrics = (path: string, summary: string, answer: typeof modelLatency | typeof slowResponses): AdminRoute =>
  get(path, 'own', { summary, query: METRICS }, (deps, { caller, query }) => answer(deps, caller, metricsIn(query)));

/** Routes of how models and the gateway did. */
export const METRIC_ROUTES: readonly AdminRoute[] = [
  metrics('/model/metrics', 'Seconds per output token by day and deployment, the last seven days.', modelLatency),
  metrics('/model/streaming_metrics', 'Seconds to the first token of streams by day and deployment.', streamingMetrics),
  metrics('/model/metrics/slow_responses', 'Calls by deployment, and those of five minutes or more.', slowResponses),
  metrics('/model/metrics/exceptions', 'Calls that came to nothing by deployment and kind of error.', modelExceptions),
  get(
    '/gateway/daily/activity',
    'viewer',
    { summary: 'Calls of the gateway by day and by route, the last thirty days.', query: ['start_date', 'end_date'] },
    (deps, { query }) => gatewayActivity(deps, defined({ startDate: query('start_date'), endDate: query('end_date') })),
  ),
];
