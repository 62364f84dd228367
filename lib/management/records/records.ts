/** What the families of management have in common: records are made, changed while others may change them too, listed whole and paged. */
import type { Entity } from '../../domain/entity.ts';
import { allOf } from '../../domain/pages.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { defined } from '../../kinds/json.ts';
import { describeError } from '../../log.ts';
import type { EntityStore } from '../../stores/entities.ts';
import type { OwnedListing, Page, PageAsked } from '../../stores/keys.ts';
import { actorOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { numberIn } from '../input.ts';

/** How often a change is tried again when somebody else changed the record meanwhile. */
const TRIES = 6;

/** Questions to the stores at once. */
const AT_ONCE = 16;

/** What every new record begins with. */
export function newEntity(deps: ManagementDeps, caller: Caller): Omit<Entity, 'id' | 'metadata'> {
  const now = deps.now();
  return { createdAt: now, updatedAt: now, createdBy: actorOf(caller), updatedBy: actorOf(caller), rev: 1 };
}

/** A fresh id where none was given. */
export const newId = (deps: ManagementDeps): string => {
  const hex = Buffer.from(deps.random(16)).toString('hex');
  return [8, 12, 16, 20].reduceRight((id, at) => `${id.slice(0, at)}-${id.slice(at)}`, hex);
};

/** The error for a record that is not there, in the words LiteLLM's clients look for. */
export const notFound = (kind: string, id: string, param = `${kind}_id`): GatewayError =>
  new GatewayError('not_found', `${kind} not found: '${id}' does not exist.`, { type: 'not_found_error', param });

/** The error for an id that is taken. */
export const taken = (kind: string, id: string, param = `${kind}_id`): GatewayError =>
  new GatewayError('conflict', `${param}: a ${kind} with id '${id}' exists already`, { param });

/**
 * A record as of now.
 *
 * @param kind in words: `team`
 * @throws GatewayError `not_found`
 */
export async function readRecord<T extends Entity>(
  store: EntityStore<T>,
  kind: string,
  id: string,
  param?: string,
): Promise<T> {
  const record = await store.get(id, { fresh: true });
  if (record === undefined) throw notFound(kind, id, param);
  return record;
}

/** A record before and after a change. */
export interface Changed<T> {
  readonly before: T;
  readonly after: T;
}

/**
 * Changes a record, again when somebody else was faster: `edit` may run several times.
 *
 * @throws GatewayError `not_found`, `conflict` when others are always faster
 */
export async function changeRecord<T extends Entity>(
  deps: ManagementDeps,
  caller: Caller,
  { store, kind, id }: { readonly store: EntityStore<T>; readonly kind: string; readonly id: string },
  edit: (record: T) => Promise<T> | T,
): Promise<Changed<T>> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await readRecord(store, kind, id);
    const after = { ...(await edit(before)), rev: before.rev + 1, updatedAt: deps.now(), updatedBy: actorOf(caller) };
    const outcome = await store.replace(after);
    if (outcome === 'absent') throw notFound(kind, id);
    if (outcome === 'replaced') {
      deps.onChange?.();
      return { before, after };
    }
  }
  throw tooBusy(kind);
}

/** Fields of a record beside those that all records have; undefined takes one away. */
export type FieldsOf<T> = { readonly [Field in Exclude<keyof T, keyof Entity>]?: T[Field] | undefined };

/**
 * Changes a record of which there is one, made by its first change; again when somebody else was faster: `edit` may run several times. It
 * gives the fields that change, or undefined where nothing may.
 *
 * @param by user id, `master` or `keeper`
 * @returns undefined where nothing was to be changed
 * @throws GatewayError `conflict` when others are always faster
 */
export async function writeRecord<T extends Entity>(
  { now }: Pick<ManagementDeps, 'now'>,
  by: string,
  { store, kind, id }: { readonly store: EntityStore<T>; readonly kind: string; readonly id: string },
  edit: (record: T | undefined) => FieldsOf<T> | undefined,
): Promise<{ readonly before: T | undefined; readonly after: T } | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await store.get(id, { fresh: true });
    const changes = edit(before);
    if (changes === undefined) return undefined;
    const at = now();
    const old: Entity = before ?? { id, createdAt: at, createdBy: by, updatedAt: at, metadata: {}, rev: 0 };
    const after = defined({ ...old, ...changes, updatedAt: at, updatedBy: by, rev: old.rev + 1 }) as unknown as T;
    const outcome = before === undefined ? await store.create(after) : await store.replace(after);
    if (outcome === 'created' || outcome === 'replaced') return { before, after };
  }
  throw tooBusy(kind);
}

