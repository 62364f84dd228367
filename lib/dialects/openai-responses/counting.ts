/**
 * Counting tokens (`POST /v1/responses/input_tokens`): a response that is not made. Source: the type declarations of the `openai` package
 * (6.x, `resources/responses/input-tokens.d.ts`).
 */
import { tokensIn } from '../counted.ts';
import type { Counting } from '../dialect.ts';

/** Fields of a response that its count has too; the API refuses others. */
const COUNTED: ReadonlySet<string> = new Set([
  'model',
  'input',
  'instructions',
  'parallel_tool_calls',
  'previous_response_id',
  'reasoning',
  'text',
  'tool_choice',
  'tools',
  'truncation',
]);

/** How providers of this dialect count. */
export const counting: Counting = {
  bodyOf: (body) => Object.fromEntries(Object.entries(body).filter(([field]) => COUNTED.has(field))),
  tokensOf: (answer) => tokensIn(answer, 'input_tokens'),
};
