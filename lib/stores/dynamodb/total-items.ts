/**
 * Items of the totals table. Every name begins with the generation it belongs to, so that all of it can be written anew beside what is
 * in use:
 *
 * - `<generation>#life#<kind>#<partition>` / `<id>#<slot>`: totals of a scope's life, and of its last day (`total-heads`)
 * - `<generation>#day#<kind>#<id>` / `<day>#<hash of the dimensions>#<slot>`: totals of a day
 * - `<generation>#calls#<kind>#<id>` / `<minute>#<hash of the ids>`: calls of a scope
 * - `<generation>#seen#<second>` / `seen`: which entries were added; goes when the stream can no longer deliver them
 *
 * A slot is a copy to write to when another writer has the first one; what is in all slots adds up.
 */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { createHash } from 'node:crypto';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { Scope } from '../../domain/meter.ts';
import { COUNTS, type DayTotal, type Dimensions, type Total, type TotalKind, type TotalScope } from '../../domain/total.ts';
import { bigintOf, countOf, number, text, textOf, type Item } from './attributes.ts';

/** Partitions of the list of a kind's scopes: each takes 1,000 write units a second. */
export const LIFE_PARTITIONS = 8;
/** A stream keeps records for one day; a week leaves room for replays by hand and for a rebuild. Seconds. */
const KEEP_SEEN_SECONDS = 7 * 86_400;
/** Longest id in a name, bytes: DynamoDB takes 1,024 in a sort key. */
const LONGEST_ID = 600;

/** Attribute of each figure, one letter: rows stay below 1 KB, which is one write unit. */
const FIGURES: Readonly<Record<(typeof COUNTS)[number], string>> = {
  requests: 'n',
  failed: 'f',
  unpriced: 'x',
  inputTokens: 'i',
  outputTokens: 'o',
  cacheReadTokens: 'r',
  cacheWriteTokens: 'w',
  durationMs: 't',
};
const SPEND = 's';
const TAKEN_BACK = 'b';
const DIMENSIONS: Readonly<Record<Exclude<keyof Dimensions, 'day'>, string>> = {
  keyHash: 'k',
  modelGroup: 'g',
  model: 'm',
  provider: 'p',
  route: 'e',
  agent: 'a',
};

const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
const shortHash = (value: string): string => digest(value).subarray(0, 12).toString('base64url');

/** An id as part of a name: itself, or its hash where it is too long. */
const nameOf = (id: string): string =>
  Buffer.byteLength(id) <= LONGEST_ID ? id : `~${createHash('sha256').update(id).digest('hex')}`;

/** Address of an item. */
export interface Address {
  readonly pk: string;
  readonly sk: string;
}

/** The partition that lists a scope among those of its kind. */
export const lifePartition = (generation: number, kind: TotalKind, partition: number): string =>
  `${generation}#life#${kind}#${partition}`;

/** Where the totals of a scope's life are: the partition, and how the sort keys begin. */
export const lifeAddress = (generation: number, { kind, id }: TotalScope): Address => ({
  pk: lifePartition(generation, kind, (digest(id)[0] as number) % LIFE_PARTITIONS),
  sk: `${nameOf(id)}#`,
});

/** The partition of a scope's days, or of its calls. */
export const scopePartition = (generation: number, what: 'day' | 'calls', { kind, id }: Scope): string =>
  `${generation}#${what}#${kind}#${nameOf(id)}`;

/** Where a day's totals are: the partition, and how the sort keys begin. */
export const dayAddress = (generation: number, scope: TotalScope, dimensions: Dimensions): Address => ({
  pk: scopePartition(generation, 'day', scope),
  sk: `${dimensions.day}#${shortHash(JSON.stringify(Object.values(dimensions)))}#`,
});

/** The figures of a total that are not 0, by attribute; spend always. */
export function figuresOf(total: Total): Item {
  const figures: Item = { [SPEND]: number(total.spend) };
  if (total.takenBack !== 0n) figures[TAKEN_BACK] = number(total.takenBack);
  for (const name of COUNTS) if (total[name] !== 0) figures[FIGURES[name]] = number(total[name]);
  return figures;
}

