import type { AccessGroup, Customer, SharedBudget, Tag } from '../domain/customer.ts';
import type { Deleted } from '../domain/entity.ts';
import type { Invitation } from '../domain/invitation.ts';
import type { VirtualKey } from '../domain/key.ts';
import type { ClaimMapping, RoleMapping } from '../domain/mapping.ts';
import type { Organization, Project } from '../domain/organization.ts';
import type { TeamOwner, UserOwner } from '../domain/owned.ts';
import type { PriceMap, PricePage } from '../domain/price-map.ts';
import type { PublicModels } from '../domain/public-models.ts';
import type { Team } from '../domain/team.ts';
import type { User } from '../domain/user.ts';
import type { AuditStore } from './audit.ts';
import type { CheckpointStore } from './checkpoints.ts';
import type { ConversationStore } from './conversations.ts';
import type { CredentialStore } from './credentials.ts';
import type { EntityStore } from './entities.ts';
import type { KeyStore, OwnedListing } from './keys.ts';
import type { LedgerStore } from './ledger.ts';
import type { LinkStore } from './links.ts';
import type { MemberStore } from './members.ts';
import type { MeterStore } from './meters.ts';
import type { ModelStore } from './models.ts';
import type { TaskStore } from './tasks.ts';
import type { TotalStore } from './totals.ts';

/** Records of the registry by kind: the kind is part of a record's key in the table. */
export interface Entities {
  readonly team: Team;
  readonly user: User;
  readonly organization: Organization;
  readonly project: Project;
  readonly customer: Customer;
  readonly tag: Tag;
  readonly budget: SharedBudget;
  readonly 'access-group': AccessGroup;
  /** Keys that tokens and roles of AWS stand for. */
  readonly 'claim-mapping': ClaimMapping;
  readonly 'role-mapping': RoleMapping;
  readonly invitation: Invitation;
  /** The models that are shown to everybody. */
  readonly 'public-models': PublicModels;
  /** Prices that were fetched: which count, and pages of them. */
  readonly 'price-map': PriceMap;
  readonly 'price-page': PricePage;
  /** History: keys and teams that were deleted. */
  readonly 'deleted-key': Deleted<VirtualKey>;
  readonly 'deleted-team': Deleted<Team>;
}

/** Who there is: stores of records that management makes. */
export interface IdentityStores {
  readonly teams: EntityStore<Team> & OwnedListing<Team, TeamOwner>;
  readonly users: EntityStore<User> & OwnedListing<User, UserOwner>;
  readonly organizations: EntityStore<Organization>;
  readonly projects: EntityStore<Project>;
  readonly customers: EntityStore<Customer>;
  readonly tags: EntityStore<Tag>;
  readonly budgets: EntityStore<SharedBudget>;
  readonly accessGroups: EntityStore<AccessGroup>;
  readonly claimMappings: EntityStore<ClaimMapping>;
  readonly roleMappings: EntityStore<RoleMapping>;
  readonly invitations: EntityStore<Invitation>;
  readonly deletedKeys: EntityStore<Deleted<VirtualKey>>;
  readonly deletedTeams: EntityStore<Deleted<Team>>;
  readonly members: MemberStore;
  readonly audit: AuditStore;
}

/** Every store that one database carries; secrets live elsewhere. */
export interface Stores extends IdentityStores {
  readonly keys: KeyStore;
  readonly links: LinkStore;
  readonly models: ModelStore;
  readonly publicModels: EntityStore<PublicModels>;
  readonly priceMaps: EntityStore<PriceMap>;
  readonly pricePages: EntityStore<PricePage>;
  readonly credentials: CredentialStore;
  readonly conversations: ConversationStore;
  readonly meters: MeterStore;
  readonly ledger: LedgerStore;
  readonly totals: TotalStore;
  readonly checkpoints: CheckpointStore;
  readonly tasks: TaskStore;
}
