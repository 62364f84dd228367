/** What rows of every kind share: limits, figures, history, and fields that are kept as they were given. */
import { KEPT_FIELDS } from '../../../lib/management/fields.ts';
import {
  anything,
  component,
  count,
  facts,
  flag,
  list,
  map,
  moment,
  names,
  object,
  optional,
  orNull,
  text,
  usd,
  word,
} from './fields.ts';

const duration = (description: string) => text(description, '30d');

/** The limits that LiteLLM's rows nest. */
const CAPS = {
  budget_id: orNull(text('Shared budget that fills in what is not set here.', 'starter')),
  max_budget: orNull(usd('Most that may be spent in a window', 100)),
  soft_budget: orNull(usd('Spend at which somebody is told', 80)),
  budget_duration: orNull(duration('Length of the budget window; without one it is for life.')),
  budget_reset_at: orNull(moment('End of the current window')),
  max_parallel_requests: orNull(count('Requests open at once.', 10)),
  tpm_limit: orNull(count('Tokens a minute.', 100_000)),
  rpm_limit: orNull(count('Requests a minute.', 60)),
  model_max_budget: map(
    'Budgets by model, or pattern of models.',
    object({
      max_budget: usd('Most that may be spent on it', 10),
      budget_duration: orNull(duration('Length of the window.')),
    }),
  ),
};

/** Limits under LiteLLM's names. */
export const LIMITS = {
  ...CAPS,
  budget_alignment: optional(word('Windows begin where the calendar says.', ['calendar'])),
  budget_limits: orNull(
    list(
      object({
        budget_duration: duration('Length of the window.'),
        max_budget: usd('Most that may be spent in it', 10),
        reset_at: orNull(moment('End of the current one')),
      }),
    ),
  ),
  model_rpm_limit: orNull(map('Requests a minute, by model.', count('Requests.', 60))),
  model_tpm_limit: orNull(map('Tokens a minute, by model.', count('Tokens.', 10_000))),
  token_rate_limit_type: optional(word('Which tokens count for `tpm_limit`.', ['total', 'input', 'output'])),
  temp_budget_increase: orNull(usd('Raises `max_budget` for a time', 20)),
  temp_budget_expiry: orNull(moment('When the raise ends')),
  throttle_on_budget_exceeded: flag('Over its budget, calls go on at a reduced rate.'),
};

/** The limits in force, as LiteLLM's rows nest them. */
export const budgetTable = component('BudgetTable', 'Limits in force, those of a shared budget filled in.', CAPS);

/** What is counted of an owner. */
export const COUNTED = {
  spend: usd('What counts as spent: in the current budget window, without a budget over the whole life'),
  total_spend: usd('What all its calls ever cost', 12.5),
  unpriced_requests: count('Calls whose price is unknown; they are missing from spend.', 0),
};

/** Figures of an owner; null where nobody counts them. */
export const FIGURES = {
  spend: orNull(COUNTED.spend),
  total_spend: orNull(COUNTED.total_spend),
  held: usd('Held by open requests', 0.01),
  unpriced_requests: orNull(COUNTED.unpriced_requests),
  model_spend: map('Spent of each budget of `model_max_budget`, in its current window.', usd('Spent', 2.5)),
};

/** Limits and figures of a record, with the limits in force. */
export const STANDING = { ...LIMITS, ...FIGURES, litellm_budget_table: orNull(budgetTable) };

/** When a record was made and changed, and by whom. */
export const HISTORY = {
  created_at: moment('When it was made'),
  created_by: orNull(text('Who made it: a user, an alias of a key, or `master`.', 'master')),
  updated_at: moment('When it was last changed'),
  updated_by: orNull(text('Who changed it last.', 'master')),
};

/** Whom a record belongs to, and what it says of its calls. */
export const OWN = {
  team_id: orNull(text('Team it belongs to.', 'platform')),
  organization_id: orNull(text('Organization it belongs to.', 'acme')),
  models: names('Models that may be called: names, patterns, access groups; all where there are none.', 'gpt-4o-mini'),
  aliases: map('Its own names for models.', text('Model.', 'gpt-4o-mini')),
  tags: names('Tags of all its calls.', 'prod'),
  metadata: facts('Facts of its owner.'),
};

/** Fields that mean nothing here and are shown as they were given. */
export const keptAs = (fields: readonly string[]) =>
  Object.fromEntries(fields.map((name) => [name, optional(anything('As it was given; without an effect here.'))]));

/** Those of LiteLLM that every kind of record has. */
export const KEPT = keptAs(KEPT_FIELDS);

/** Where a page is in a listing that says it another way. @param what in words: `Keys` */
export const countedPage = (what: string) => ({
  total_count: count(`${what} in all pages.`, 42),
  current_page: count('This page, from 1.', 1),
  total_pages: count('Pages.', 2),
});

/** A page of a listing. */
export const PAGE = {
  total: count('Records in all pages.', 42),
  page: count('This page, from 1.', 1),
  page_size: count('Records a page.', 25),
  total_pages: count('Pages.', 2),
};