/** Takes back what was half made. Should that fail too, the log says so; the first error is the one to tell. */
export async function undo(deps: Pick<ManagementDeps, 'log'>, kind: string, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    deps.log('error', 'a half-made record could not be taken back', { kind, error: describeError(error).name });
  }
}

/** The error for a record that others keep changing. */
export const tooBusy = (kind: string): GatewayError =>
  new GatewayError('conflict', `The ${kind} was changed by others at the same time; repeat the call.`, { retryable: true });

/** Those of some things that pass a test that asks the stores, some at once, in their order. */
export async function sifted<T>(things: readonly T[], test: (thing: T) => boolean | Promise<boolean>): Promise<readonly T[]> {
  const passed = await each(things, async (thing) => test(thing));
  return things.filter((_, index) => passed[index]);
}

/** Those of a listing's records that match. Reads all of them: for people and scripts, not for the hot path. */
export async function select<T>(
  store: { list(page: { limit: number; cursor?: string }): Promise<Page<T>> },
  matches: (record: T) => boolean | Promise<boolean>,
): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const record of allOf((page) => store.list(page))) if (await matches(record)) found.push(record);
  return found;
}

/** The records of an owner as a listing of their own. */
export const ownedBy = <T, Owner>(store: OwnedListing<T, Owner>, owner: Owner) => ({
  list: (page: PageAsked) => store.listOf(owner, page),
});

/** Those of some ids that there are, newest first as listings have them. */
export async function recordsOf<T extends Entity>(store: EntityStore<T>, ids: Iterable<string>): Promise<readonly T[]> {
  const found = await each([...new Set(ids)], (id) => store.get(id, { fresh: true }));
  return found.filter((record) => record !== undefined).toSorted((one, other) => other.createdAt - one.createdAt);
}

/** Does something for each of many, a few at a time; results in the order of the items. */
export async function each<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  }
  return results;
}

/** A part of a listing, as LiteLLM's clients page. */
export interface Paged<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly page: number;
  readonly size: number;
  readonly pages: number;
}

/**
 * One page of a listing.
 *
 * @param asked page from 1 and size, as they stand in the query
 * @throws GatewayError `invalid_request` for a wrong page or size
 */
export function pageOf<T>(
  items: readonly T[],
  asked: { readonly page?: string | undefined; readonly size?: string | undefined },
  { param = 'page_size', initial = 50, most = 500 } = {},
): Paged<T> {
  const page = numberIn(asked.page, 'page', 1, 1_000_000);
  const size = numberIn(asked.size, param, initial, most);
  return {
    items: items.slice((page - 1) * size, page * size),
    total: items.length,
    page,
    size,
    pages: Math.ceil(items.length / size),
  };
}

/** Parameters of a query; empty ones count as absent. */
export type Query = (name: string) => string | undefined;

/** Parameters of lists that come whole, as LiteLLM has them, and by page where one is asked for. */
export const PAGING = ['page', 'page_size'];

/**
 * The whole list, or the page of it that is asked for.
 *
 * @throws GatewayError `invalid_request` for a wrong page or size
 */
export function askedPart<T>(items: readonly T[], query: Query): readonly T[] {
  const [page, size] = PAGING.map(query);
  return page === undefined && size === undefined ? items : pageOf(items, { page, size }).items;
}

/** True when a text contains what was asked for, whatever its case; nothing asked matches everything. */
export const contains = (text: string | undefined, asked: string | undefined): boolean =>
  asked === undefined || (text ?? '').toLowerCase().includes(asked.toLowerCase());

/**
 * Rows in the order asked for.
 *
 * @param by name of a field of the rows, one of `allowed`
 * @throws GatewayError `invalid_request` for another field or order
 */
export function sorted<T extends Readonly<Record<string, unknown>>>(
  rows: readonly T[],
  { by, order = 'asc' }: { readonly by?: string | undefined; readonly order?: string | undefined },
  allowed: readonly string[],
): readonly T[] {
  if (order !== 'asc' && order !== 'desc') {
    throw new GatewayError('invalid_request', 'sort_order: expected asc or desc', { param: 'sort_order' });
  }
  if (by === undefined) return rows;
  if (!allowed.includes(by)) {
    throw new GatewayError('invalid_request', `sort_by: expected one of ${allowed.join(', ')}`, { param: 'sort_by' });
  }
  const sign = order === 'asc' ? 1 : -1;
  return rows.toSorted((one, other) => sign * compare(one[by], other[by]));
}

function compare(one: unknown, other: unknown): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  const [left, right] = [textOf(one), textOf(other)];
  return left < right ? -1 : Number(left > right);
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value);
