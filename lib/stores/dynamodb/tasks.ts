/** Tasks of keys in the registry: `task#<kind>#<hash>`, in the listing index by their moment. */
import type { KeyTask, TaskStore } from '../tasks.ts';
import { number, text } from './attributes.ts';
import { answered } from './client.ts';
import { DeleteItemCommand, QueryCommand, isFailedCondition } from './commands.ts';
import { documentText } from './document.ts';
import { put } from './entities.ts';
import { documentOf, keyItem, type Registry } from './registry.ts';

const LIST = 'task';
const recordKey = ({ kind, hash }: KeyTask) => ({ pk: `${LIST}#${kind}#${hash}`, sk: LIST });

/** Tasks on DynamoDB. */
export function createTaskStore(registry: Registry): TaskStore {
  const { client, table } = registry;
  return {
    async put(task) {
      const item = { ...keyItem(recordKey(task)), doc: text(documentText(task)), list: text(LIST), at: number(task.at) };
      await put(registry, { Item: item });
    },

    async due(now, limit) {
      const { Items = [] } = await answered(
        client.send(
          new QueryCommand({
            TableName: table,
            IndexName: 'listing',
            KeyConditionExpression: '#list = :list AND #at <= :now',
            ExpressionAttributeNames: { '#list': 'list', '#at': 'at' },
            ExpressionAttributeValues: { ':list': text(LIST), ':now': number(now) },
            Limit: limit,
          }),
        ),
      );
      return Items.map((item) => documentOf(item) as KeyTask | undefined).filter((task) => task !== undefined);
    },

    async done(task) {
      try {
        await answered(
          client.send(
            new DeleteItemCommand({
              TableName: table,
              Key: keyItem(recordKey(task)),
              ConditionExpression: '#at = :at',
              ExpressionAttributeNames: { '#at': 'at' },
              ExpressionAttributeValues: { ':at': number(task.at) },
            }),
          ),
        );
      } catch (error) {
        if (!isFailedCondition(error)) throw error;
      }
    },
  };
}
