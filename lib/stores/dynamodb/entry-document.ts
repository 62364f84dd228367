/**
 * A ledger entry as an item that stays within 1 KB, which is one write unit, for an ordinary call. What keys and indexes need has an
 * attribute of its own and stands nowhere else; the rest is one JSON document with short names, without what goes without saying.
 * Nothing is lost: a field this table does not know is kept under its own name.
 */
import { createHash } from 'node:crypto';
import type { LedgerEntry, LostAttempt } from '../../domain/ledger-entry.ts';
import type { Usage } from '../../kinds/usage.ts';
import { number, text, type Item } from './attributes.ts';

/** Partitions of the index over all keys: each takes 1,000 entries a second. */
export const TIME_SHARDS = 4;
/** Digits of a time in a sort key: enough for 31,000 years. */
const TIME_DIGITS = 15;

/** Short names of an entry's fields. Names that are taken stay taken: entries are kept for good. */
const FIELDS: Readonly<Record<string, string>> = {
  status: 's',
  keyAlias: 'ka',
  userId: 'u',
  teamId: 't',
  organizationId: 'o',
  projectId: 'p',
  endUser: 'c',
  tags: 'tg',
  sessionId: 'si',
  kind: 'k',
  adjusts: 'aj',
  route: 'r',
  clientDialect: 'cd',
  modelGroup: 'mg',
  provider: 'pr',
  model: 'm',
  deploymentId: 'd',
  upstreamDialect: 'ud',
  stream: 'st',
  httpStatus: 'h',
  error: 'e',
  usage: 'us',
  costParts: 'cp',
  price: 'pc',
  held: 'hd',
  heldIn: 'hm',
  attempts: 'a',
  lost: 'lo',
  durationMs: 'ms',
  endedAt: 'ea',
  firstByteMs: 'fb',
  firstTokenMs: 'ft',
  ip: 'ip',
  userAgent: 'ua',
  warnings: 'w',
  metadata: 'md',
};

/** Short names of the fields of usage. */
const USAGE: Readonly<Record<string, string>> = {
  inputTokens: 'i',
  outputTokens: 'o',
  cacheReadTokens: 'r',
  cacheWriteTokens: 'w',
  cacheWrite1hTokens: 'w1',
  reasoningTokens: 't',
  audioInputTokens: 'ai',
  audioOutputTokens: 'ao',
  imageInputTokens: 'ii',
  imageOutputTokens: 'io',
  acceptedPredictionTokens: 'ap',
  rejectedPredictionTokens: 'rp',
  serviceTier: 'st',
  source: 's',
};
const PRICE: Readonly<Record<string, string>> = { source: 's', version: 'v', rule: 'r' };

/** What goes without saying. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  status: 'success',
  kind: 'generate',
  stream: false,
  httpStatus: 200,
  attempts: 1,
};

const inverse = (names: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(names).map(([long, short]) => [short, long]));
const LONG_FIELDS = inverse(FIELDS);
const LONG_USAGE = inverse(USAGE);
const LONG_PRICE = inverse(PRICE);

/** Marks a name that is kept as it is, so that it is never taken for a short one. */
const KEPT = '=';

function renamed(fields: object, names: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [names[name] ?? KEPT + name, value]));
}

function restored(fields: object, names: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.startsWith(KEPT) ? name.slice(1) : (names[name] ?? name), value]),
  );
}

const textsOf = (amounts: object): object =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]));
const amountsOf = (texts: object): object =>
  Object.fromEntries(Object.entries(texts).map(([name, digits]) => [name, BigInt(digits as string)]));

type AttemptDocument = Omit<LostAttempt, 'cost' | 'usage'> & { readonly cost?: string; readonly usage: object };

const attemptDocument = ({ cost, usage, ...attempt }: LostAttempt): AttemptDocument => ({
  ...attempt,
  usage: renamed(usage, USAGE),
  ...(cost === undefined ? {} : { cost: String(cost) }),
});
const attemptIn = ({ cost, usage, ...attempt }: AttemptDocument): LostAttempt => ({
  ...attempt,
  usage: restored(usage, LONG_USAGE) as unknown as Usage,
  ...(cost === undefined ? {} : { cost: BigInt(cost) }),
});

/** Sort key: time, then id, so that no two entries share one. */
export const arrivalOf = (at: number, id: string): string => `${timeKey(at)}#${id}`;

/** A time as sort keys begin with it. */
export const timeKey = (at: number): string => String(at).padStart(TIME_DIGITS, '0');

/** The item of an entry. */
export function itemOf(entry: LedgerEntry): Item {
  const { id, keyHash, at, cost, ...rest } = entry;
  const fields: Record<string, unknown> = { ...rest };
  for (const [name, value] of Object.entries(DEFAULTS)) if (fields[name] === value) delete fields[name];
  if (entry.tags.length === 0) delete fields['tags'];
  if (entry.upstreamDialect === entry.clientDialect) fields['upstreamDialect'] = 0;
  if (entry.endedAt === at + entry.durationMs) delete fields['endedAt'];
  if (entry.held !== undefined) fields['held'] = String(entry.held);
  if (entry.costParts !== undefined) fields['costParts'] = textsOf(entry.costParts);
  if (entry.lost !== undefined) fields['lost'] = entry.lost.map(attemptDocument);
  if (entry.usage !== undefined) fields['usage'] = renamed(entry.usage, USAGE);
  fields['price'] = renamed(entry.price, PRICE);
  return {
    id: text(id),
    keyHash: text(keyHash),
    arrival: text(arrivalOf(at, id)),
    shard: text(String((createHash('sha256').update(id).digest()[0] as number) % TIME_SHARDS)),
    ...(cost === undefined ? {} : { cost: number(cost) }),
    doc: text(JSON.stringify(renamed(fields, FIELDS))),
  };
}

/** The attributes of a stream image that are read: as the SDK has them and as a Lambda event has them. */
export type Image = Readonly<Record<string, { readonly S?: string | undefined; readonly N?: string | undefined }>>;

/** The entry in an image of the ledger's stream, or in an item; undefined when it is not one. */
export function entryFromImage(image: Image | undefined): LedgerEntry | undefined {
  const [id, keyHash, arrival, json] = ['id', 'keyHash', 'arrival', 'doc'].map((name) => image?.[name]?.S);
  if (id === undefined || keyHash === undefined || arrival === undefined || json === undefined) return undefined;
  const at = Number(arrival.slice(0, TIME_DIGITS));
  const cost = image?.['cost']?.N;
  const fields: Record<string, unknown> = { ...DEFAULTS, tags: [], ...restored(JSON.parse(json) as object, LONG_FIELDS) };
  fields['endedAt'] ??= at + (fields['durationMs'] as number);
  if (fields['upstreamDialect'] === 0) fields['upstreamDialect'] = fields['clientDialect'];
  if (fields['held'] !== undefined) fields['held'] = BigInt(fields['held'] as string);
  if (fields['costParts'] !== undefined) fields['costParts'] = amountsOf(fields['costParts'] as object);
  if (fields['lost'] !== undefined) fields['lost'] = (fields['lost'] as readonly AttemptDocument[]).map(attemptIn);
  if (fields['usage'] !== undefined) fields['usage'] = restored(fields['usage'] as object, LONG_USAGE);
  fields['price'] = restored(fields['price'] as object, LONG_PRICE);
  return { ...fields, id, keyHash, at, ...(cost === undefined ? {} : { cost: BigInt(cost) }) } as unknown as LedgerEntry;
}
