/**
 * Model prices and limits: dated data, one shard per provider, read from disk when a provider is first used. Facts from LiteLLM's
 * MIT-licensed price map; `build.ts` makes the shards.
 */
import { readFile } from 'node:fs/promises';
import type { CatalogModel } from '../domain/price-types.ts';
import builtIndex from './data/index.json' with { type: 'json' };
import { overlaid, type Bundle, type PriceRows } from './overlay.ts';
import type { CatalogIndex, Shard } from './shard.ts';

export type { PriceRows } from './overlay.ts';

/** What is known of models. No method rejects: a shard that cannot be read counts as empty, and is tried again on its next use. */
export interface Catalog {
  /** `litellm-<snapshot>`. */
  readonly version: string;
  /** A provider's model; dated names fall back to the undated one. */
  find(provider: string, model: string): Promise<CatalogModel | undefined>;
  /** A model by its full name in the catalog (`azure/gpt-4o`, `gpt-4o`), whoever serves it: LiteLLM's `base_model`. */
  named(name: string): Promise<CatalogModel | undefined>;
  /** Every model of a provider, or all. */
  list(provider?: string): Promise<readonly CatalogModel[]>;
  /** How many there are, readable or not. */
  readonly size: number;
  /** The models and prices as they are now: what it says stays so. */
  table(): Catalog;
}

/** A catalog whose prices may change: what a price map has beyond the bundle is laid over it. */
export interface LiveCatalog extends Catalog {
  /** The models and prices of the release alone. */
  readonly bundled: Catalog;
  /** Lays rows over the bundle, in place of those before; undefined takes them away. */
  adopt(rows: PriceRows | undefined): void;
}

/** Where a catalog reads from; tests bring their own. */
export interface CatalogOptions {
  /** Contents of a shard. By default its file in `data/` here, or in `catalog/` beside a bundle. */
  readonly load?: (shard: string) => Promise<Shard>;
  readonly index?: CatalogIndex;
  /** Told of each shard that could not be read; its models are unknown until a later use succeeds. */
  readonly onError?: (shard: string, error: unknown) => void;
}

/** What is known of the model a deployment serves: of its `baseModel` where the operator named one. */
export const factsOf = (
  catalog: Pick<Catalog, 'find' | 'named'>,
  deployment: { readonly provider: string; readonly baseModel?: string },
  model: string,
): Promise<CatalogModel | undefined> =>
  deployment.baseModel === undefined ? catalog.find(deployment.provider, model) : catalog.named(deployment.baseModel);

type Models = ReadonlyMap<string, CatalogModel>;

const NO_MODELS: Models = new Map();

/** Reads shards lazily, each one once. */
export function createCatalog(options: CatalogOptions = {}): Catalog {
  return catalogOf(bundleOf(options), options);
}

/** A catalog that takes rows over those of the bundle; with none it is as `createCatalog` makes it. */
export function createLiveCatalog(options: CatalogOptions = {}): LiveCatalog {
  const bundle = bundleOf(options);
  const bundled = catalogOf(bundle, options);
  let now = bundled;
  return {
    bundled,
    adopt: (rows) => void (now = rows === undefined ? bundled : catalogOf(overlaid(bundle, rows), options)),
    table: () => now,
    version: bundled.version,
    get size() {
      return now.size;
    },
    find: (provider, model) => now.find(provider, model),
    named: (name) => now.named(name),
    list: (provider) => now.list(provider),
  };
}

const bundleOf = ({ load, index = builtIndex }: CatalogOptions): Bundle => ({
  load: load ?? loadFrom([new URL('./data/', import.meta.url), new URL('./catalog/', import.meta.url)]),
  index,
});

function catalogOf({ load, index }: Bundle, options: CatalogOptions): Catalog {
  const shards = new Map<string, Promise<Models>>();

  async function read(shard: string): Promise<Models> {
    const models = Object.entries(await load(shard));
    return new Map(models.map(([name, model]) => [name, { version: index.version, ...model, name }]));
  }

  async function modelsOf(shard: string): Promise<Models> {
    if (!Object.hasOwn(index.shards, shard)) return NO_MODELS;
    const reading = shards.get(shard) ?? read(shard);
    shards.set(shard, reading);
    try {
      return await reading;
    } catch (error) {
      if (shards.get(shard) === reading) {
        shards.delete(shard);
        options.onError?.(shard, error);
      }
      return NO_MODELS;
    }
  }

  const catalog: Catalog = {
    version: index.version,
    size: Object.values(index.shards).reduce((sum, { models }) => sum + models, 0),
    table: () => catalog,
    async find(provider, model) {
      return first(await modelsOf(provider), namesOf(provider, model));
    },
    async named(name) {
      const prefix = name.slice(0, Math.max(0, name.indexOf('/')));
      const found = first(await modelsOf(prefix), namesOf(prefix, name));
      if (found !== undefined) return found;
      for (const [shard, { unprefixed }] of Object.entries(index.shards)) {
        const model = unprefixed ? (await modelsOf(shard)).get(name) : undefined;
        if (model !== undefined) return model;
      }
      return undefined;
    },
    async list(provider) {
      const wanted = provider === undefined ? Object.keys(index.shards) : [provider];
      const lists = await Promise.all(wanted.map(modelsOf));
      return lists.flatMap((models) => [...models.values()]);
    },
  };
  return catalog;
}

/** A loader of shard files that tries the folders in order. Rejects with the error of the last one. */
export function loadFrom(folders: readonly URL[]): (shard: string) => Promise<Shard> {
  return async (shard) => {
    let failure: unknown = new Error('no folder to read the catalog from');
    for (const folder of folders) {
      try {
        return JSON.parse(await readFile(new URL(`${shard}.json`, folder), 'utf8')) as Shard;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
}

/** Where a provider's own short names stand in the catalog, besides under `<provider>/`. */
const FOLDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['fireworks_ai', ['fireworks_ai/accounts/fireworks/models/']],
]);

/** A date or `latest` at the end of a name: `-2024-07-18`, `-20250514`, `@20250514`, `-latest`. */
const DATED = /[-@](\d{4}-\d{2}-\d{2}|20\d{6}|latest)$/;

/** Names a model may have in its provider's shard, the likeliest first. */
function namesOf(provider: string, model: string): readonly string[] {
  const bare = model.startsWith(`${provider}/`) ? model.slice(provider.length + 1) : model;
  // Fine-tuned models of OpenAI: `ft:<base>:<organization>:<suffix>:<id>` has the price of `ft:<base>`.
  const base = bare.replace(/^(ft:[^:]+):.*$/, '$1');
  const spellings = [...new Set([bare, base, base.replace(DATED, '')])];
  const prefixes = [`${provider}/`, ...(FOLDERS.get(provider) ?? [])];
  return [model, ...spellings.flatMap((name) => [name, ...prefixes.map((prefix) => prefix + name)])];
}

function first(models: Models, names: readonly string[]): CatalogModel | undefined {
  for (const name of names) {
    const model = models.get(name);
    if (model !== undefined) return model;
  }
  return undefined;
}
