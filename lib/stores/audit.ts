import type { AuditEntry } from '../domain/audit.ts';
import type { Page } from './keys.ts';

/** Port: the audit log. Entries are immutable. */
export interface AuditStore {
  append(entry: AuditEntry): Promise<void>;
  get(id: string): Promise<AuditEntry | undefined>;
  /** Newest first. */
  list(page: { readonly limit: number; readonly cursor?: string }): Promise<Page<AuditEntry>>;
}
