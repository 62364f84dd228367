/**
 * How entries get into the totals, each exactly once: what remembers an entry and everything it adds up to are one transaction. Entries
 * are packed into as few transactions as they fit in, and within one each row is written once, whatever the number of its entries.
 */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import {
  addTotals,
  dayOf,
  dimensionsOf,
  listedUnder,
  NO_TOTAL,
  scopesOf,
  totalOf,
  type DayTotal,
  type TotalScope,
} from '../../domain/total.ts';
import { textOf, type Item } from './attributes.ts';
import { readItems, writeItems } from './batches.ts';
import { transact, wasRefused } from './client.ts';
import type { Dynamo } from './commands.ts';
import { keyItem } from './registry.ts';
import { headAddress, planOf, writesOf, type Addition } from './total-heads.ts';
import { callsItem, minuteKey, remembering, scopePartition, seenPartition, seenToken, type Address } from './total-items.ts';

/** Most writes of a transaction (API reference, TransactWriteItems). */
const MOST_WRITES = 100;
/** Most scopes of a part: a head each, what may have to leave it, a row, and what remembers it. */
const MOST_SCOPES = 18;
/** Most entries remembered by one write: a condition is bounded (4 KB, 300 operators). */
const MOST_REMEMBERED = 60;
/** How often a pack is tried again because a head was not as it was read. */
const MOST_ROUNDS = 8;
/** Slots of a row. The first is used as long as nobody is in the way. */
const SLOTS = 8;
/** An entry, or those of its scopes that fit into one transaction. */
interface Part {
  readonly entry: LedgerEntry;
  readonly scopes: readonly TotalScope[];
  readonly token: string;
  readonly first: boolean;
}

/** What goes into one transaction. */
class Pack {
  readonly parts: Part[] = [];
  readonly additions = new Map<string, Addition>();
  readonly seen = new Map<string, string[]>();
  readonly #generation: number;
  #writes = 0;

  constructor(generation: number) {
    this.#generation = generation;
  }

