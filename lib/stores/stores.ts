import type { ConversationStore } from './conversations.ts';
import type { CredentialStore } from './credentials.ts';
import type { KeyStore } from './keys.ts';
import type { LedgerStore } from './ledger.ts';
import type { MeterStore } from './meters.ts';
import type { ModelStore } from './models.ts';
import type { TotalStore } from './totals.ts';

/** Every store that one database carries; secrets live elsewhere. */
export interface Stores {
  readonly keys: KeyStore;
  readonly models: ModelStore;
  readonly credentials: CredentialStore;
  readonly conversations: ConversationStore;
  readonly meters: MeterStore;
  readonly ledger: LedgerStore;
  readonly totals: TotalStore;
}
