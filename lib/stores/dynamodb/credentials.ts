/** Facts of provider credentials in the registry; their values are in the secret store. */
import type { Credential, CredentialStore } from '../credentials.ts';
import { text } from './attributes.ts';
import { answered } from './client.ts';
import { DeleteItemCommand, PutItemCommand } from './commands.ts';
import { documentOf, getRecord, keyItem, listDocuments, type Registry } from './registry.ts';

const PARTITION = 'credential';
const credentialRecord = (name: string) => ({ pk: PARTITION, sk: name });

/** Credential facts on DynamoDB. */
export function createCredentialStore(registry: Registry): CredentialStore {
  const { client, table } = registry;
  return {
    get: async (name) => documentOf(await getRecord(registry, credentialRecord(name), true)) as Credential | undefined,
    list: async () => (await listDocuments(registry, PARTITION)) as readonly Credential[],

    async put(credential) {
      const item = { ...keyItem(credentialRecord(credential.name)), doc: text(JSON.stringify(credential)) };
      await answered(client.send(new PutItemCommand({ TableName: table, Item: item })));
    },

    async delete(name) {
      const { Attributes } = await answered(
        client.send(new DeleteItemCommand({ TableName: table, Key: keyItem(credentialRecord(name)), ReturnValues: 'ALL_OLD' })),
      );
      return documentOf(Attributes) as Credential | undefined;
    },
  };
}
