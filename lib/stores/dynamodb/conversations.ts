/**
 * Kept responses in the meters table, beside everything else that expires there; the function that writes them has no right to write
 * the registry, where keys are. `response#<owner>#<id>#<n>` holds a part of the record as JSON bytes, part 0 also how many parts there
 * are; `item#<owner>#<id>` names the response that an output item belongs to. Part 0 is written last and deleted first, so whoever
 * finds it finds the rest. `run#<owner>#<id>` says how a response ended that was made in the background, once somebody said so;
 * `events#<owner>#<id>#<n>` holds a part of its events, packed. `row#<owner>#<id>` counts the parts of a conversation.
 */
import { gunzipSync, gzipSync } from 'node:zlib';
import { isConversationId, itemIdsOf, type Ending, type StoredResponse } from '../../domain/conversation.ts';
import type { ConversationStore } from '../conversations.ts';
import { countOf, number, text, textOf, type Item } from './attributes.ts';
import { readItems } from './batches.ts';
import { answered } from './client.ts';
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  isFailedCondition,
  type Dynamo,
} from './commands.ts';

/** Bytes of a record in one item: an item takes 400 KB, names and numbers included. */
const PART_BYTES = 350 * 1024;
/** Parts of a draft (a response that is being made) have names of their own: nobody finds them mixed with those of the final one. */
const partKey = (owner: string, id: string, part: number, draft = false): string =>
  `response#${owner}#${id}#${draft && part > 0 ? 'draft' : ''}${part}`;
const itemKey = (owner: string, itemId: string): string => `item#${owner}#${itemId}`;
const eventsKey = (owner: string, id: string, part: number) => ({ pk: text(`events#${owner}#${id}#${part}`) });
const rowKey = (owner: string, id: string) => ({ pk: text(`row#${owner}#${id}`) });
const runKey = (owner: string, id: string) => ({ pk: text(`run#${owner}#${id}`) });

/** Conversations on DynamoDB. */
export function createConversationStore(client: Dynamo, table: string): ConversationStore {
  const write = (item: Item) => answered(client.send(new PutItemCommand({ TableName: table, Item: item })));
  const remove = ({ pk }: Item) =>
    answered(client.send(new DeleteItemCommand({ TableName: table, Key: pk === undefined ? {} : { pk } })));

  /** Parts are numbered without gaps: the first that was not there is the end. */
  async function removeEvents({ owner, id }: StoredResponse): Promise<void> {
    for (let part = 0; ; part++) {
      const gone = new DeleteItemCommand({ TableName: table, Key: eventsKey(owner, id, part), ReturnValues: 'ALL_OLD' });
      if ((await answered(client.send(gone))).Attributes === undefined) return;
    }
  }

  /** Items by key, as far as there are any. */
  async function read(keys: readonly string[]): Promise<ReadonlyMap<string, Item>> {
    const items = await readItems(
      client,
      table,
      keys.map((pk) => ({ pk: text(pk) })),
    );
    return new Map(items.map((item) => [textOf(item, 'pk') ?? '', item]));
  }

  const get: ConversationStore['get'] = async (ids, { owner, now }) => {
    const heads = await read(ids.map((id) => partKey(owner, id, 0)));
    const live = new Map(
      ids.flatMap((id) => {
        const head = heads.get(partKey(owner, id, 0));
        return head !== undefined && isLive(head, now) ? [[id, head] as const] : [];
      }),
    );
    const keysAfter = (id: string, head: Item): readonly string[] =>
      Array.from({ length: countOf(head, 'parts') - 1 }, (_, index) => partKey(owner, id, index + 1, isDraft(head)));
    const rest = await read([...live].flatMap(([id, head]) => keysAfter(id, head)));
    return ids.flatMap((id) => {
      const head = live.get(id);
      if (head === undefined) return [];
      const parts = [head, ...keysAfter(id, head).map((pk) => rest.get(pk))];
      // A part may be missing while somebody deletes the response.
      return parts.includes(undefined) ? [] : [joined(parts)];
    });
  };

  return {
    get,

    async put(stored) {
      const [head, rest] = itemsOf(stored);
      await Promise.all(rest.map(write));
      await write(head);
    },

    async findItems(itemIds, { owner, now }) {
      const found = await read(itemIds.map((itemId) => itemKey(owner, itemId)));
      return new Map(
        itemIds.flatMap((itemId) => {
          const pointer = found.get(itemKey(owner, itemId));
          const id = textOf(pointer, 'response');
          return pointer !== undefined && id !== undefined && isLive(pointer, now) ? [[itemId, id]] : [];
        }),
      );
    },

    begin: async (stored) => void (await write({ ...runKey(stored.owner, stored.id), ...lifeOf(stored) })),

    async decide(id, ending, { owner }) {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: runKey(owner, id),
        UpdateExpression: 'SET #ending = if_not_exists(#ending, :ending)',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: { '#ending': 'ending' },
        ExpressionAttributeValues: { ':ending': text(ending) },
        ReturnValues: 'ALL_NEW',
      });
      try {
        return endingOf((await answered(client.send(update))).Attributes);
      } catch (error) {
        if (isFailedCondition(error)) return undefined;
        throw error;
      }
    },

    async fate(id, { owner }) {
      const { Item: run } = await answered(
        client.send(new GetItemCommand({ TableName: table, Key: runKey(owner, id), ConsistentRead: true })),
      );
      return run === undefined ? undefined : (endingOf(run) ?? 'open');
    },

    async append(stored, part, bytes) {
      await write({ ...eventsKey(stored.owner, stored.id, part), ...lifeOf(stored), doc: { B: gzipSync(bytes) } });
    },

    async eventsAt(id, part, { owner, now }) {
      const { Item: found } = await answered(
        client.send(new GetItemCommand({ TableName: table, Key: eventsKey(owner, id, part), ConsistentRead: true })),
      );
      const packed = found !== undefined && isLive(found, now) ? found['doc']?.B : undefined;
      return packed === undefined ? undefined : gunzipSync(packed);
    },

    async next({ id, owner, expiresAt }) {
      const update = new UpdateItemCommand({
        TableName: table,
        Key: rowKey(owner, id),
        UpdateExpression: 'SET expires = :expires, #ttl = :ttl ADD taken :one',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ':expires': number(expiresAt),
          ':ttl': number(Math.ceil(expiresAt / 1000)),
          ':one': number(1),
        },
        ReturnValues: 'UPDATED_NEW',
      });
      return countOf((await answered(client.send(update))).Attributes, 'taken') - 1;
    },

    async taken(id, { owner, now }) {
      const get = new GetItemCommand({ TableName: table, Key: rowKey(owner, id), ConsistentRead: true });
      const { Item: row } = await answered(client.send(get));
      return row !== undefined && isLive(row, now) ? countOf(row, 'taken') : 0;
    },

    async delete(id, reader) {
      const [stored] = await get([id], reader);
      if (stored === undefined) return false;
      const [head, rest] = itemsOf(stored);
      await remove(head);
      await Promise.all(
        [...rest, ...(stored.response['background'] === true ? tracesOf(stored, rest.length) : [])].map(remove),
      );
      if (stored.streamed === true) await removeEvents(stored);
      if (isConversationId(id)) await remove(rowKey(stored.owner, id));
      return true;
    },
  };
}