  /** Adds the part if there is room for it; an empty pack has room for any. */
  take(part: Part): boolean {
    const { entry, scopes, token } = part;
    const dimensions = dimensionsOf(entry);
    const group = JSON.stringify(dimensions);
    const partition = seenPartition(this.#generation, entry);
    const tokens = this.seen.get(partition) ?? [];
    const writes = scopes.reduce(
      (sum, scope) => {
        const known = this.additions.get(nameOf(scope));
        if (known === undefined) return sum + writesOf({ days: new Map([[group, undefined]]) });
        return sum + (known.days.has(group) ? 0 : 1);
      },
      this.seen.has(partition) ? 0 : 1,
    );
    const full = this.#writes + writes > MOST_WRITES || tokens.length === MOST_REMEMBERED;
    if (full && this.parts.length > 0) return false;
    this.#writes += writes;
    this.parts.push(part);
    this.seen.set(partition, [...tokens, token]);
    const total = totalOf(entry);
    for (const scope of scopes) {
      const known = this.additions.get(nameOf(scope)) ?? { scope, life: NO_TOTAL, days: new Map<string, DayTotal>() };
      this.additions.set(nameOf(scope), known);
      known.life = addTotals(known.life, total);
      known.days.set(group, { ...dimensions, total: addTotals(known.days.get(group)?.total ?? NO_TOTAL, total) });
    }
    return true;
  }

  /** Remembering first, then the heads. */
  async writes({ client, table, now }: TotalTable, slot: number): Promise<readonly TransactWriteItem[]> {
    const at = now();
    const additions = [...this.additions.values()];
    const addresses = additions.map(({ scope }) => headAddress(this.#generation, scope, slot));
    const heads = await itemsAt(client, table, addresses);
    const place = { table, generation: this.#generation, slot, today: dayOf(at) };
    const plans = additions.map((addition, index) => planOf(addition, heads[index], place));
    return [
      ...[...this.seen].map(([partition, tokens]) => remembering(table, partition, tokens, at)),
      ...plans.map(({ head }) => head),
      ...plans.flatMap(({ days }) => days),
    ];
  }
}

const nameOf = ({ kind, id }: TotalScope): string => `${kind}#${id}`;

/** Items as they are now, in the order of their addresses. */
async function itemsAt(client: Dynamo, table: string, addresses: readonly Address[]): Promise<readonly (Item | undefined)[]> {
  const items = await readItems(client, table, addresses.map(keyItem));
  const found = new Map(items.map((item) => [`${textOf(item, 'pk')}\n${textOf(item, 'sk')}`, item]));
  return addresses.map(({ pk, sk }) => found.get(`${pk}\n${sk}`));
}

/** Where totals are written. */
export interface TotalTable {
  readonly client: Dynamo;
  readonly table: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Adds entries to a generation. Returns how many were new. */
export async function addEntries(on: TotalTable, generation: number, entries: readonly LedgerEntry[]): Promise<number> {
  let waiting = partsOf(entries);
  let added = 0;
  while (waiting.length > 0) {
    const pack = new Pack(generation);
    const left: Part[] = [];
    for (const part of waiting) if (left.length > 0 || !pack.take(part)) left.push(part);
    const again = await write(on, pack);
    added += pack.parts.filter((part) => part.first && again === undefined).length;
    waiting = again === undefined ? left : [...again, ...left];
  }
  return added;
}

/** Parts of the entries, each entry once, those of one owner beside each other: they share rows. */
function partsOf(entries: readonly LedgerEntry[]): readonly Part[] {
  const distinct = [...new Map(entries.map((entry) => [entry.id, entry])).values()];
  const order = ({ keyHash, modelGroup, endUser = '' }: LedgerEntry): string => `${keyHash} ${modelGroup} ${endUser}`;
  return distinct
    .toSorted((one, other) => (order(one) < order(other) ? -1 : 1))
    .flatMap((entry) => {
      const scopes = scopesOf(entry);
      return Array.from({ length: Math.ceil(scopes.length / MOST_SCOPES) }, (_, part) => ({
        entry,
        scopes: scopes.slice(part * MOST_SCOPES, (part + 1) * MOST_SCOPES),
        token: seenToken(entry.id, part),
        first: part === 0,
      }));
    });
}

/** Writes a pack; where some of it was added before, the parts of it that were not, and nothing was written. */
async function write(on: TotalTable, pack: Pack): Promise<readonly Part[] | undefined> {
  for (let round = 0; ; round++) {
    const refused = await transact(on.client, (attempt) =>
      pack.writes(on, round + attempt === 0 ? 0 : slotOf(pack, round + attempt)),
    );
    if (refused === undefined) return undefined;
    const known = new Set<string>();
    let index = 0;
    for (const tokens of pack.seen.values()) {
      const stored = new Set(refused[index]?.Item?.['ids']?.SS);
      if (wasRefused(refused, index)) for (const token of tokens) if (stored.has(token)) known.add(token);
      index++;
    }
    if (known.size > 0) return pack.parts.filter(({ token }) => !known.has(token));
    // Somebody else wrote to a head after it was read.
    if (round === MOST_ROUNDS) throw new Error('totals are being written by too many others');
  }
}

/** A slot besides the first, another one at each try and for each pack. */
const slotOf = ({ parts }: Pack, attempt: number): number =>
  1 + (((parts[0]?.token.charCodeAt(0) ?? 0) + attempt) % (SLOTS - 1));

/**
 * Lists entries under their scopes, but for those that the ledger's own indexes list. Safe to repeat: the same call twice in a list is
 * one call.
 */
export async function listCalls(
  { client, table }: TotalTable,
  generation: number,
  entries: readonly LedgerEntry[],
): Promise<void> {
  const groups = new Map<string, { readonly pk: string; readonly minute: string; readonly entries: LedgerEntry[] }>();
  for (const entry of new Map(entries.map((one) => [one.id, one])).values()) {
    const minute = minuteKey(entry.at);
    for (const scope of listedUnder(entry)) {
      const pk = scopePartition(generation, 'calls', scope);
      const group = groups.get(`${pk}\n${minute}`) ?? { pk, minute, entries: [] };
      groups.set(`${pk}\n${minute}`, group);
      group.entries.push(entry);
    }
  }
  const puts = [...groups.values()].map((group) => ({
    PutRequest: { Item: callsItem(group.pk, group.minute, group.entries) },
  }));
  await writeItems(client, table, puts);
}
