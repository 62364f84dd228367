/** The stores on DynamoDB, by port. */
import type { Stores } from '../stores.ts';
import type { Dynamo } from './commands.ts';
import { createCheckpointStore } from './checkpoints.ts';
import { createConversationStore } from './conversations.ts';
import { createCredentialStore } from './credentials.ts';
import { createAuditStore, createEntityStore } from './entities.ts';
import { createKeyStore } from './keys.ts';
import { createLedgerStore } from './ledger.ts';
import { createLinkStore } from './link-keeper.ts';
import { completeness } from './links.ts';
import { createMemberStore } from './members.ts';
import { createMeterStore } from './meters.ts';
import { createModelStore } from './models.ts';
import { createOwnedStore, TEAMS, USERS } from './owned-entities.ts';
import type { TableNames } from './schema.ts';
import { createTaskStore } from './tasks.ts';
import { createTotalStore } from './totals.ts';

export { createDynamoClient } from './client.ts';
export { DYNAMO_HTTP, type DynamoOptions } from './connection.ts';
export type { Dynamo } from './commands.ts';
export { entryFromImage } from './entry-document.ts';
export { createTables, TABLES, type TableNames } from './schema.ts';

/**
 * Every store of the tables.
 *
 * @example const { keys, meters } = open(createDynamoClient(), { registry: 'r', meters: 'm', ledger: 'l', totals: 't' });
 */
export function open(client: Dynamo, names: TableNames): Stores {
  const registry = { client, table: names.registry };
  const isLinkedThroughout = completeness(registry);
  return {
    teams: createOwnedStore(registry, TEAMS, isLinkedThroughout),
    users: createOwnedStore(registry, USERS, isLinkedThroughout),
    organizations: createEntityStore(registry, 'organization'),
    projects: createEntityStore(registry, 'project'),
    customers: createEntityStore(registry, 'customer'),
    tags: createEntityStore(registry, 'tag'),
    budgets: createEntityStore(registry, 'budget'),
    accessGroups: createEntityStore(registry, 'access-group'),
    claimMappings: createEntityStore(registry, 'claim-mapping'),
    roleMappings: createEntityStore(registry, 'role-mapping'),
    invitations: createEntityStore(registry, 'invitation'),
    tasks: createTaskStore(registry),
    deletedKeys: createEntityStore(registry, 'deleted-key'),
    deletedTeams: createEntityStore(registry, 'deleted-team'),
    members: createMemberStore(registry),
    audit: createAuditStore(registry),
    keys: createKeyStore(registry, isLinkedThroughout),
    links: createLinkStore(registry),
    models: createModelStore(registry),
    publicModels: createEntityStore(registry, 'public-models'),
    priceMaps: createEntityStore(registry, 'price-map'),
    pricePages: createEntityStore(registry, 'price-page'),
    credentials: createCredentialStore(registry),
    conversations: createConversationStore(client, names.meters),
    meters: createMeterStore(client, names.meters),
    ledger: createLedgerStore(client, names.ledger),
    totals: createTotalStore(client, names.totals),
    checkpoints: createCheckpointStore(client, names.totals),
  };
}
