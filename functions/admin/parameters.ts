/** Parameters of management in words. One that is not here is a text, and its name says it all. */
import type { JsonObject } from '../../lib/kinds/json.ts';

const whole = (description: string, schema: JsonObject = {}): JsonObject => ({
  description,
  schema: { type: 'integer', minimum: 1, ...schema },
});
const text = (description: string, schema: JsonObject = {}): JsonObject => ({
  description,
  schema: { type: 'string', ...schema },
});
const oneOf = (description: string, ...words: readonly string[]): JsonObject => text(description, { enum: words });

/** By name. */
const KNOWN: Readonly<Record<string, JsonObject>> = {
  page: whole('Page of the listing, from 1.', { default: 1 }),
  page_size: whole('Records a page.'),
  size: whole('Records a page.'),
  hours: whole('Hours between two reloads.', { maximum: 8760 }),
  limit: whole('Most rows.'),
  cursor: text('`next_cursor` of an earlier page: where to go on.'),
  sort_by: text('Field to sort by.'),
  sort_order: oneOf('Order.', 'asc', 'desc'),
  sortBy: text('Field to sort by.'),
  sortOrder: oneOf('Order.', 'asc', 'desc'),
  search: text('Only names that have this within them.'),
  start_date: text('First day in UTC, or a moment.', { examples: ['2026-11-01'] }),
  end_date: text('Last day in UTC, included, or a moment.', { examples: ['2026-11-30'] }),
  startTime: text('First day in UTC, or a moment; seven days before the end by default.', { examples: ['2026-11-15'] }),
  endTime: text('Last day in UTC, included, or a moment; now by default.', { examples: ['2026-11-22T12:00:00Z'] }),
  _selected_model_group: text('Model as clients call it; all of them by default.'),
  customer: text('Customer of the calls.'),
  'filter[startTime][gte]': text('First moment, or day, in UTC.', { examples: ['2026-11-22T08:00:00Z'] }),
  'filter[startTime][lte]': text('Last moment, or day, in UTC.', { examples: ['2026-11-22T09:00:00Z'] }),
  q: text('Only names that have this within them.'),
  format: oneOf('`csv` gives a table.', 'json', 'csv'),
  summarize: oneOf('`true`: sums by day; `false`: entries.', 'true', 'false'),
  status_filter: oneOf('How calls ended.', 'success', 'failure'),
  return_full_object: oneOf('`true` gives rows instead of hashes.', 'true', 'false'),
  include_team_keys: oneOf("`true`: with keys of the user's teams.", 'true', 'false'),
  min_spend: text('Least cost, USD.'),
  max_spend: text('Most cost, USD.'),
  key: text('Secret or hash of a key.'),
  api_key: text('Secret or hash of a key.'),
  invitation_id: text('Link or id of an invitation.'),
  invite_link: text('The link of an invitation.'),
  tag_filter: text('Only tags that have this within them.'),
  tag_filters: text('Only these tags, comma-separated.'),
  model_group: text('Model as clients call it.'),
  model: text('Model as called or as served.'),
};

/** What a parameter of the query is. */
export const queryParameter = (name: string): JsonObject => ({
  name,
  in: 'query',
  ...(KNOWN[name] ?? { schema: { type: 'string' } }),
});
