/** People who own keys and manage things, and what their role lets them do. */
import type { Entity } from './entity.ts';
import type { Limits } from './limits.ts';

/** Roles of the whole gateway (LiteLLM's names). `org_admin` comes from a membership in an organization. */
export const ROLES = [
  'proxy_admin',
  'proxy_admin_viewer',
  'org_admin',
  'internal_user',
  'internal_user_viewer',
] as const satisfies readonly string[];

/** One of them. */
export type Role = (typeof ROLES)[number];

/** A user. A personal budget counts for keys without a team, unless the operator says otherwise. */
export interface User extends Entity, Limits {
  readonly alias?: string;
  readonly email?: string;
  readonly role: Role;
  /** Id at the identity provider (the `sub` of its tokens). */
  readonly ssoUserId?: string;
  /** Models the user may call; empty means all. */
  readonly models: readonly string[];
  readonly aliases: Readonly<Record<string, string>>;
  /** Teams and organizations the user is a member of; the memberships themselves say as what. */
  readonly teams: readonly string[];
  readonly organizations: readonly string[];
  readonly blocked: boolean;
}

/** What a user is of whom nothing was said. */
export const PLAIN_USER = {
  role: 'internal_user',
  models: [],
  aliases: {},
  teams: [],
  organizations: [],
  blocked: false,
  metadata: {},
} as const satisfies Partial<User>;