/** The items of a record: part 0, and the other parts and pointers. */
function itemsOf(stored: StoredResponse): readonly [head: Item, rest: readonly Item[]] {
  const { owner, id } = stored;
  const bytes = Buffer.from(JSON.stringify(stored));
  const count = Math.ceil(bytes.length / PART_BYTES);
  const life = lifeOf(stored);
  const draft = stored.runsUntil !== undefined;
  const part = (index: number): Item => ({
    pk: text(partKey(owner, id, index, draft)),
    ...life,
    doc: { B: bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES) },
  });
  const parts = Array.from({ length: count - 1 }, (_, index) => part(index + 1));
  const pointers = itemIdsOf(stored).map((itemId) => ({ pk: text(itemKey(owner, itemId)), ...life, response: text(id) }));
  return [{ ...part(0), parts: number(count), ...(draft && { draft: number(1) }) }, [...parts, ...pointers]];
}

/** What a response leaves that was made in the background: how it ended, and parts of its draft, which was no longer than `most`. */
const tracesOf = ({ owner, id }: StoredResponse, most: number): readonly Item[] => [
  runKey(owner, id),
  ...Array.from({ length: most + 1 }, (_, index) => ({ pk: text(partKey(owner, id, index + 1, true)) })),
];

const isDraft = (head: Item): boolean => countOf(head, 'draft') === 1;

const lifeOf = ({ expiresAt }: Pick<StoredResponse, 'expiresAt'>): Item => ({
  expires: number(expiresAt),
  ttl: number(Math.ceil(expiresAt / 1000)),
});

const endingOf = (run: Item | undefined): Ending | undefined => textOf(run, 'ending') as Ending | undefined;

const isLive = (item: Item, now: number): boolean => countOf(item, 'expires') > now;

const joined = (parts: readonly (Item | undefined)[]): StoredResponse =>
  JSON.parse(Buffer.concat(parts.map((part) => part?.['doc']?.B ?? new Uint8Array())).toString('utf8')) as StoredResponse;
