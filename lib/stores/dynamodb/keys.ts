/**
 * Virtual keys in the registry: `key#<hash>` holds the key, `alias#<alias>` reserves its alias, so that two keys cannot have the same
 * one. Both change in one transaction; only `get` is on the path of a request.
 */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { VirtualKey } from '../../domain/key.ts';
import type { KeyStore } from '../keys.ts';
import { number, text, textOf, type Item } from './attributes.ts';
import { transact, wasRefused } from './client.ts';
import { documentText } from './document.ts';
import { listPage } from './entities.ts';
import { documentOf, getRecord, keyItem, putWrite, type Registry } from './registry.ts';

const LIST = 'key';
const keyRecord = (hash: string) => ({ pk: `key#${hash}`, sk: 'key' });
const aliasRecord = (alias: string) => ({ pk: `alias#${alias}`, sk: 'alias' });
const ABSENT = { ConditionExpression: 'attribute_not_exists(pk)' };

const itemOf = (key: VirtualKey): Item => ({
  ...keyItem(keyRecord(key.hash)),
  doc: text(documentText(key)),
  rev: number(key.rev),
  list: text(LIST),
  at: number(key.createdAt),
});

/** Keys on DynamoDB. */
export function createKeyStore(registry: Registry): KeyStore {
  const { client, table } = registry;
  const read = async (hash: string, consistent: boolean) =>
    documentOf(await getRecord(registry, keyRecord(hash), consistent)) as VirtualKey | undefined;
  const reserve = (alias: string, hash: string) =>
    putWrite(registry, { ...keyItem(aliasRecord(alias)), hash: text(hash) }, ABSENT);
  const release = (alias: string): TransactWriteItem => ({ Delete: { TableName: table, Key: keyItem(aliasRecord(alias)) } });
  const whileAt = (rev: number) => ({
    ConditionExpression: 'rev = :rev',
    ExpressionAttributeValues: { ':rev': number(rev) },
  });

  return {
    get: (hash, options) => read(hash, options?.fresh === true),

    async create(key) {
      const refused = await transact(client, [
        putWrite(registry, itemOf(key), ABSENT),
        ...(key.alias === undefined ? [] : [reserve(key.alias, key.hash)]),
      ]);
      if (refused === undefined) return 'created';
      return wasRefused(refused, 0) ? 'exists' : 'alias-taken';
    },

    async replace(key) {
      const stored = await read(key.hash, true);
      if (stored === undefined) return 'absent';
      if (stored.rev !== key.rev - 1) return 'stale';
      const moved = stored.alias !== key.alias;
      const refused = await transact(client, [
        putWrite(registry, itemOf(key), whileAt(stored.rev)),
        ...(moved && key.alias !== undefined ? [reserve(key.alias, key.hash)] : []),
        ...(moved && stored.alias !== undefined ? [release(stored.alias)] : []),
      ]);
      if (refused === undefined) return 'replaced';
      if (!wasRefused(refused, 0)) return 'alias-taken';
      return refused[0]?.Item === undefined ? 'absent' : 'stale';
    },

    async delete(hash) {
      for (;;) {
        const stored = await read(hash, true);
        if (stored === undefined) return undefined;
        const refused = await transact(client, [
          { Delete: { TableName: table, Key: keyItem(keyRecord(hash)), ...whileAt(stored.rev) } },
          ...(stored.alias === undefined ? [] : [release(stored.alias)]),
        ]);
        if (refused === undefined) return stored;
      }
    },

    async findByAlias(alias) {
      const hash = textOf(await getRecord(registry, aliasRecord(alias), true), 'hash');
      return hash === undefined ? undefined : read(hash, true);
    },

    list: (page) => listPage<VirtualKey>(registry, LIST, page),
  };
}
