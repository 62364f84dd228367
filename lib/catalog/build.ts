/**
 * Makes the shards of the catalog from a price list in the format of LiteLLM's price map:
 * `node lib/catalog/build.ts SOURCE.json` writes `data/index.json` and `data/<shard>.json` beside this file.
 *
 * The source holds `meta` (`upstream`, `snapshot`) and `models`, an object of entries by name with `provider`, `mode`, limits,
 * `supports_*` flags and price fields.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { addToolPrices, gatherVariants, readEntry, shardOf, type Entry } from './entries.ts';
import type { CatalogIndex, ShardModel } from './shard.ts';

/** What `buildCatalog` makes: file contents by name, and figures for people. */
export interface BuiltCatalog {
  readonly files: ReadonlyMap<string, string>;
  readonly summary: string;
}

interface Source {
  readonly meta: { readonly upstream: string; readonly snapshot: string };
  readonly models: Readonly<Record<string, Entry>>;
}

/**
 * @throws Error listing every entry with a price or limit that is no finite number of at least zero, or without a provider.
 */
export function buildCatalog(source: Source): BuiltCatalog {
  const faults: string[] = [];
  const shards = new Map<string, Map<string, ShardModel>>();
  for (const [name, entry] of Object.entries(source.models)) {
    const model = readEntry(name, entry, faults);
    const shard = shardOf(model.provider);
    const models = shards.get(shard) ?? new Map<string, ShardModel>();
    shards.set(shard, models.set(name, model));
  }
  for (const [shard, models] of shards) {
    gatherVariants(models);
    addToolPrices(shard, models);
  }
  if (faults.length > 0) throw new Error(`The source has ${faults.length} faults:\n${faults.join('\n')}`);

  const sorted = [...shards].toSorted(([a], [b]) => compare(a, b));
  const index: CatalogIndex = {
    version: `litellm-${source.meta.snapshot}`,
    snapshot: source.meta.snapshot,
    source: source.meta.upstream,
    shards: Object.fromEntries(
      sorted.map(([shard, models]) => [
        shard,
        { models: models.size, unprefixed: [...models.keys()].some((name) => !name.startsWith(`${shard}/`)) },
      ]),
    ),
  };
  const files = new Map([['index.json', `${JSON.stringify(index, null, 1)}\n`]]);
  for (const [shard, models] of sorted) files.set(`${shard}.json`, shardText(models));
  const all = sorted.flatMap(([, models]) => [...models.values()]);
  const priced = all.filter((model) => Object.keys(model.prices).length > 0).length;
  const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return {
    files,
    summary: `${index.version}: ${all.length} models (${priced} with prices) in ${shards.size} shards, ${Math.ceil(bytes / 1024)} KB`,
  };
}

/** One model a line, so that changes of the data can be read. */
function shardText(models: ReadonlyMap<string, ShardModel>): string {
  const lines = [...models]
    .toSorted(([a], [b]) => compare(a, b))
    .map(([name, model]) => `${JSON.stringify(name)}:${JSON.stringify(model)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

if (import.meta.main) {
  const [path] = process.argv.slice(2);
  if (path === undefined) throw new Error('Usage: node lib/catalog/build.ts SOURCE.json');
  const { files, summary } = buildCatalog(JSON.parse(readFileSync(path, 'utf8')) as Source);
  const folder = new URL('./data/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name.endsWith('.json')) rmSync(new URL(name, folder));
  for (const [name, text] of files) writeFileSync(new URL(name, folder), text);
  process.stdout.write(`${summary}\n`);
}
