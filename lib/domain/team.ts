/** Teams, and who belongs to a group. */
import type { Entity } from './entity.ts';
import type { Limits } from './limits.ts';

/** A team: keys of its own, members, limits they share. */
export interface Team extends Entity, Limits {
  readonly alias?: string;
  readonly organizationId?: string;
  /** Models its keys may call; empty means all. */
  readonly models: readonly string[];
  /** Names its keys may use instead of model names: the team's map of models (LiteLLM `model_aliases`). */
  readonly aliases: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly blocked: boolean;
  /** Limits of each member within the team, where the membership has none of its own. */
  readonly memberDefaults?: Omit<Limits, 'budgetAnchor'>;
  /** Lifetime of keys that members make (`30d`). */
  readonly memberKeyDuration?: string;
  /** Management routes that members who are no admins may call for the team: `/key/generate`, `/key/info`. */
  readonly memberPermissions: readonly string[];
  /** Names of access groups whose models its keys may call too. */
  readonly accessGroups: readonly string[];
}

/** What people are members of. */
export interface Group {
  readonly kind: 'team' | 'organization';
  readonly id: string;
}

/** A membership, with limits that hold for this user within this group. Times are milliseconds since the epoch. */
export interface Member extends Limits {
  readonly group: Group;
  readonly userId: string;
  /** In a team `admin` or `user`; in an organization a role of the gateway (`org_admin`, `internal_user`, ...). */
  readonly role: string;
  readonly email?: string;
  /** Models the member may call here; empty means those of the group. */
  readonly models: readonly string[];
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly rev: number;
}
