/** The listing index: records of a kind by age, and the tasks of the keeper by their moment. */
import { GatewayError } from '../../errors.ts';
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
        ...(cursor === undefined ? {} : { ExclusiveStartKey: fromCursor(cursor) }),
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

/** The place of a cursor. Throws GatewayError `invalid_request` for what is none of ours. */
export function fromCursor(cursor: string): Item {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Item;
  } catch (cause) {
    throw new GatewayError('invalid_request', 'cursor: expected the cursor of an earlier page.', { param: 'cursor', cause });
  }
}
