/** Answers of `/spend/...` and `/global/...`: what was spent, on what, by whom. */
import * as z from 'zod/mini';
import {
  answers,
  anything,
  component,
  count,
  day,
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
import { key } from './keys.ts';
import { LIMITS, PAGE } from './limits.ts';

const model = text('Model that served it.', 'gpt-4o-mini-2024-07-18');
const shortDay = text('Day in UTC, as charts have it.', 'Nov 22');
const keyHash = hash('Hash of the key.');

/** Without this field where nobody said how much. */
const reported = (description: string) => optional(tokens(description));

const usage = component('Usage', 'What a call used; classes that were not reported are missing.', {
  prompt_tokens: reported('Input, cached tokens included'),
  completion_tokens: reported('Output, reasoning included'),
  total_tokens: reported('Both'),
  prompt_tokens_details: object({
    cached_tokens: reported('Input that the cache served'),
    cache_creation_tokens: reported('Input that was cached'),
    audio_tokens: reported('Audio'),
    image_tokens: reported('Images'),
  }),
  completion_tokens_details: object({
    reasoning_tokens: reported('Reasoning'),
    audio_tokens: reported('Audio'),
    image_tokens: reported('Images'),
    accepted_prediction_tokens: reported('Prediction that was right'),
    rejected_prediction_tokens: reported('Prediction that was wrong'),
  }),
  cache_read_input_tokens: reported('Input that the cache served'),
  cache_creation_input_tokens: reported('Input that was cached'),
  cache_creation_1h_input_tokens: reported('Input that was cached for an hour'),
  web_search_requests: optional(count('Searches.', 1)),
  service_tier: optional(text('Tier of the service.', 'default')),
  source: optional(word('Who counted.', ['provider', 'counted', 'estimated'])),
});

/** What the ledger knows beside LiteLLM's columns; what clients sent as metadata lies beside. */
const metadata = note(
  z.catchall(
    z.object({
      user_api_key: keyHash,
      user_api_key_alias: orNull(text('Its alias.', 'ci')),
      user_api_key_user_id: orNull(text('Its user.', 'ada')),
      user_api_key_team_id: orNull(text('Its team.', 'platform')),
      user_api_key_org_id: orNull(text('Its organization.', 'acme')),
      user_api_key_project_id: orNull(text('Its project.', 'search')),
      status: word('How it ended.', ['success', 'error', 'aborted', 'expired']),
      usage_object: orNull(usage),
      cost_breakdown: map('Parts of the cost and `total_cost`, by class.', orNull(usd('Part', 0.0003))),
      price: facts('Where the price came from.', { source: 'catalog', version: 'litellm-2026-08-01' }),
      held: orNull(usd('What was held for it', 0.01)),
      warnings: names('What was dropped or changed on the way.'),
      error_information: orNull(
        object({
          error_class: text('Kind.', 'rate_limit'),
          error_message: text('For people.', 'Too many requests.'),
          error_code: text('HTTP status.', '429'),
        }),
      ),
      attempts: count('Tries.', 1),
      route: text('Route of the client.', '/v1/chat/completions'),
      stream: flag('Whether it was streamed.'),
      client_dialect: text("Client's wire format.", 'openai-chat'),
      upstream_dialect: optional(text("Provider's wire format.", 'openai-chat')),
      http_status: count('HTTP status.', 200),
      user_agent: optional(text("Client's program.", 'OpenAI/Python 1.99.1')),
    }),
    z.unknown(),
  ),
  { id: 'SpendMetadata', description: 'What the ledger knows beside; further fields are what the client sent as metadata.' },
);

/** A row of the ledger. */
export const entry = component('SpendEntry', 'An entry of the ledger: one call, or what an operator booked.', {
  request_id: text('The call.', '01m81j19f8dze30g83hxzf1b2a'),
  call_type: text("LiteLLM's name for the kind of call; `adjustment` for what an operator booked.", 'acompletion'),
  api_key: keyHash,
  spend: orNull(usd('Cost; null where the price is unknown; negative where spend was taken back')),
  total_tokens: tokens('Input and output', 1500),
  prompt_tokens: tokens('Input'),
  completion_tokens: tokens('Output', 300),
  startTime: moment('Arrival'),
  endTime: moment('End'),
  completionStartTime: orNull(moment('First token of a stream, else first byte')),
  request_duration_ms: ms('From arrival to end'),
  model,
  model_id: orNull(text('Deployment.', '4dff4ea340f0a823f15d3f4f01ab62ea')),
  model_group: text('Name the client called.', 'fast'),
  custom_llm_provider: orNull(text('Provider.', 'openai')),
  api_base: text("Empty: addresses are the operator's.", ''),
  user: text('User; empty without one.', 'ada'),
  metadata,
  cache_hit: word('Whether a cache answered.', ['False']),
  cache_key: text('Empty.', ''),
  request_tags: names('Tags.', 'prod'),
  team_id: orNull(text('Team.', 'platform')),
  organization_id: orNull(text('Organization.', 'acme')),
  end_user: orNull(text('Customer.', 'customer-17')),
  requester_ip_address: orNull(text('Address of the client.', '192.0.2.1')),
  messages: facts('Empty: see `/spend/logs/ui/{id}`.'),
  response: facts('Empty: see `/spend/logs/ui/{id}`.'),
  session_id: orNull(text("Client's name for a run of calls.", 'run-7')),
  status: word('Whether it went well.', ['success', 'failure']),
});

const summary = note(
  z.catchall(
    z.object({
      startTime: day('Day'),
      spend: usd('Of the day'),
      unpriced_requests: count('Calls whose price is unknown; they are missing from spend.', 0),
      users: map('By user.', usd('Spend')),
      models: map('By model.', usd('Spend')),
    }),
    usd('Of the key that is the name of the field'),
  ),
  { id: 'SpendOfDay', description: 'A day of calls. Each further field is the hash of a key, and what its calls cost, USD.' },
);

const pages = answers(
  object({ data: list(entry), ...PAGE, total_is_capped: flag('Always false: what would be cut off is refused.') }),
);

const facet = answers(
  object({
    data: names('Names of this page.', 'ada'),
    meta: object({
      page: count('This page, from 1.', 1),
      page_size: count('Names a page.', 50),
      has_more: flag('Whether there is another page.'),
    }),
    links: object({
      self: text('Path and query of this page.', '/management/v1/spend_logs/users?page=1'),
      prev: orNull(text('Of the one before.', '/management/v1/spend_logs/users?page=1')),
      next: orNull(text('Of the next one.', '/management/v1/spend_logs/users?page=2')),
    }),
  }),
);

const perKey = component('SpendOfKey', 'What a key cost, by model.', {
  api_key: keyHash,
  total_cost: usd('Of all its models'),
  total_input_tokens: tokens('Input'),
  total_output_tokens: tokens('Output', 300),
  model_details: list(
    object({
      model,
      total_cost: usd('Of the model'),
      total_input_tokens: tokens('Input'),
      total_output_tokens: tokens('Output', 300),
    }),
  ),
});
const report = answers(list(perKey));

const OF_MODEL = {
  total_spend: usd('All of it'),
  metadata: list(
    object({ model, api_key: keyHash, spend: usd('Of key and model'), total_tokens: tokens('Input and output', 1500) }),
  ),
};
const midnight = text('Midnight in UTC.', '2026-11-22T00:00:00+00:00');
const dayOfTeams = component('DayOfTeams', 'What teams cost on a day.', {
  group_by_day: midnight,
  teams: list(object({ team_name: text('Alias, or id.', 'Platform'), team_id: text('Team.', 'platform'), ...OF_MODEL })),
});
const dayOfCustomers = component('DayOfCustomers', 'What customers cost on a day.', {
  group_by_day: midnight,
  customers: list(object({ customer: text('Customer.', 'customer-17'), ...OF_MODEL })),
});

const total = usd('Of all calls');
const owner = {
  max_budget: LIMITS.max_budget,
  budget_duration: LIMITS.budget_duration,
  tpm_limit: LIMITS.tpm_limit,
  rpm_limit: LIMITS.rpm_limit,
};

const ACTIVITY = {
  daily_data: list(
    object({ date: shortDay, api_requests: count('Requests.', 120), total_tokens: tokens('Input and output', 150_000) }),
  ),
  sum_api_requests: count('Requests of all days.', 120),
  sum_total_tokens: tokens('Input and output of all days', 150_000),
};
const EXCEPTIONS = {
  daily_data: list(object({ date: shortDay, num_rate_limit_exceptions: count('Calls that ended with 429.', 2) })),
  sum_num_rate_limit_exceptions: count('Of all days.', 2),
};

const bodyFacts = object({
  content_type: orNull(text('Content type.', 'application/json')),
  bytes: count('Size, bytes.', 512),
  cut: flag('True: it was longer than what is kept.'),
  redacted: flag('True: words were taken out.'),
});

/** By route. */
export const SPEND_ANSWERS: Answers = {
  'GET /spend/logs': answers(
    note(z.union([list(entry), list(summary)]), { description: 'Entries, newest first; or their sums by day, oldest first.' }),
  ),
  'GET /spend/logs/v2': pages,
  'GET /spend/logs/ui': pages,
  'GET /spend/logs/session/ui': pages,
  'GET /spend/logs/ui/{id}': answers(
    orNull(
      object({
        request_id: text('The call.', '01m81j19f8dze30g83hxzf1b2a'),
        messages: anything('Messages or input of the request.', [{ role: 'user', content: 'Hello' }]),
        proxy_server_request: anything('The whole request.', { model: 'fast' }),
        response: anything('The whole answer.', { id: 'chatcmpl-1' }),
        request: bodyFacts,
        answer: bodyFacts,
      }),
    ),
  ),
  'GET /management/v1/spend_logs/users': facet,
  'GET /management/v1/spend_logs/end_users': facet,
  'GET /spend/keys': answers(list(key)),
  'GET /spend/users': answers(
    list(
      object({
        user_id: text('User.', 'ada'),
        user_alias: orNull(text('What people call the user.', 'Ada')),
        user_email: orNull(text('E-mail.', 'ada@example.org')),
        user_role: orNull(text('Role.', 'internal_user')),
        spend: total,
        requests: count('Requests.', 120),
        models: names('Models the user may call.'),
        teams: names('Teams.', 'platform'),
        ...owner,
      }),
    ),
  ),
  'GET /spend/teams': answers(
    list(
      object({
        team_id: text('Team.', 'platform'),
        team_alias: orNull(text('What people call it.', 'Platform')),
        organization_id: orNull(text('Organization.', 'acme')),
        spend: usd('What counts as spent over its life'),
        requests: count('Requests.', 120),
        ...owner,
      }),
    ),
  ),
  'GET /spend/tags': answers(
    list(object({ individual_request_tag: text('Tag.', 'prod'), log_count: count('Requests.', 120), total_spend: total })),
  ),
  'POST /global/spend/reset': answers(
    object({
      message: text('For people.', 'Spend for all API Keys and Teams reset successfully'),
      status: word('Done.', ['success']),
    }),
    409,
    503,
  ),
  'POST /global/spend/refresh': answers(
    object({
      message: text('For people.', 'Nothing to refresh: totals follow the ledger by themselves.'),
      status: word('Done.', ['success']),
    }),
  ),
  'GET /provider/budgets': answers(
    object({
      providers: map(
        'Budgets by provider.',
        object({
          budget_limit: orNull(usd('Most that may be spent there', 100)),
          time_period: orNull(text('Length of a window.', '1d')),
          spend: orNull(usd('Spent in this window')),
          budget_reset_at: orNull(moment('End of this window')),
        }),
      ),
    }),
  ),
  'GET /global/spend': answers(
    object({
      spend: total,
      max_budget: orNull(usd('Most that all calls together may cost', 1000)),
      unpriced_requests: count('Calls whose price is unknown; they are missing from spend.', 0),
    }),
  ),
  'GET /global/spend/logs': answers(list(object({ date: day('Day'), spend: usd('Of the day'), api_key: optional(keyHash) }))),
  'GET /global/spend/keys': answers(
    list(
      object({
        api_key: keyHash,
        key_alias: orNull(text('What people call it.', 'ci')),
        key_name: orNull(text('The secret, but for its end.', 'sk-...Xy12')),
        total_spend: total,
      }),
    ),
  ),
  'GET /global/spend/teams': answers(
    object({
      daily_spend: list(
        note(z.catchall(z.object({ date: day('Day') }), usd('Of the team that is the name of the field')), {
          description: 'A day; each further field is a team, and what it cost, USD.',
        }),
      ),
      teams: names('Teams.', 'Platform'),
      total_spend_per_team: list(object({ team_id: text('Alias, or id.', 'Platform'), total_spend: total })),
    }),
  ),
  'POST /global/spend/end_users': answers(
    list(object({ end_user: text('Customer.', 'customer-17'), total_count: count('Requests.', 120), total_spend: total })),
  ),
  'GET /global/all_end_users': answers(object({ end_users: names('Customers.', 'customer-17') })),
  'GET /global/spend/models': answers(
    list(object({ model, total_spend: total, total_tokens: tokens('Input and output', 150_000) })),
  ),
  'GET /global/spend/provider': answers(list(object({ provider: text('Provider.', 'openai'), spend: total }))),
  'GET /global/spend/report': answers(
    note(z.union([list(dayOfTeams), list(dayOfCustomers), list(perKey)]), {
      description: 'Days of teams (the default) or of customers, or keys, as `group_by` says.',
    }),
  ),
  'GET /global/spend/all_tag_names': answers(object({ tag_names: names('Tags.', 'prod') })),
  'GET /global/spend/tags': answers(
    object({ spend_per_tag: list(object({ name: text('Tag.', 'prod'), spend: total, log_count: count('Requests.', 120) })) }),
  ),
  'GET /global/activity': answers(object(ACTIVITY)),
  'GET /global/activity/model': answers(list(object({ model: text('Name the client called.', 'fast'), ...ACTIVITY }))),
  'GET /global/activity/cache_hits': answers(
    object({
      daily_data: list(
        object({
          date: shortDay,
          cache_hits: count('Requests a cache answered.', 0),
          llm_api_calls: count('Requests a model answered.', 120),
        }),
      ),
      sum_cache_hits: count('Of all days.', 0),
      sum_llm_api_calls: count('Of all days.', 120),
    }),
  ),
  'GET /global/activity/exceptions': answers(object(EXCEPTIONS)),
  'GET /global/activity/exceptions/deployment': answers(
    list(
      object({
        deployment: text('Deployment; empty where none was reached.', '4dff4ea340f0a823f15d3f4f01ab62ea'),
        ...EXCEPTIONS,
      }),
    ),
  ),
  ...Object.fromEntries(['key', 'user', 'team', 'organization'].map((scope) => [`GET /${scope}/spend/report`, report])),
};
