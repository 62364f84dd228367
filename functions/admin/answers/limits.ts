/** What rows of every kind share: limits, figures, history, and fields that are kept as they were given. */
import { KEPT_FIELDS } from '../../../lib/management/fields.ts';
import { anything, component, count, flag, list, map, moment, object, optional, orNull, text, usd, word } from './fields.ts';

const duration = (description: string) => text(description, '30d');

/** Limits under LiteLLM's names. */
export const LIMITS = {
  max_budget: orNull(usd('Most that may be spent in a window', 100)),
  soft_budget: orNull(usd('Spend at which somebody is told', 80)),
  budget_duration: orNull(duration('Length of the budget window; without one it is for life.')),
  budget_reset_at: orNull(moment('End of the current window')),
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
  model_max_budget: map(
    'Budgets by model, or pattern of models.',
    object({
      max_budget: usd('Most that may be spent on it', 10),
      budget_duration: orNull(duration('Length of the window.')),
    }),
  ),
  model_rpm_limit: orNull(map('Requests a minute, by model.', count('Requests.', 60))),
  model_tpm_limit: orNull(map('Tokens a minute, by model.', count('Tokens.', 10_000))),
  rpm_limit: orNull(count('Requests a minute.', 60)),
  tpm_limit: orNull(count('Tokens a minute.', 100_000)),
  token_rate_limit_type: optional(word('Which tokens count for `tpm_limit`.', ['total', 'input', 'output'])),
  max_parallel_requests: orNull(count('Requests open at once.', 10)),
  temp_budget_increase: orNull(usd('Raises `max_budget` for a time', 20)),
  temp_budget_expiry: orNull(moment('When the raise ends')),
  throttle_on_budget_exceeded: flag('Over its budget, calls go on at a reduced rate.'),
  budget_id: orNull(text('Shared budget that fills in what is not set here.', 'starter')),
};

/** The limits in force, as LiteLLM's rows nest them. */
export const budgetTable = component('BudgetTable', 'Limits in force, those of a shared budget filled in.', {
  budget_id: LIMITS.budget_id,
  max_budget: LIMITS.max_budget,
  soft_budget: LIMITS.soft_budget,
  budget_duration: LIMITS.budget_duration,
  budget_reset_at: LIMITS.budget_reset_at,
  max_parallel_requests: LIMITS.max_parallel_requests,
  tpm_limit: LIMITS.tpm_limit,
  rpm_limit: LIMITS.rpm_limit,
  model_max_budget: LIMITS.model_max_budget,
});

/** Figures of an owner; null where nobody counts them. */
export const FIGURES = {
  spend: orNull(usd('What counts as spent: in the current budget window, without a budget over the whole life')),
  total_spend: orNull(usd('What all its calls ever cost', 12.5)),
  held: usd('Held by open requests', 0.01),
  unpriced_requests: orNull(count('Calls whose price is unknown; they are missing from spend.', 0)),
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

/** Fields of LiteLLM that mean nothing here and are shown as they were given. */
export const KEPT = Object.fromEntries(
  KEPT_FIELDS.map((name) => [name, optional(anything('As it was given; without an effect here.'))]),
);

/** A page of a listing. */
export const PAGE = {
  total: count('Records in all pages.', 42),
  page: count('This page, from 1.', 1),
  page_size: count('Records a page.', 25),
  total_pages: count('Pages.', 2),
};
