/** The files of the catalog, as `build.ts` writes them and `index.ts` reads them. */
import type { CatalogModel } from '../domain/price-types.ts';

/** A model inside a shard; its name is the key it stands under. One that is not of the bundle has a version of its own. */
export type ShardModel = Omit<CatalogModel, 'name' | 'version'> & { readonly version?: string };

/** A shard: models by name. */
export type Shard = Readonly<Record<string, ShardModel>>;

/** `data/index.json`. */
export interface CatalogIndex {
  /** `litellm-<snapshot>`: stands beside every cost in the ledger. */
  readonly version: string;
  /** Day of the source. */
  readonly snapshot: string;
  /** Where the facts come from, with its licence. */
  readonly source: string;
  /** By shard: how many models, and whether any of their names lacks the shard's name as prefix (`gpt-4o` in `openai`). */
  readonly shards: Readonly<Record<string, { readonly models: number; readonly unprefixed: boolean }>>;
}
