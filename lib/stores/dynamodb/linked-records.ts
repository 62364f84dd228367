/** Records that change together with the links from their owners: one transaction, on the condition that nobody was faster. */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { number, text, type Item } from './attributes.ts';
import { transact, wasRefused } from './client.ts';
import { documentText } from './document.ts';
import { isLinked, LINKED, linkWrites, type LinkedKind } from './links.ts';
import { documentOf, getRecord, keyItem, putWrite, type Registry } from './registry.ts';

/** What every such record has. */
interface Stored {
  readonly rev: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Writes besides the record and its links, for the record as it was and as it will be. `refused` when a condition of theirs did not hold. */
type Aside<T> = (before: T | undefined, after: T | undefined) => readonly TransactWriteItem[];

/** The store of such records; `refused` comes of writes aside only. */
export interface LinkedRecords<T> {
  readonly get: (id: string, options?: { readonly fresh?: boolean }) => Promise<T | undefined>;
  readonly create: (record: T) => Promise<'created' | 'exists' | 'refused'>;
  readonly replace: (record: T) => Promise<'replaced' | 'stale' | 'absent' | 'refused'>;
  readonly delete: (id: string) => Promise<T | undefined>;
}

/** Records of one kind. */
export function createLinkedRecords<T extends Stored>(
  registry: Registry,
  kind: LinkedKind<T>,
  aside: Aside<T> = () => [],
): LinkedRecords<T> {
  const { client, table } = registry;
  const itemOf = (record: T): Item => ({
    ...keyItem(kind.recordKey(kind.idOf(record))),
    doc: text(documentText(record)),
    rev: number(record.rev),
    list: text(kind.list),
    at: number(record.createdAt),
    ...LINKED,
  });
  const whileAt = (rev: number) => ({
    ConditionExpression: 'rev = :rev',
    ExpressionAttributeValues: { ':rev': number(rev) },
  });
  async function read(id: string, consistent: boolean) {
    const item = await getRecord(registry, kind.recordKey(id), consistent);
    const record = documentOf(item) as T | undefined;
    return record === undefined ? undefined : { record, isLinked: isLinked(item) };
  }

  return {
    get: async (id, options) => (await read(id, options?.fresh === true))?.record,

    async create(record) {
      const refused = await transact(client, [
        putWrite(registry, itemOf(record), { ConditionExpression: 'attribute_not_exists(pk)' }),
        ...aside(undefined, record),
        ...linkWrites(registry, kind, undefined, record),
      ]);
      if (refused === undefined) return 'created';
      return wasRefused(refused, 0) ? 'exists' : 'refused';
    },

    async replace(record) {
      const stored = await read(kind.idOf(record), true);
      if (stored === undefined) return 'absent';
      if (stored.record.rev !== record.rev - 1) return 'stale';
      const refused = await transact(client, [
        putWrite(registry, itemOf(record), whileAt(stored.record.rev)),
        ...aside(stored.record, record),
        ...linkWrites(registry, kind, stored, record),
      ]);
      if (refused === undefined) return 'replaced';
      if (!wasRefused(refused, 0)) return 'refused';
      return refused[0]?.Item === undefined ? 'absent' : 'stale';
    },

    async delete(id) {
      for (;;) {
        const stored = await read(id, true);
        if (stored === undefined) return undefined;
        const { record } = stored;
        const refused = await transact(client, [
          { Delete: { TableName: table, Key: keyItem(kind.recordKey(id)), ...whileAt(record.rev) } },
          ...aside(record, undefined),
          ...linkWrites(registry, kind, stored, undefined),
        ]);
        if (refused === undefined) return record;
      }
    },
  };
}
