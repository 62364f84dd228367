/** The stores in memory, by port: for unit tests and for local runs without a database. */
import { ownersOfTeam, ownersOfUser } from '../../domain/owned.ts';
import type { Stores } from '../stores.ts';
import { createCheckpointStore } from './checkpoints.ts';
import { createConversationStore } from './conversations.ts';
import { createAuditStore, createEntityStore, createLinkStore, createMemberStore, createOwnedStore } from './entities.ts';
import { createLedgerStore } from './ledger.ts';
import { createMeterStore } from './meters.ts';
import { createCredentialStore, createKeyStore, createModelStore } from './registry.ts';
import { createTaskStore } from './tasks.ts';
import { createTotalStore } from './totals.ts';

export { createSecretStore } from './secrets.ts';

/** Every store, empty. */
export function open(): Stores {
  return {
    teams: createOwnedStore(ownersOfTeam),
    users: createOwnedStore(ownersOfUser),
    organizations: createEntityStore(),
    projects: createEntityStore(),
    customers: createEntityStore(),
    tags: createEntityStore(),
    budgets: createEntityStore(),
    accessGroups: createEntityStore(),
    claimMappings: createEntityStore(),
    roleMappings: createEntityStore(),
    invitations: createEntityStore(),
    tasks: createTaskStore(),
    deletedKeys: createEntityStore(),
    deletedTeams: createEntityStore(),
    members: createMemberStore(),
    audit: createAuditStore(),
    keys: createKeyStore(),
    links: createLinkStore(),
    models: createModelStore(),
    publicModels: createEntityStore(),
    priceMaps: createEntityStore(),
    pricePages: createEntityStore(),
    credentials: createCredentialStore(),
    conversations: createConversationStore(),
    meters: createMeterStore(),
    ledger: createLedgerStore(),
    totals: createTotalStore(),
    checkpoints: createCheckpointStore(),
  };
}
