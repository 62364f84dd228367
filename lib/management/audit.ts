/**
 * The audit of management: every change leaves a row with what was before and after, who did it and with which key. The row is written
 * after the change. When it cannot be written the change stands and the call still answers, and the log has the row instead, at level
 * `error`: a half-made change that is told as failed would be repeated by its caller.
 */
import type { AuditEntry } from '../domain/audit.ts';
import { newCallId } from '../domain/call-id.ts';
import type { Caller } from '../exchange.ts';
import { describeError } from '../log.ts';
import { actorOf, isAdmin } from './access.ts';
import type { ManagementDeps } from './deps.ts';

/** A change as management made it: rows as the API answers them; what may be secret is cut from them here. */
export interface Change {
  readonly action: AuditEntry['action'];
  /** `key`, `team`, `user`, ... */
  readonly kind: string;
  readonly id: string;
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

/** Names of fields whose values are never written down. */
const SECRET = /secret|password|api_key|credential_values|access_token/i;

/**
 * Writes the row of a change. Never throws. The `litellm-changed-by` header is believed of admins only.
 */
export async function audit(deps: ManagementDeps, caller: Caller, change: Change): Promise<void> {
  const at = deps.now();
  const entry: AuditEntry = {
    id: newCallId(at, deps.random),
    at,
    action: change.action,
    kind: change.kind,
    recordId: change.id,
    changedBy: (isAdmin(caller) ? deps.changedBy : undefined) ?? actorOf(caller),
    keyHash: caller.type === 'master' ? 'master' : caller.key.hash,
    ...(change.before === undefined ? {} : { before: withoutSecrets(change.before) }),
    ...(change.after === undefined ? {} : { after: withoutSecrets(change.after) }),
  };
  try {
    await deps.audit.append(entry);
  } catch (error) {
    deps.log('error', 'an audit row could not be written', { ...entry, error: describeError(error) });
  }
}

/** A record without the values of its secret fields, at any depth. */
function withoutSecrets(record: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, SECRET.test(name) ? '***' : cleaned(value)]));
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  return typeof value === 'object' && value !== null ? withoutSecrets(value) : value;
}
