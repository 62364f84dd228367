/** Answers of `/.../daily/activity`, `/tag/summary` and its like, and receipts. */
import * as z from 'zod/mini';
import {
  answers,
  component,
  count,
  day,
  exactUsd,
  facts,
  flag,
  hash,
  list,
  map,
  moment,
  ms,
  names,
  note,
  object,
  optional,
  orNull,
  text,
  tokens,
  usd,
  word,
  type Answers,
} from './fields.ts';

const METRICS = {
  spend: usd('What the calls cost'),
  flat_cost: usd('Always 0: nothing costs by the month', 0),
  prompt_tokens: tokens('Input'),
  completion_tokens: tokens('Output', 300),
  cache_read_input_tokens: tokens('Input that the cache served', 800),
  cache_creation_input_tokens: tokens('Input that was cached', 0),
  total_tokens: tokens('Input and output', 1500),
  successful_requests: count('Requests that went well.', 118),
  failed_requests: count('Requests that did not.', 2),
  api_requests: count('Requests.', 120),
  unpriced_requests: count('Requests whose price is unknown; they are missing from spend.', 0),
  total_response_time_ms: ms('From arrival to end, added up', 99_600),
  timed_requests: count('Requests in that sum.', 120),
};
const metrics = component('Metrics', 'Figures of some calls.', METRICS);
const totals = Object.fromEntries(
  Object.entries(METRICS).map(([name, field]) => [name.startsWith('total_') ? name : `total_${name}`, field]),
);

const ofKey = component('KeyActivity', 'What the calls of a key came to.', {
  metrics,
  metadata: object({
    key_alias: orNull(text('What people call it.', 'ci')),
    team_id: orNull(text('Its team.', 'platform')),
    user_id: orNull(text('Its user.', 'ada')),
    user_email: z.null(),
    key_exists: flag('False: it was deleted.', true),
  }),
});
const byKey = map('By hash of the key.', ofKey);
const part = component('Activity', 'What some calls came to, in all and by key.', {
  metrics,
  metadata: facts('What people call it, where it has a name: `team_alias`, `user_alias`, ...'),
  api_key_breakdown: byKey,
});

const activity = answers(
  component('DailyActivity', 'Days, newest first, broken down.', {
    results: list(
      object({
        date: day('Day'),
        metrics,
        breakdown: object({
          models: map('By model that served.', part),
          model_groups: map('By name the client called.', part),
          providers: map('By provider; `unknown` where none was reached.', part),
          endpoints: map('By route.', part),
          user_agents: map("By client's program.", part),
          entities: map('By what the report is about.', part),
          api_keys: byKey,
          mcp_servers: facts('There are no MCP servers.'),
        }),
      }),
    ),
    metadata: object({
      ...totals,
      page: count('This page, from 1.', 1),
      total_pages: count('Pages.', 1),
      has_more: flag('Whether there is another page.'),
    }),
  }),
);

const CALLS = {
  successful_requests: count('Calls that went well.', 118),
  failed_requests: count('Calls that did not.', 2),
  total_requests: count('Calls.', 120),
  total_tokens: tokens('Input and output', 150_000),
};
const tag = text('Tag, or `User-Agent: ` and the name of a program.', 'User-Agent: OpenAI/Python');
const active = answers(
  object({
    results: list(
      object({
        tag,
        active_users: count('Users that called.', 12),
        date: text('Day, or name of the period.', 'Week 7 (Nov 16)'),
        period_start: orNull(day('First day of the period')),
        period_end: orNull(day('Last day of the period')),
      }),
    ),
  }),
);

