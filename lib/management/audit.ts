/**
 * The audit of management: every change leaves a row with what was before and after, who did it and with which key. The row is written
 * after the change. When it cannot be written the change stands and the call still answers, and the log has the row instead, at level
 * `error`: a half-made change that is told as failed would be repeated by its caller.
 */
import type { AuditEntry } from '../domain/audit.ts';
import { newCallId } from '../domain/call-id.ts';
import type { Caller } from '../exchange.ts';
import { describeError } from '../log.ts';
import type { AuditStore } from '../stores/audit.ts';
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

/** What writing a row needs. */
export type AuditDeps = Pick<ManagementDeps, 'now' | 'random' | 'log'> & { readonly audit: Pick<AuditStore, 'append'> };

/** Who makes changes when nobody calls. */
export const KEEPER = { changedBy: 'keeper', keyHash: 'keeper' } as const;

/** Writes the row of a change of a caller's. Never throws. The `litellm-changed-by` header is believed of admins only. */
export const audit = (deps: ManagementDeps, caller: Caller, change: Change): Promise<void> =>
  auditAs(deps, change, {
    changedBy: (isAdmin(caller) ? deps.changedBy : undefined) ?? actorOf(caller),
    keyHash: caller.type === 'master' ? 'master' : caller.key.hash,
  });

/** Writes the row of a change. Never throws. */
export async function auditAs(
  deps: AuditDeps,
  { action, kind, id, before, after }: Change,
  who: Pick<AuditEntry, 'changedBy' | 'keyHash'>,
): Promise<void> {
  const at = deps.now();
  const entry: AuditEntry = {
    id: newCallId(at, deps.random),
    at,
    action,
    kind,
    recordId: id,
    ...who,
    ...(before === undefined ? {} : { before: withoutSecrets(before) }),
    ...(after === undefined ? {} : { after: withoutSecrets(after) }),
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
