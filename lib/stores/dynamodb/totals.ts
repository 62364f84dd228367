/** Totals on DynamoDB: how they are read, and how all of them are written anew. Items: `total-items`; how entries get in: `total-writes`. */
import type { UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { addTotals, NO_TOTAL, type TotalScope } from '../../domain/total.ts';
import { isKeyText, strangeCursor } from '../../domain/pages.ts';
import type { CallRef, TotalStore } from '../totals.ts';
import { countOf, number, text, textOf, type Item } from './attributes.ts';
import { writeItems } from './batches.ts';
import { answered } from './client.ts';
import { GetItemCommand, QueryCommand, ScanCommand, UpdateItemCommand, isFailedCondition, type Dynamo } from './commands.ts';
import { queryAll } from './registry.ts';
import { futureRows, sameDays } from './total-heads.ts';
import {
  callsIn,
  dayIn,
  LIFE_PARTITIONS,
  lifeAddress,
  lifePartition,
  minuteKey,
  scopePartition,
  totalIn,
} from './total-items.ts';
import { addEntries, listCalls, type TotalTable } from './total-writes.ts';

const STATE = { pk: text('state'), sk: text('state') };
/** The generation of a table that was never written anew. */
const FIRST = 1;
/** How long readers remember which generation is in use, milliseconds. */
const REMEMBER_MS = 30_000;
/** An open generation is gone on with for this long; what it remembers of its entries expires after seven days. Milliseconds. */
const OPEN_MS = 2 * 86_400_000;
/** Items of calls read at once. */
const CALLS_PAGE = 100;
const SWEEP_PAGE = 1_000;
/** How often days are read anew because one left its head meanwhile, which each head does once a day. */
const MOST_LOOKS = 4;

/** Which generations there are. */
interface State {
  readonly live: number;
  readonly open?: number;
  readonly openedAt: number;
}

/** Totals on DynamoDB. */
export function createTotalStore(client: Dynamo, table: string, now: () => number = Date.now): TotalStore {
  const on: TotalTable = { client, table, now };
  let remembered: { readonly live: number; readonly until: number } | undefined;

  async function readState(): Promise<State> {
    const { Item } = await answered(client.send(new GetItemCommand({ TableName: table, Key: STATE, ConsistentRead: true })));
    const open = countOf(Item, 'open');
    return { live: countOf(Item, 'live') || FIRST, ...(open === 0 ? {} : { open }), openedAt: countOf(Item, 'openedAt') };
  }

  async function changeState(input: Partial<UpdateItemCommandInput>): Promise<boolean> {
    try {
      await answered(client.send(new UpdateItemCommand({ TableName: table, Key: STATE, ...input })));
      return true;
    } catch (error) {
      if (isFailedCondition(error)) return false;
      throw error;
    }
  }

  async function generation(): Promise<number> {
    if (remembered === undefined || remembered.until <= now()) {
      remembered = { live: (await readState()).live, until: now() + REMEMBER_MS };
    }
    return remembered.live;
  }

  async function fill(number: number, entries: readonly LedgerEntry[]): Promise<number> {
    await listCalls(on, number, entries);
    return addEntries(on, number, entries);
  }

  /** The rows of a scope's life, one a slot. */
  async function headsOf(of: number, scope: TotalScope): Promise<readonly Item[]> {
    const { pk, sk } = lifeAddress(of, scope);
    const items = await queryAll(client, {
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :sk)',
      ExpressionAttributeValues: { ':pk': text(pk), ':sk': text(sk) },
    });
    return items.filter((item) => (textOf(item, 'id') ?? '') === scope.id);
  }

  /** Items of a partition from `lower` to `upper`. */
  const page = async (
    pk: string,
    [lower, upper]: readonly [string, string],
    {
      limit,
      cursor,
      newestFirst,
      fresh = false,
    }: {
      readonly limit: number;
      readonly cursor?: string | undefined;
      readonly newestFirst: boolean;
      /** Sees every write that was answered. */
      readonly fresh?: boolean;
    },
  ) => {
    const { Items = [], LastEvaluatedKey } = await answered(
      client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :lower AND :upper',
          ExpressionAttributeValues: { ':pk': text(pk), ':lower': text(lower), ':upper': text(upper) },
          ScanIndexForward: !newestFirst,
          Limit: limit,
          ConsistentRead: fresh,
          ...(cursor === undefined ? {} : { ExclusiveStartKey: { pk: text(pk), sk: text(cursor) } }),
        }),
      ),
    );
    const last = textOf(LastEvaluatedKey, 'sk');
    return { items: Items, ...(last === undefined ? {} : { last }) };
  };

  return {
    async apply(entries) {
      // Read anew each time: an entry that arrives after a generation was opened belongs to both.
      const { live, open } = await readState();
      if (open !== undefined) await fill(open, entries);
      return fill(live, entries);
    },

    read: async (scope) => (await headsOf(await generation(), scope)).map(totalIn).reduce(addTotals, NO_TOTAL),

    async list(kind, { limit, cursor }) {
      const [, given = '0', after] = /^(\d+)(?::(.*))?$/s.exec(fromCursor(cursor ?? toCursor('0'))) ?? [];
      const partition = Number(given);
      const pk = lifePartition(await generation(), kind, partition);
      const { items, last } = await page(pk, [' ', '\u{10ffff}'], { limit, cursor: after, newestFirst: false });
      const next = last === undefined ? `${partition + 1}` : `${partition}:${last}`;
      return {
        items: items.map((item) => ({ id: textOf(item, 'id') ?? '', total: totalIn(item) })),
        ...(last === undefined && partition + 1 >= LIFE_PARTITIONS ? {} : { cursor: toCursor(next) }),
      };
    },

    async days(scope, { from, to }, { limit, cursor }) {
      const live = await generation();
      const pk = scopePartition(live, 'day', scope);
      const after = cursor === undefined ? undefined : fromCursor(cursor);
      // Groups in heads are told where their rows will be: whether they leave between two pages or not, they are passed once.
      for (let look = 1; ; look++) {
        // Before the page, so that nothing is missed; what left a head meanwhile would be told twice.
        const heads = await headsOf(live, scope);
        const { items, last } = await page(pk, [from, `${to}~`], { limit, cursor: after, newestFirst: true, fresh: look > 1 });
        const inside = heads
          .flatMap((head) => futureRows(live, scope, head))
          .filter(({ sk, group: { day } }) => day >= from && day <= to && (after === undefined || sk < after))
          .filter(({ sk }) => last === undefined || sk >= last);
        if (inside.length > 0 && look < MOST_LOOKS && !sameDays(heads, await headsOf(live, scope))) continue;
        return {
          items: [...inside.map(({ group }) => group), ...items.map(dayIn)],
          ...(last === undefined ? {} : { cursor: toCursor(last) }),
        };
      }
    },

    async calls(scope, { from, to }, { limit, cursor }) {
      const pk = scopePartition(await generation(), 'calls', scope);
      const before = cursor === undefined ? undefined : fromCursor(cursor);
      if (before !== undefined && !/^\d{15}#/.test(before)) throw strangeCursor();
      const newest = before === undefined ? to : Math.min(to, Number(before.split('#', 1)[0]) + 1);
      const found = new Map<string, CallRef>();
      let minute = '';
      let start: string | undefined;
      reading: do {
        const read = await page(pk, [minuteKey(from), `${minuteKey(newest)}~`], {
          limit: CALLS_PAGE,
          cursor: start,
          newestFirst: true,
        });
        for (const item of read.items) {
          const [of = ''] = (textOf(item, 'sk') ?? '').split('#', 1);
          // Within a minute the order is only known when all of it is there.
          if (of !== minute && found.size > limit) break reading;
          minute = of;
          for (const call of callsIn(item)) {
            const place = placeOf(call);
            if (call.at >= from && call.at < to && (before === undefined || place < before)) found.set(place, call);
          }
        }
        start = read.last;
      } while (start !== undefined);
      const places = [...found.keys()].toSorted().toReversed();
      const shown = places.slice(0, limit);
      const last = shown.at(-1);
      return {
        items: shown.map((place) => found.get(place) as CallRef),
        ...(places.length > limit && last !== undefined ? { cursor: toCursor(last) } : {}),
      };
    },

    rebuild: {
      async begin() {
        const { live, open, openedAt } = await readState();
        if (open !== undefined && openedAt > now() - OPEN_MS) return open;
        const next = Math.max(live, open ?? 0) + 1;
        const won = await changeState({
          UpdateExpression: 'SET live = :live, #open = :next, openedAt = :now',
          ConditionExpression: open === undefined ? 'attribute_not_exists(#open)' : '#open = :open',
          ExpressionAttributeNames: { '#open': 'open' },
          ExpressionAttributeValues: {
            ':live': number(live),
            ':next': number(next),
            ':now': number(now()),
            ...(open === undefined ? {} : { ':open': number(open) }),
          },
        });
        if (!won) return this.begin();
        return next;
      },

      fill,

      async finish(done) {
        const won = await changeState({
          UpdateExpression: 'SET live = :done REMOVE #open, openedAt',
          ConditionExpression: '#open = :done',
          ExpressionAttributeNames: { '#open': 'open' },
          ExpressionAttributeValues: { ':done': number(done) },
        });
        if (!won && (await readState()).live !== done) throw new Error(`generation ${done} is not open`);
        remembered = undefined;
      },

      async sweep() {
        const { live, open } = await readState();
        let swept = 0;
        let start: Item | undefined;
        do {
          const read = await answered(
            client.send(
              new ScanCommand({
                TableName: table,
                ProjectionExpression: 'pk, sk',
                Limit: SWEEP_PAGE,
                ...(start === undefined ? {} : { ExclusiveStartKey: start }),
              }),
            ),
          );
          const stale = (read.Items ?? []).filter((item) => {
            const of = /^(\d+)#/.exec(textOf(item, 'pk') ?? '')?.[1];
            return of !== undefined && Number(of) !== live && Number(of) !== open;
          });
          await writeItems(
            client,
            table,
            stale.map((Key) => ({ DeleteRequest: { Key } })),
          );
          swept += stale.length;
          start = read.LastEvaluatedKey;
        } while (start !== undefined);
        return swept;
      },
    },
  };
}

/** Order of calls: by arrival, then by id. */
const placeOf = ({ at, id }: CallRef): string => `${String(at).padStart(15, '0')}#${id}`;

const toCursor = (place: string): string => Buffer.from(place).toString('base64url');

/** @throws GatewayError `invalid_request` for text that is no cursor. */
function fromCursor(cursor: string): string {
  const place = Buffer.from(cursor, 'base64url').toString();
  if (isKeyText(place) && toCursor(place) === cursor) return place;
  throw strangeCursor();
}
