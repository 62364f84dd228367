/** Which bodies are kept, and what is taken out of them first. */
import { isObject } from '../kinds/json.ts';

/** What is done with the bodies of a call. `redacted`: their shape is kept, their words are not. */
export type Keeping = 'none' | 'redacted' | 'whole';

/** What is known of a call when that is decided; the first that says something wins, redaction and `no-log` always. */
export interface KeepingFacts {
  /** Of the operator: keep bodies of calls whose key and team say nothing. */
  readonly keep: boolean;
  /** Of the operator: without their words. */
  readonly redact: boolean;
  /** Metadata of the key, then of its team. */
  readonly metadata: readonly Readonly<Record<string, unknown>>[];
  /** Header `x-litellm-enable-message-redaction`. */
  readonly redactionHeader?: string | undefined;
  /** The request said `no-log: true`. */
  readonly unlogged: boolean;
}

/** LiteLLM's names: `store_prompts_in_spend_logs` and `turn_off_message_logging` in the metadata of a key or a team. */
export function keepingOf({ keep, redact, metadata, redactionHeader, unlogged }: KeepingFacts): Keeping {
  if (unlogged) return 'none';
  const said = metadata.map((facts) => facts['store_prompts_in_spend_logs']).find((value) => typeof value === 'boolean');
  if (!(said ?? keep)) return 'none';
  const isRedacted =
    redact || redactionHeader?.toLowerCase() === 'true' || metadata.some((facts) => facts['turn_off_message_logging'] === true);
  return isRedacted ? 'redacted' : 'whole';
}

const REDACTED = 'redacted';
/** Fields whose texts are names and not content. */
const NAMES = new Set([
  'model',
  'role',
  'type',
  'object',
  'id',
  'finish_reason',
  'stop_reason',
  'status',
  'service_tier',
  'tool_choice',
]);
/** Fields whose text is a credential, whoever sent it. */
const SECRET = /(^|[_-])(api[_-]?key|secret|password|authorization|(access|auth|bearer|refresh|id)[_-]?token|credentials?)$/i;

/** A body without its words: texts are replaced, but for names; numbers, flags and structure stay. */
export function withoutContent(value: unknown, field = ''): unknown {
  if (typeof value === 'string') return NAMES.has(field) ? value : REDACTED;
  if (Array.isArray(value)) return value.map((item) => withoutContent(item, field));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutContent(inner, name)]));
}

/**
 * A body without credentials: texts under names of credentials, and whatever `redact` finds in any text.
 *
 * @param redact takes out of a text what has the form of a key
 */
export function withoutSecrets(value: unknown, redact: (text: string) => string, field = ''): unknown {
  if (typeof value === 'string') return SECRET.test(field) ? REDACTED : redact(value);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, redact, field));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutSecrets(inner, redact, name)]));
}
