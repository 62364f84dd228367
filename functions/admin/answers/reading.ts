/** Answers of `/management/v1/...`. */
import type { ZodMiniType } from 'zod/mini';
import { answers, count, flag, list, object, orNull, text, type Answered, type Answers } from './fields.ts';
import { key } from './keys.ts';
import { listedUser, team } from './people.ts';
import { budget } from './records.ts';
import { entry } from './spend.ts';

const META = object({
  page_size: count('Most rows of a page.', 50),
  has_more: flag('True: read on; the next page may have no rows.', true),
  next_cursor: orNull(text('Where to read on; null at the end.', 'WyJiM2…')),
});
const LINKS = object({
  self: text('This page.', '/management/v1/keys?page_size=50'),
  next: orNull(text('The next one; null at the end.', '/management/v1/keys?page_size=50&cursor=WyJiM2…')),
});

const pageOf = (row: ZodMiniType): Answered => answers(object({ data: list(row), meta: META, links: LINKS }));

/** By route. */
export const READING_ANSWERS: Answers = {
  'GET /management/v1/budgets': pageOf(budget),
  'GET /management/v1/keys': pageOf(key),
  'GET /management/v1/teams': pageOf(team),
  'GET /management/v1/users': pageOf(listedUser),
  'GET /management/v1/spend_logs': pageOf(entry),
};
