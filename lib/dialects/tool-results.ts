/** Where dialects without a role for tool results keep them: in the messages of the user, beside what else is said. */
import type { Message, Part } from '../kinds/generate.ts';

/** A message of such a dialect: its results as a message of the tool, before the rest. */
export function resultsFirst(role: Message['role'], parts: readonly Part[]): Message[] {
  const results = parts.filter((part) => part.type === 'tool-result');
  if (results.length === 0) return [{ role, parts }];
  const others = parts.filter((part) => part.type !== 'tool-result');
  return [{ role: 'tool', parts: results }, ...(others.length === 0 ? [] : [{ role, parts: others }])];
}
