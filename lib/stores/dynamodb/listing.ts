/** The listing index: records of a kind by age, and the tasks of the keeper by their moment. */
import { isKeyText, strangeCursor } from '../../domain/pages.ts';
import type { Page, PageAsked } from '../keys.ts';
import { text, type Item } from './attributes.ts';
import { answered } from './client.ts';
import { QueryCommand } from './commands.ts';
import { documentOf, type Registry } from './registry.ts';

/**
 * A page of the listing index, newest first.
 *
 * @throws GatewayError `invalid_request` for a cursor that is none of ours.
 */
export async function listPage<T>(registry: Registry, list: string, page: PageAsked): Promise<Page<T>> {
  const { items, ...rest } = await listItems(registry, list, page);
  return { items: items.map((item) => documentOf(item) as T | undefined).filter((record) => record !== undefined), ...rest };
}

/** The same page as it is stored. */
export async function listItems({ client, table }: Registry, list: string, { limit, cursor }: PageAsked): Promise<Page<Item>> {
  const { Items = [], LastEvaluatedKey } = await answered(
    client.send(
      new QueryCommand({
        TableName: table,
        IndexName: 'listing',
        KeyConditionExpression: '#list = :list',
        ExpressionAttributeNames: { '#list': 'list' },
        ExpressionAttributeValues: { ':list': text(list) },
        ScanIndexForward: false,
        Limit: limit,
        ...(cursor === undefined ? {} : { ExclusiveStartKey: fromCursor(cursor, { list: text(list) }) }),
      }),
    ),
  );
  return {
    items: Items,
    ...(LastEvaluatedKey === undefined ? {} : { cursor: toCursor(LastEvaluatedKey) }),
  };
}

/** A place in a listing, as callers pass it back. */
export const toCursor = (position: Item): string => Buffer.from(JSON.stringify(position)).toString('base64url');

/**
 * The place of a cursor.
 *
 * @param within attributes that say which listing it is of
 * @throws GatewayError `invalid_request` for what is none of ours
 */
export function fromCursor(cursor: string, within: Item): Item {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch (cause) {
    throw strangeCursor(cause);
  }
  if (!isPlace(place) || Object.entries(within).some(([name, { S }]) => place[name]?.S !== S)) throw strangeCursor();
  return place;
}

/** Keys of an item, and of the listing index. */
const PLACES = ['pk,sk', 'at,list,pk,sk'];
/** Longest partition key, bytes. */
const LONGEST_PARTITION_KEY = 2_048;

function isPlace(value: unknown): value is Item {
  if (typeof value !== 'object' || value === null || !PLACES.includes(Object.keys(value).toSorted().join())) return false;
  return Object.entries(value).every(([name, attribute]: [string, unknown]) => {
    const type = name === 'at' ? 'N' : 'S';
    if (typeof attribute !== 'object' || attribute === null || Object.keys(attribute).join() !== type) return false;
    const { N, S } = attribute as { readonly N?: unknown; readonly S?: unknown };
    if (name === 'at') return typeof N === 'string' && /^\d{1,15}$/.test(N);
    return typeof S === 'string' && isKeyText(S, name === 'sk' ? undefined : LONGEST_PARTITION_KEY);
  });
}
