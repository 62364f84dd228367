/** Organizations, and projects within teams. */
import type { Entity } from './entity.ts';
import type { Limits } from './limits.ts';

/** An organization: teams, members, limits they share. */
export interface Organization extends Entity, Limits {
  readonly alias: string;
  /** Models its teams and keys may call; empty means all. */
  readonly models: readonly string[];
  readonly aliases: Readonly<Record<string, string>>;
  readonly blocked: boolean;
}

/** A project: between a team and its keys. */
export interface Project extends Entity, Limits {
  readonly alias?: string;
  readonly description?: string;
  readonly teamId?: string;
  /** Models its keys may call; empty means all. */
  readonly models: readonly string[];
  readonly tags: readonly string[];
  readonly blocked: boolean;
}
