/** The models that are shown to everybody. */
import type { Entity } from './entity.ts';

/** The names on show; there is one such record. */
export interface PublicModels extends Entity {
  readonly names: readonly string[];
}

/** Id of that record. */
export const PUBLIC_MODELS = 'all';
