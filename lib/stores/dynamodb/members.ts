/** Memberships in the registry: one partition a group, one record a user. */
import { isKeyText, strangeCursor } from '../../domain/pages.ts';
import type { Group, Member } from '../../domain/team.ts';
import type { MemberStore } from '../members.ts';
import { number, text, textOf } from './attributes.ts';
import { answered } from './client.ts';
import { DeleteItemCommand } from './commands.ts';
import { documentText } from './document.ts';
import { put } from './entities.ts';
import { documentOf, getRecord, keyItem, listDocuments, pageOfPartition, type Registry } from './registry.ts';

const partition = ({ kind, id }: Group): string => `member#${kind}#${id}`;
const recordKey = (group: Group, userId: string) => ({ pk: partition(group), sk: userId });

/** Memberships on DynamoDB. */
export function createMemberStore(registry: Registry): MemberStore {
  const { client, table } = registry;
  return {
    get: async (group, userId, options) =>
      documentOf(await getRecord(registry, recordKey(group, userId), options?.fresh === true)) as Member | undefined,
    list: async (group) => (await listDocuments(registry, partition(group))) as readonly Member[],

    async page(group, { limit, cursor }) {
      if (cursor !== undefined && !isKeyText(cursor)) throw strangeCursor();
      const start = cursor === undefined ? undefined : keyItem(recordKey(group, cursor));
      const { items, last } = await pageOfPartition(registry, partition(group), { limit, start });
      const userId = textOf(last, 'sk');
      return {
        items: items.map((item) => documentOf(item) as Member),
        ...(userId === undefined ? {} : { cursor: userId }),
      };
    },

    async put(member) {
      const item = {
        ...keyItem(recordKey(member.group, member.userId)),
        doc: text(documentText(member)),
        rev: number(member.rev),
      };
      const condition =
        member.rev === 1
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': number(member.rev - 1) } };
      return (await put(registry, { Item: item, ...condition })) === undefined ? 'stored' : 'stale';
    },

    async delete(group, userId) {
      const { Attributes } = await answered(
        client.send(
          new DeleteItemCommand({ TableName: table, Key: keyItem(recordKey(group, userId)), ReturnValues: 'ALL_OLD' }),
        ),
      );
      return documentOf(Attributes) as Member | undefined;
    },
  };
}