/** Adds a total to the item at an address, in a slot; creates it too. `facts` are the same at every write of an item. */
export function additionTo(table: string, { pk, sk }: Address, slot: number, facts: Item, total: Total): TransactWriteItem {
  const values = Object.fromEntries(Object.entries(figuresOf(total)).map(([name, value]) => [`:${name}`, value]));
  const adds = Object.keys(values).map((value) => `${value.slice(1)} ${value}`);
  const sets = Object.keys(facts).map((name) => `#${name} = :${name}_`);
  return {
    Update: {
      TableName: table,
      Key: { pk: text(pk), sk: text(`${sk}${slot}`) },
      UpdateExpression: `SET ${sets.join(', ')} ADD ${adds.join(', ')}`,
      ExpressionAttributeNames: Object.fromEntries(Object.keys(facts).map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...values,
        ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [`:${name}_`, value])),
      },
    },
  };
}

/** What a day's item says of itself. */
export const dayFacts = (dimensions: Dimensions): Item =>
  Object.fromEntries(
    Object.entries(DIMENSIONS)
      .map(([name, attribute]) => [attribute, dimensions[name as keyof Dimensions]] as const)
      .filter(([, value]) => value !== '')
      .map(([attribute, value]) => [attribute, text(value)]),
  );

/** The total in an item. */
export function totalIn(item: Item): Total {
  const counts = Object.fromEntries(COUNTS.map((name) => [name, countOf(item, FIGURES[name])]));
  return { spend: bigintOf(item, SPEND) ?? 0n, takenBack: bigintOf(item, TAKEN_BACK) ?? 0n, ...counts } as Total;
}

/** The day's totals in an item. */
export function dayIn(item: Item): DayTotal {
  const [day = ''] = (textOf(item, 'sk') ?? '').split('#', 1);
  const dimensions = Object.entries(DIMENSIONS).map(([name, attribute]) => [name, textOf(item, attribute) ?? '']);
  return { day, ...Object.fromEntries(dimensions), total: totalIn(item) } as DayTotal;
}

/** Which item remembers that an entry was added: entries that end within a second share one. */
export const seenPartition = (generation: number, { endedAt }: LedgerEntry): string =>
  `${generation}#seen#${Math.floor(endedAt / 1000)}`;

/** What is remembered of an entry; of each part of it, where its scopes do not fit into one transaction. */
export const seenToken = (id: string, part: number): string => shortHash(part === 0 ? id : `${id}#${part}`);

/** Remembers entries; refused, with the item as it is, when one of them was added before. */
export function remembering(table: string, pk: string, tokens: readonly string[], now: number): TransactWriteItem {
  const values = Object.fromEntries(tokens.map((token, index) => [`:t${index}`, text(token)]));
  const fresh = tokens.map((_, index) => `NOT contains(ids, :t${index})`).join(' AND ');
  return {
    Update: {
      TableName: table,
      Key: { pk: text(pk), sk: text('seen') },
      UpdateExpression: 'SET #ttl = :ttl ADD ids :ids',
      ConditionExpression: `attribute_not_exists(ids) OR (${fresh})`,
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ...values,
        ':ids': { SS: [...tokens] },
        ':ttl': number(Math.ceil(now / 1000) + KEEP_SEEN_SECONDS),
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

const MINUTE_MS = 60_000;
/** Digits of a minute since the epoch. */
const MINUTE_DIGITS = 10;

/** How the sort keys of the calls of a minute begin. */
export const minuteKey = (at: number): string => String(Math.floor(at / MINUTE_MS)).padStart(MINUTE_DIGITS, '0');

/** The item of a scope's calls within one minute. The same calls make the same item; calls in two items are the same calls. */
export function callsItem(pk: string, minute: string, entries: readonly LedgerEntry[]): Item {
  const calls = entries.map(({ id, at }) => `${at % MINUTE_MS}#${id}`).toSorted();
  return { pk: text(pk), sk: text(`${minute}#${shortHash(calls.join())}`), ids: { SS: calls } };
}

/** The calls in an item. */
export function callsIn(item: Item): readonly { readonly id: string; readonly at: number }[] {
  const minute = Number((textOf(item, 'sk') ?? '').slice(0, MINUTE_DIGITS)) * MINUTE_MS;
  return (item['ids']?.SS ?? []).map((call) => {
    const split = call.indexOf('#');
    return { id: call.slice(split + 1), at: minute + Number(call.slice(0, split)) };
  });
}
