/** What a call is attributed to besides its key: customers (end users of the operator's product) and tags. */
import type { Entity } from './entity.ts';
import type { Limits } from './limits.ts';

/**
 * Whose a customer or a tag is: only calls of that team, or of that organization, may name it. With neither it is everybody's who names it:
 * names of customers and tags are one namespace.
 */
export interface Belonging {
  readonly teamId?: string;
  readonly organizationId?: string;
}

/** True when a record is somebody's. */
export const isOwned = ({ teamId, organizationId }: Belonging): boolean => (teamId ?? organizationId) !== undefined;

/** True when a call of this team and organization may name the record. */
export const mayName = (line: Belonging, { teamId, organizationId }: Belonging): boolean =>
  (teamId === undefined || teamId === line.teamId) && (organizationId === undefined || organizationId === line.organizationId);

/** A customer, known by the id that clients send. Made on first sight. */
export interface Customer extends Entity, Limits, Belonging {
  readonly alias?: string;
  readonly blocked: boolean;
  /** Where the models that serve this customer must be. */
  readonly region?: 'eu' | 'us';
  /** Model for requests that name none. */
  readonly defaultModel?: string;
}

/** A tag: a label on calls with limits of its own. */
export interface Tag extends Entity, Limits, Belonging {
  readonly description?: string;
  /** Models that calls with this tag may use; empty means all. */
  readonly models: readonly string[];
}

/** Limits that many scopes share by reference; each scope counts on its own meters. */
export interface SharedBudget extends Entity, Limits {
  /** Models of whoever has this budget; empty means all. */
  readonly models: readonly string[];
}

/** A name for models, so that lists of models can name them together. */
export interface AccessGroup extends Entity {
  readonly description?: string;
  /** Names of models, wildcards too. */
  readonly models: readonly string[];
}
