/**
 * Virtual keys in the registry: `key#<hash>` holds the key, `alias#<alias>` reserves its alias, so that two keys cannot have the same
 * one. Both change in one transaction, with the links from the key's owners; only `get` is on the path of a request.
 */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { VirtualKey } from '../../domain/key.ts';
import { ownersOfKey } from '../../domain/owned.ts';
import type { KeyStore } from '../keys.ts';
import { text, textOf } from './attributes.ts';
import { createLinkedRecords } from './linked-records.ts';
import { listOwned, type LinkedKind } from './links.ts';
import { listPage } from './listing.ts';
import { getRecord, keyItem, putWrite, type Registry } from './registry.ts';

/** Keys as records with owners. */
export const KEYS: LinkedKind<VirtualKey> = {
  list: 'key',
  recordKey: (hash) => ({ pk: `key#${hash}`, sk: 'key' }),
  idOf: ({ hash }) => hash,
  ownersOf: ownersOfKey,
};

const aliasRecord = (alias: string) => ({ pk: `alias#${alias}`, sk: 'alias' });

/** Keys on DynamoDB. */
export function createKeyStore(registry: Registry, isLinkedThroughout: () => Promise<boolean>): KeyStore {
  const { table } = registry;
  const reserve = (alias: string, hash: string): TransactWriteItem =>
    putWrite(
      registry,
      { ...keyItem(aliasRecord(alias)), hash: text(hash) },
      { ConditionExpression: 'attribute_not_exists(pk)' },
    );
  const release = (alias: string): TransactWriteItem => ({ Delete: { TableName: table, Key: keyItem(aliasRecord(alias)) } });
  const records = createLinkedRecords(registry, KEYS, (before, after) => {
    if (before?.alias === after?.alias) return [];
    return [
      ...(after?.alias === undefined ? [] : [reserve(after.alias, after.hash)]),
      ...(before?.alias === undefined ? [] : [release(before.alias)]),
    ];
  });
  const aliasTaken = <T extends string>(outcome: T): Exclude<T, 'refused'> | 'alias-taken' =>
    outcome === 'refused' ? 'alias-taken' : (outcome as Exclude<T, 'refused'>);

  return {
    get: records.get,
    create: async (key) => aliasTaken(await records.create(key)),
    replace: async (key) => aliasTaken(await records.replace(key)),
    delete: records.delete,

    async findByAlias(alias) {
      const hash = textOf(await getRecord(registry, aliasRecord(alias), true), 'hash');
      return hash === undefined ? undefined : records.get(hash, { fresh: true });
    },

    list: (page) => listPage<VirtualKey>(registry, KEYS.list, page),
    listOf: (owner, page) => listOwned(registry, KEYS, owner, page, isLinkedThroughout),
  };
}