const tokenUsage = facts(
  'Counts by class, as `source` counted them; classes that were not reported are missing. Tokens, where nothing else is said.',
  {
    inputTokens: 1200,
    outputTokens: 300,
    source: 'provider',
  },
);
const receipt = component('Receipt', 'What a call used, what it cost and why.', {
  id: text('The call.', '01m81j19f8dze30g83hxzf1b2a'),
  issued_at: moment('When the receipt was made'),
  arrived_at: moment('When the call arrived'),
  ended_at: moment('When it ended'),
  status: word('How it ended.', ['success', 'error', 'aborted', 'expired']),
  http_status: count('HTTP status.', 200),
  error: orNull(text('Kind of the error.', 'rate_limit')),
  route: text('Route of the client.', '/v1/chat/completions'),
  model_group: text('Name the client called.', 'fast'),
  model: orNull(text('Model that served it.', 'gpt-4o-mini-2024-07-18')),
  provider: orNull(text('Provider.', 'openai')),
  stream: flag('Whether it was streamed.'),
  owner: object({
    key: hash('Hash of the key.'),
    key_alias: orNull(text('Its alias.', 'ci')),
    user_id: orNull(text('User.', 'ada')),
    team_id: orNull(text('Team.', 'platform')),
    organization_id: orNull(text('Organization.', 'acme')),
    project_id: orNull(text('Project.', 'search')),
    end_user: orNull(text('Customer.', 'customer-17')),
    tags: names('Tags.', 'prod'),
  }),
  usage: orNull(tokenUsage),
  cost: object({
    currency: word('Currency.', ['USD']),
    total: orNull(exactUsd('All of it; null: the price is unknown', '0.00036')),
    parts: map('By class.', exactUsd('Part', '0.00018')),
    held: orNull(exactUsd('What was held', '0.01')),
    cache_saving: orNull(exactUsd("What the provider's cache saved; null: unknown", '0')),
  }),
  price: object({
    source: word('Where the price came from.', ['catalog', 'operator', 'demo', 'hold', 'unknown']),
    version: optional(text('Which version of it.', 'litellm-2026-08-01')),
    rule: optional(text('Which rule.', 'above_200k_tokens')),
    unpriced: optional(names('Tools without a price.')),
  }),
  attempts: count('Tries.', 1),
  retries: count('Tries after the first.', 0),
  lost_attempts: list(
    object({
      provider: text('Provider.', 'openai'),
      model: text('Model.', 'gpt-4o-mini'),
      error: text('Kind of the error.', 'timeout'),
      usage: tokenUsage,
      cost: orNull(exactUsd('As estimated', '0.0001')),
    }),
  ),
  duration_ms: ms('From arrival to end'),
  first_byte_ms: orNull(ms('From arrival to the first byte', 210)),
  first_token_ms: orNull(ms('From arrival to the first thing the model wrote; null where it was not streamed', 340)),
  budgets: list(
    object({
      scope: text('Kind of owner.', 'team'),
      id: text('Owner.', 'platform'),
      model: optional(text('The model, or pattern, whose spend alone counts.', 'gpt-4o*')),
      window: text('Length of the window.', '30d'),
      window_start: moment('Begin of the window', '2026-11-01T00:00:00.000Z'),
      resets_at: orNull(moment('End of the window', '2026-12-01T00:00:00.000Z')),
      limit: orNull(exactUsd('Most that may be spent', '100')),
      spent: exactUsd('Spent', '12.5'),
      held: exactUsd('Held by open requests', '0.01'),
      left: orNull(exactUsd('What is left', '87.49')),
    }),
  ),
});

const jwk = object({
  kty: text('Kind of key.', 'OKP'),
  kid: optional(text('Its id.', 'Qwf3dc2jnxIJumD8D')),
  crv: optional(text('Curve.', 'Ed25519')),
  x: optional(text('Public part.', 'IsvIELX8sHHZam-ZI3YC6pXzfWoPogRbzLDmY2O')),
  y: optional(text('Public part.', 'IsvIELX8sHHZam-ZI3YC6pXzfWoPogRbzLDmY2O')),
  n: optional(text('Public part.', 'modulus')),
  e: optional(text('Public part.', 'AQAB')),
  use: word('What it is for.', ['sig']),
  alg: word('How it signs.', ['EdDSA']),
});

const SCOPES = ['user', 'team', 'organization', 'customer', 'end_user', 'project', 'tag'];

/** By route. */
export const ACTIVITY_ANSWERS: Answers = {
  ...Object.fromEntries(
    SCOPES.flatMap((scope) => [
      [`GET /${scope}/daily/activity`, activity],
      [`GET /${scope}/daily/activity/aggregated`, activity],
    ]),
  ),
  'GET /tag/distinct': answers(object({ results: list(object({ tag })) })),
  'GET /tag/dau': active,
  'GET /tag/wau': active,
  'GET /tag/mau': active,
  'GET /tag/summary': answers(
    object({
      results: list(object({ tag, unique_users: count('Users that called.', 12), ...CALLS, total_spend: usd('What it cost') })),
    }),
  ),
  'GET /tag/user-agent/per-user-analytics': answers(
    object({
      results: list(
        object({
          user_id: text('User.', 'ada'),
          user_email: orNull(text('E-mail.', 'ada@example.org')),
          user_agent: orNull(tag),
          ...CALLS,
          spend: usd('What it cost'),
        }),
      ),
      total_count: count('Users in all pages.', 12),
      page: count('This page, from 1.', 1),
      page_size: count('Users a page.', 50),
      total_pages: count('Pages.', 1),
    }),
  ),
  'GET /receipts/keys': answers(note(object({ keys: list(jwk) }), { description: 'Public keys (RFC 7517).' })),
  'GET /receipts/{id}': answers(
    object({ receipt, jws: text('The same, signed: compact JWS (RFC 7515).', 'eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl') }),
    404,
  ),
};
