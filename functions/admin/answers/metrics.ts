/** Answers of `/model/metrics` and its like, `/gateway/daily/activity`, `/global/predict/spend/logs`. */
import * as z from 'zod/mini';
import { answers, count, day, list, names, note, object, text, usd, word, type Answers } from './fields.ts';

const DEPLOYMENT = 'gpt-4o-mini-2024-07-18-4dff4ea340f0a823f15d3f4f01ab62ea';
const deployments = names('Deployments: the model as served, and the id.', DEPLOYMENT);
const deployment = text('Model as served and id of the deployment; empty where none was reached.', DEPLOYMENT);

const chart = (point: z.ZodMiniType<string>, value: string) =>
  answers(
    object({
      data: list(
        note(z.catchall(z.object({ date: point }), note(z.number(), { description: `${value}, seconds.`, examples: [0.02] })), {
          description: `A point. Each further field is a deployment: ${value.toLowerCase()}, seconds.`,
        }),
      ),
      all_api_bases: deployments,
    }),
  );

const COUNTS = {
  successful_requests: count('Calls that went well.', 612),
  failed_requests: count('Calls that ended otherwise.', 11),
};

const prediction = answers(
  object({
    response: list(object({ date: day('Day to come'), predicted_spend: usd('What it will cost') })),
    predicted_spend: text('What this month will have cost.', 'Predicted Spend for November 2026, $12.5'),
  }),
);

/** By route. */
export const METRIC_ANSWERS: Answers = {
  'GET /model/metrics': chart(day('Day'), 'Time per output token'),
  'GET /model/streaming_metrics': chart(
    text('Day in UTC; the call where one day is asked for.', '2026-11-22'),
    'Time to the first token',
  ),
  'GET /model/metrics/slow_responses': answers(
    list(
      object({
        api_base: deployment,
        total_count: count('Calls.', 120),
        slow_count: count('Calls of five minutes or more.', 2),
      }),
    ),
  ),
  'GET /model/metrics/exceptions': answers(
    object({
      data: list(
        note(
          z.catchall(
            z.object({ model: deployment, total_exceptions: count('Calls that came to nothing.', 3) }),
            count('Calls that ended with the kind of error that is the name of the field.', 2),
          ),
          { description: 'A deployment. Each further field is a kind of error, and how many calls ended with it.' },
        ),
      ),
      exception_types: names('Kinds of errors.', 'rate_limit'),
    }),
  ),
  'GET /gateway/daily/activity': answers(
    object({
      total_successful_requests: count('Calls that went well.', 1284),
      total_failed_requests: count('Calls that ended otherwise.', 37),
      by_date: list(object({ date: day('Day'), ...COUNTS })),
      by_route: list(
        object({
          category: word('Family.', ['llm', 'mcp', 'a2a']),
          route: text('Route of the client.', '/v1/chat/completions'),
          ...COUNTS,
        }),
      ),
    }),
  ),
  'GET /global/predict/spend/logs': prediction,
  'POST /global/predict/spend/logs': prediction,
};
