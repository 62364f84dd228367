/**
 * A price map in LiteLLM's format, as it came from somewhere, against the bundled catalog. What is not in the map is as bundled, model by
 * model and field by field; what cannot be read, or would make something free that has a price, is not taken and said.
 */
import { createHash } from 'node:crypto';
import { setImmediate as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod/mini';
import { freePart, lostPrice } from '../domain/price-guard.ts';
import { hasTokenPrices } from '../domain/rate.ts';
import type { CatalogModel } from '../domain/price-types.ts';
import { isObject, parseJson } from '../kinds/json.ts';
import { addToolPrices, gatherVariants, readEntry, shardOf } from './entries.ts';
import type { Catalog } from './index.ts';
import type { PriceRow, PriceRows } from './overlay.ts';
import type { ShardModel } from './shard.ts';

/** A model that was not taken. */
export interface Refused {
  readonly model: string;
  readonly reason: string;
}

/** A map, read. */
export interface PriceMapReading extends PriceRows {
  /** Models in the map. */
  readonly models: number;
  readonly added: number;
  readonly changed: number;
  readonly refused: readonly Refused[];
}

/** What a map may not be: told to people. */
export class NoPriceMap extends Error {}

const MOST_MODELS = 20_000;
/** Models compared in one go. */
const MOST_AT_ONCE = 100;
/** Bytes of one row as JSON. */
const LARGEST_ROW = 32_768;
/** The entry that explains the format. */
const SAMPLE = 'sample_spec';

const NAME = /^[^\p{Cc}]{1,300}$/u;
const entry = z.record(z.string(), z.unknown());
const mapSchema = z.record(z.string(), entry, 'expected a JSON object of models by name');

/** The name under which a map is known: of its bytes, so that whoever has the file can tell. */
export const versionOf = (bytes: Uint8Array): string => `map-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;

/**
 * Reads a map.
 *
 * @param bundled the catalog of the release
 * @throws NoPriceMap when it does not look like one
 * @throws Error when the bundled catalog cannot be read
 */
export async function readPriceMap(bytes: Uint8Array, bundled: Catalog): Promise<PriceMapReading> {
  const known = await bundledModels(bundled);
  const refused: Refused[] = [];
  const shards = new Map<string, Map<string, ShardModel>>();
  const entries = entriesOf(bytes);
  for (const [name, fields] of entries) {
    const faults: string[] = [];
    const model = readEntry('', fields, faults);
    const shard = shardOf(model.provider);
    const home = known.get(name)?.shard ?? shard;
    if (!NAME.test(name)) faults.push('its name is too long, or has control characters');
    if (faults.length === 0 && home !== shard) faults.push(`it is a model of ${home}`);
    if (JSON.stringify(model).length > LARGEST_ROW) faults.push(`it has more than ${LARGEST_ROW} bytes`);
    const [fault] = faults;
    if (fault !== undefined) refused.push({ model: name.slice(0, 300), reason: fault.replace(/^: /, '').slice(0, 200) });
    else shards.set(shard, (shards.get(shard) ?? new Map<string, ShardModel>()).set(name, model));
  }
  if (refused.length * 2 > entries.length) {
    throw new NoPriceMap(
      `${refused.length} of ${entries.length} entries cannot be read, the first one is ${JSON.stringify(refused[0])}`,
    );
  }
  const rows: PriceRow[] = [];
  for (const [shard, models] of shards) {
    gatherVariants(models);
    for (const row of await rowsOf(shard, models, known, { bundled, refused })) rows.push(row);
  }
  const added = rows.filter(([, , row]) => 'provider' in row).length;
  return {
    version: versionOf(bytes),
    bundle: bundled.version,
    rows,
    models: entries.length,
    added,
    changed: rows.length - added,
    refused,
  };
}

/** A bundled model and the shard it is in. */
interface Known {
  readonly model: CatalogModel;
  readonly shard: string;
}

async function bundledModels(bundled: Catalog): Promise<ReadonlyMap<string, Known>> {
  const models = await bundled.list();
  // A shard that cannot be read counts as empty, and everything in it would look new.
  if (models.length !== bundled.size) throw new Error('the prices of the release cannot be read');
  return new Map(models.map((model) => [model.name, { model, shard: shardOf(model.provider) }]));
}

/** The entries of a map that are models: those with a provider. LiteLLM calls it `litellm_provider`. */
function entriesOf(bytes: Uint8Array): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  const parsed = z.safeParse(mapSchema, parseJson(Buffer.from(bytes).toString('utf8')));
  if (!parsed.success) throw new NoPriceMap(parsed.error.issues[0]?.message ?? 'expected a JSON object of models by name');
  const entries = Object.entries(parsed.data).filter(([name]) => name !== SAMPLE);
  if (entries.length > MOST_MODELS) throw new NoPriceMap(`it has ${entries.length} entries; at most ${MOST_MODELS} are read`);
  const models = entries.map(([name, { litellm_provider: provider, ...fields }]) => [name, { provider, ...fields }] as const);
  if (models.every(([, fields]) => Object.keys(fields).every((field) => !field.includes('cost')))) {
    throw new NoPriceMap('there is no price in it');
  }
  return models;
}

/** What a shard has beyond the bundled one. */
async function rowsOf(
  shard: string,
  models: ReadonlyMap<string, ShardModel>,
  known: ReadonlyMap<string, Known>,
  { bundled, refused }: { readonly bundled: Catalog; readonly refused: Refused[] },
): Promise<readonly PriceRow[]> {
  const whole = new Map<string, ShardModel>();
  for (const [name, { model, shard: home }] of known) if (home === shard) whole.set(name, model);
  for (const [name, model] of models) {
    const old = known.get(name)?.model;
    whole.set(name, old === undefined ? model : { ...old, prices: laidOver(old.prices, model.prices) });
  }
  addToolPrices(shard, whole);
  const rows: PriceRow[] = [];
  for (const [at, name] of [...models.keys()].entries()) {
    // Calls may be under way in this process.
    if (at % MOST_AT_ONCE === 0) await pause();
    const model = whole.get(name);
    if (model === undefined) continue;
    const old = known.get(name)?.model;
    const prices = old === undefined ? model.prices : changes(old.prices, model.prices);
    if (old !== undefined && Object.keys(prices).length === 0) continue;
    // A new name may be one that the bundle knows by a shorter one.
    const reference = old ?? (await bundled.find(shard, name));
    const lost = reference === undefined ? undefined : lostPrice(reference.prices, model.prices);
    // Nobody said before what it costs: that it costs nothing is for the operator to say, on the deployment.
    const free = lost ?? (old === undefined || !hasTokenPrices(old.prices) ? freePart(model.prices, model.mode) : undefined);
    if (free !== undefined) {
      refused.push({ model: name, reason: `${free}; what the release says stays` });
      continue;
    }
    rows.push([shard, name, old === undefined ? model : { prices }]);
  }
  return rows;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields over fields, inside objects too; lists are taken whole. */
const laidOver = (old: Fields, next: Fields): Fields =>
  Object.fromEntries([
    ...Object.entries(old),
    ...Object.entries(next).map(([name, value]) => {
      const before = old[name];
      return [name, isObject(before) && isObject(value) ? laidOver(before, value) : value];
    }),
  ]);

const changes = (old: Fields, next: Fields): Fields =>
  Object.fromEntries(Object.entries(next).filter(([name, value]) => !isDeepStrictEqual(old[name], value)));
