/**
 * The last checkpoint on DynamoDB, beside the totals: a head `checkpoint`, and pages of sums `checkpoint#<moment of writing>`. Pages are
 * written first; the head says which count. Both expire: older ones need no broom, and a checkpoint that nobody renewed is of no use.
 */
import type { Checkpoint, MeterSum } from '../../domain/checkpoint.ts';
import { pagesOfBytes } from '../../domain/pages.ts';
import type { CheckpointStore } from '../checkpoints.ts';
import { bigintOf, countOf, number, text, textOf, type Item } from './attributes.ts';
import { answered } from './client.ts';
import { GetItemCommand, PutItemCommand, type Dynamo } from './commands.ts';
import { queryAll } from './registry.ts';

const HEAD = 'checkpoint';
/** Bytes of sums in one page: an item takes 400 KB. Names are clients' words, so a sum may have some 60 bytes, or 2,000. */
const PAGE_BYTES = 300_000;
const KEEP_SECONDS = 35 * 86_400;

/** A sum as JSON: of a life, or of a meter with what it did not hold. */
type SumDocument = readonly [name: string, spend: string] | readonly [name: string, ledger: string, unheld: string];

/** The last checkpoint on DynamoDB. `now`: milliseconds since the epoch. */
export function createCheckpointStore(client: Dynamo, table: string, now: () => number = Date.now): CheckpointStore {
  const put = (item: Item): Promise<unknown> => {
    const ttl = number(Math.ceil(now() / 1000) + KEEP_SECONDS);
    return answered(client.send(new PutItemCommand({ TableName: table, Item: { ...item, ttl } })));
  };

  async function readPages(pk: string): Promise<readonly SumDocument[]> {
    const items = await queryAll(client, {
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': text(pk) },
    });
    return items.flatMap((item) => JSON.parse(textOf(item, 'sums') ?? '[]') as readonly SumDocument[]);
  }

  return {
    async read() {
      const Key = { pk: text(HEAD), sk: text(HEAD) };
      const { Item } = await answered(client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true })));
      const pages = textOf(Item, 'pages');
      if (pages === undefined || countOf(Item, 'ttl') * 1000 <= now()) return undefined;
      const sums = await readPages(pages);
      // A page that expired before its head.
      if (sums.length !== countOf(Item, 'sums')) return undefined;
      const lives = sums.flatMap((sum): [string, bigint][] => (sum.length === 2 ? [[sum[0], BigInt(sum[1])]] : []));
      const meters = sums.flatMap((sum): [string, MeterSum][] =>
        sum.length === 3 ? [[sum[0], { ledger: BigInt(sum[1]), unheld: BigInt(sum[2]) }]] : [],
      );
      return {
        at: countOf(Item, 'at'),
        userBudgetsForTeamKeys: Item?.['teamKeys']?.BOOL === true,
        entries: countOf(Item, 'entries'),
        spend: bigintOf(Item, 'spend') ?? 0n,
        unpriced: countOf(Item, 'unpriced'),
        lives: new Map(lives),
        meters: new Map(meters),
      };
    },

    async write({ at, userBudgetsForTeamKeys, entries, spend, unpriced, lives, meters }: Checkpoint) {
      const sums: SumDocument[] = [
        ...[...lives].map(([name, sum]) => [name, String(sum)] as const),
        ...[...meters].map(([name, { ledger, unheld }]) => [name, String(ledger), String(unheld)] as const),
      ];
      const pages = `${HEAD}#${now()}`;
      for (const [index, page] of pagesOfBytes(sums, PAGE_BYTES).entries()) {
        await put({ pk: text(pages), sk: text(String(index).padStart(10, '0')), sums: text(JSON.stringify(page)) });
      }
      await put({
        pk: text(HEAD),
        sk: text(HEAD),
        pages: text(pages),
        sums: number(sums.length),
        at: number(at),
        teamKeys: { BOOL: userBudgetsForTeamKeys },
        entries: number(entries),
        spend: number(spend),
        unpriced: number(unpriced),
      });
    },
  };
}
