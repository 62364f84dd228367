/**
 * Links from owners to their records: `link#<kind>#<owner's kind>#<owner's id>` by the record's id, written in one transaction with the
 * record. One query tells what an owner has, and sees every write that was answered; no index, so a record without owners costs nothing.
 *
 * Items written before there were links lack the attribute `links`. The keeper finds them in the listing index and links them; until it has
 * seen all of them, listings by owner look at every record. It looks again each day: a version that knows no links may have run since.
 */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { isAmong, type RecordOwner } from '../../domain/owned.ts';
import { strangeCursor } from '../../domain/pages.ts';
import type { Page, PageAsked } from '../keys.ts';
import { countOf, number, text, textOf, type Item } from './attributes.ts';
import { readItems } from './batches.ts';
import { fromCursor, listPage, toCursor } from './listing.ts';
import { documentOf, getRecord, keyItem, pageOfPartition, type RecordKey, type Registry } from './registry.ts';

/** Written on items as `links`: what they are linked by. A new kind of record or owner wants a new number: all items are linked anew then. */
const VERSION = 2;

/** Records of a kind that have owners. */
export interface LinkedKind<T> {
  /** Their name in the listing index: `key`. */
  readonly list: string;
  readonly recordKey: (id: string) => RecordKey;
  readonly idOf: (record: T) => string;
  readonly ownersOf: (record: T) => readonly RecordOwner[];
}

/** The attribute of an item whose links are written with it. */
export const LINKED: Item = { links: number(VERSION) };

/** True when an item was written with its links. */
export const isLinked = (item: Item | undefined): boolean => countOf(item, 'links') >= VERSION;

const partition = ({ list }: Pick<LinkedKind<never>, 'list'>, { kind, id }: RecordOwner): string =>
  `link#${list}#${kind}#${id}`;

/** The writes that bring links from those of an item to those of a record; absent ones: there was none, there is none any more. */
export function linkWrites<T>(
  { table }: Registry,
  linked: LinkedKind<T>,
  before: { readonly record: T; readonly isLinked: boolean } | undefined,
  after: T | undefined,
): readonly TransactWriteItem[] {
  const record = before?.record ?? after;
  if (record === undefined) return [];
  const [had, has] = [
    before === undefined ? [] : linked.ownersOf(before.record),
    after === undefined ? [] : linked.ownersOf(after),
  ];
  const keyOf = (owner: RecordOwner): Item => keyItem({ pk: partition(linked, owner), sk: linked.idOf(record) });
  return [
    ...has
      .filter((owner) => before?.isLinked !== true || !isAmong(had, owner))
      .map((owner) => ({ Put: { TableName: table, Item: keyOf(owner) } })),
    ...had.filter((owner) => !isAmong(has, owner)).map((owner) => ({ Delete: { TableName: table, Key: keyOf(owner) } })),
  ];
}

/**
 * A page of the records of an owner.
 *
 * @param isComplete whether every record is linked
 * @throws GatewayError `invalid_request` for a cursor that is none of ours
 */
export async function listOwned<T>(
  registry: Registry,
  linked: LinkedKind<T>,
  owner: RecordOwner,
  page: PageAsked,
  isComplete: () => Promise<boolean>,
): Promise<Page<T>> {
  const isOwned = (record: T): boolean => isAmong(linked.ownersOf(record), owner);
  // A listing ends as it began.
  const start = page.cursor === undefined ? undefined : fromCursor(page.cursor, {});
  if (start === undefined ? !(await isComplete()) : 'list' in start) {
    const { items, cursor } = await listPage<T>(registry, linked.list, page);
    return { items: items.filter(isOwned), ...(cursor === undefined ? {} : { cursor }) };
  }
  const pk = partition(linked, owner);
  if (start !== undefined && start['pk']?.S !== pk) throw strangeCursor();
  const { items, last } = await pageOfPartition(registry, pk, { limit: page.limit, start });
  const records = await readRecords(
    registry,
    items.map((item) => linked.recordKey(textOf(item, 'sk') as string)),
  );
  return {
    // Read a moment after its link, a record may have changed hands.
    items: (records as readonly T[]).filter(isOwned),
    ...(last === undefined ? {} : { cursor: toCursor(last) }),
  };
}

/** The documents of records, those that are there. */
async function readRecords({ client, table }: Registry, keys: readonly RecordKey[]): Promise<readonly unknown[]> {
  const items = await readItems(client, table, keys.map(keyItem));
  return items.map(documentOf).filter((record) => record !== undefined);
}

/** Where the linking of old records stands. Times are milliseconds since the epoch. */
export interface LinkState {
  /** When a version that writes links was first here. */
  readonly since: number;
  /** The kind it is at, and how far it got there. */
  readonly list?: string;
  readonly cursor?: string;
  /** When every record had been seen last. */
  readonly completeAt?: number;
  /** Of the links that this is about. */
  readonly version: number;
  readonly rev: number;
}

const STATE: RecordKey = { pk: 'links', sk: 'state' };

/** Reads the state. `consistent` sees every write that was answered. */
export const readState = async (registry: Registry, consistent: boolean): Promise<LinkState | undefined> =>
  documentOf(await getRecord(registry, STATE, consistent)) as LinkState | undefined;

/** Where the linking begins, after the state there is; that of other links says nothing of these. */
export const beginning = (since: number, before: LinkState | undefined): LinkState => ({
  since,
  version: VERSION,
  rev: (before?.rev ?? 0) + 1,
});

/** True when a state is about the links of now. */
export const isCurrent = (state: LinkState | undefined): state is LinkState => state?.version === VERSION;

/** The item of a state. */
export const stateItem = (state: LinkState): Item => ({
  ...keyItem(STATE),
  doc: text(JSON.stringify(state)),
  rev: number(state.rev),
});

/** A question to the state that is not asked again once the answer is yes. */
export function completeness(registry: Registry): () => Promise<boolean> {
  let known = false;
  return async () => {
    if (known) return true;
    const state = await readState(registry, false);
    known = isCurrent(state) && state.completeAt !== undefined;
    return known;
  };
}
