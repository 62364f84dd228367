/** Rows of a price map over the bundled ones: new models, and prices that changed. */
import { lostPrice } from '../domain/price-guard.ts';
import type { CatalogIndex, Shard, ShardModel } from './shard.ts';

/** A model that the bundle has not, or the price fields in which one differs from the bundle's. */
export type PriceRow = readonly [shard: string, name: string, row: ShardModel | Pick<ShardModel, 'prices'>];

/** What a price map has beyond the bundle. */
export interface PriceRows {
  /** Stands beside every cost that these rows make: `map-9f86d081884c`. */
  readonly version: string;
  /** Version of the bundle they were compared with. */
  readonly bundle: string;
  readonly rows: readonly PriceRow[];
}

/** Where bundled shards come from. */
export interface Bundle {
  readonly index: CatalogIndex;
  readonly load: (shard: string) => Promise<Shard>;
}

/** The bundle with rows laid over it. */
export function overlaid(bundle: Bundle, { version, bundle: comparedWith, rows }: PriceRows): Bundle {
  const byShard = Map.groupBy(rows, ([shard]) => shard);
  /** A newer bundle may have prices where the compared one had none. */
  const isCompared = comparedWith === bundle.index.version;

  function merged(known: ShardModel | undefined, row: PriceRow[2]): ShardModel | undefined {
    if (known === undefined) return 'provider' in row ? { ...row, version } : undefined;
    const prices = { ...known.prices, ...row.prices };
    return !isCompared && lostPrice(known.prices, prices) !== undefined ? undefined : { ...known, prices, version };
  }

  return {
    index: { ...bundle.index, shards: { ...bundle.index.shards, ...shardsOf(bundle.index, byShard) } },
    async load(shard) {
      const known = Object.hasOwn(bundle.index.shards, shard) ? await bundle.load(shard) : {};
      const over = (byShard.get(shard) ?? []).flatMap(([, name, row]): [string, ShardModel][] => {
        const model = merged(Object.hasOwn(known, name) ? known[name] : undefined, row);
        return model === undefined ? [] : [[name, model]];
      });
      return Object.fromEntries([...Object.entries(known), ...over]);
    },
  };
}

const NO_SHARD = { models: 0, unprefixed: false };

/** Shards as the index has them, with what is new in them. */
function shardsOf({ shards }: CatalogIndex, byShard: ReadonlyMap<string, readonly PriceRow[]>): CatalogIndex['shards'] {
  return Object.fromEntries(
    [...byShard].map(([shard, rows]) => {
      const { models, unprefixed } = (Object.hasOwn(shards, shard) ? shards[shard] : undefined) ?? NO_SHARD;
      const added = rows.filter(([, , row]) => 'provider' in row);
      return [
        shard,
        { models: models + added.length, unprefixed: unprefixed || added.some(([, name]) => !name.startsWith(`${shard}/`)) },
      ];
    }),
  );
}
