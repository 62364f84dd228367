/** Links from owners to their records: what a listing by owner reads, and how records that are older than links get theirs. */
import { DeleteItemCommand, GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { documentText } from '../../../../lib/stores/dynamodb/document.ts';
import { open } from '../../../../lib/stores/dynamodb/index.ts';
import type { SdkClient } from '../../../../lib/stores/dynamodb/sdk-client.ts';
import { readAll } from '../../../../lib/domain/pages.ts';
import type { VirtualKey } from '../../../../lib/domain/key.ts';
import type { KeyOwner } from '../../../../lib/domain/owned.ts';
import type { Stores } from '../../../../lib/stores/stores.ts';
import { clientFor, linkThroughout, NAMES, startDynoxide, type Emulator } from '../../../support/dynoxide.ts';
import { aKey } from '../contract.ts';

const NOW = 1_764_000_000_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startDynoxide();
});
afterEach(() => emulator.stop());

/** Stores as another process has them: nothing known. */
const stores = (): Stores => open(emulator.client, NAMES);

/** Writes a key as versions before links did, over whatever is there. */
async function writeOld(key: VirtualKey): Promise<void> {
  const item = {
    doc: { S: documentText(key) },
    rev: { N: String(key.rev) },
    list: { S: 'key' },
    at: { N: String(key.createdAt) },
  };
  await emulator.client.send(
    new PutItemCommand({ TableName: NAMES.registry, Item: { pk: { S: `key#${key.hash}` }, sk: { S: 'key' }, ...item } }),
  );
}

const hashesOf = async (owner: KeyOwner, of = stores()): Promise<readonly string[]> =>
  (await readAll({ list: (page) => of.keys.listOf(owner, page) })).map(({ hash }) => hash).toSorted();
const ofTeam = (id: string, of?: Stores) => hashesOf({ kind: 'team', id }, of);

/** Counts what a client is told it read. */
function metered(): { readonly client: SdkClient; readonly read: { requests: number; units: number; items: number } } {
  const client = clientFor(emulator.endpoint, {});
  const read = { requests: 0, units: 0, items: 0 };
  const send = client.send.bind(client) as (command: { input: object }) => Promise<Record<string, unknown>>;
  return {
    read,
    client: Object.assign(client, {
      send: async (command: { input: object }) => {
        Object.assign(command.input, { ReturnConsumedCapacity: 'TOTAL' });
        const answer = await send(command);
        const capacities = [answer['ConsumedCapacity']].flat() as ({ CapacityUnits?: number } | undefined)[];
        read.requests++;
        read.units += capacities.reduce((sum, capacity) => sum + (capacity?.CapacityUnits ?? 0), 0);
        read.items += ((answer['Items'] as unknown[] | undefined) ?? []).length;
        return answer;
      },
    }) as SdkClient,
  };
}

describe('a listing by owner', () => {
  it('reads the keys of its team, however many others there are', async () => {
    await linkThroughout(stores(), NOW);
    const { keys } = stores();
    const others = Array.from({ length: 2_000 }, (_, n) => aKey({ teamId: `t${n % 200}`, userId: `u${n % 300}` }));
    for (let from = 0; from < others.length; from += 50) {
      await Promise.all(others.slice(from, from + 50).map((key) => keys.create(key)));
    }
    const { client, read } = metered();

    expect(await ofTeam('t7', open(client, NAMES))).toHaveLength(10);

    // The state, one page of links, one batch of keys: 10 links and 10 keys of half a kilobyte each, read consistently.
    expect(read.requests).toBe(3);
    expect(read.items).toBe(10);
    expect(read.units).toBeLessThanOrEqual(13);
    client.destroy();
  });

  it('never shows a key under an owner that it has no more, though the link be still there', async () => {
    await linkThroughout(stores(), NOW);
    const key = aKey({ teamId: 'new' });
    await stores().keys.create(key);
    const stray = { pk: { S: 'link#key#team#old' }, sk: { S: key.hash } };
    const gone = { pk: { S: 'link#key#team#old' }, sk: { S: 'gone' } };
    for (const Item of [stray, gone]) await emulator.client.send(new PutItemCommand({ TableName: NAMES.registry, Item }));
    expect(await ofTeam('old')).toEqual([]);
  });

  it('ends as it began, when all becomes linked in the middle', async () => {
    const made = Array.from({ length: 4 }, () => aKey({ teamId: 't' }));
    for (const key of made) await stores().keys.create(key);
    const first = await stores().keys.listOf({ kind: 'team', id: 't' }, { limit: 2 });
    await linkThroughout(stores(), NOW);
    const second = await stores().keys.listOf({ kind: 'team', id: 't' }, { limit: 10, cursor: first.cursor as string });
    expect([...first.items, ...second.items].map(({ hash }) => hash).toSorted()).toEqual(
      made.map(({ hash }) => hash).toSorted(),
    );
  });

  it('refuses a cursor that is none of its own', async () => {
    await linkThroughout(stores(), NOW);
    await expect(stores().keys.listOf({ kind: 'team', id: 't' }, { limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({
      kind: 'invalid_request',
    });
  });
});

describe('keys from before there were links', () => {
  it('are found all the time: before, while and after they are linked', async () => {
    const old = Array.from({ length: 7 }, (_, n) => aKey({ teamId: 't', userId: `u${n}`, createdAt: NOW + n }));
    for (const key of old) await writeOld(key);
    const fresh = aKey({ teamId: 't' });
    await stores().keys.create(fresh);
    const all = [...old, fresh].map(({ hash }) => hash).toSorted();
    const { links } = stores();

    const seen: (readonly string[])[] = [await ofTeam('t')];
    let linked = 0;
    let runs = 0;
    for (let done = false; !done && runs < 20; runs++) {
      const run = await links.catchUp(NOW + runs * HOUR_MS, 3);
      linked += run.linked;
      done = run.complete;
      seen.push(await ofTeam('t'));
    }

    expect(linked).toBe(old.length);
    expect(new Set(seen.map(String))).toEqual(new Set([String(all)]));
    expect(await hashesOf({ kind: 'user', id: 'u3' })).toEqual([old[3]?.hash]);
  });

  it('are not linked before a version that writes no links is gone for sure', async () => {
    await writeOld(aKey({ teamId: 't' }));
    const { links } = stores();
    for (const at of [NOW, NOW + 1, NOW + HOUR_MS - 1]) {
      expect(await links.catchUp(at, 100)).toEqual({ linked: 0, complete: false });
    }
    expect((await links.catchUp(NOW + HOUR_MS, 100)).linked).toBe(1);
  });

  it('stay as they are by it, and can be changed and deleted before it and after it', async () => {
    const [kept, moved, deleted] = [aKey({ teamId: 't', alias: 'kept' }), aKey({ teamId: 't' }), aKey({ teamId: 't' })];
    for (const key of [kept, moved, deleted]) await writeOld(key);
    await stores().keys.replace({ ...moved, teamId: 'elsewhere', rev: 2 });
    await stores().keys.delete(deleted.hash);

    await linkThroughout(stores(), NOW);

    expect(await stores().keys.get(kept.hash, { fresh: true })).toEqual(kept);
    expect([await ofTeam('t'), await ofTeam('elsewhere')]).toEqual([[kept.hash], [moved.hash]]);
    await stores().keys.replace({ ...kept, teamId: 'elsewhere', rev: 2 });
    expect([await ofTeam('t'), (await ofTeam('elsewhere')).length]).toEqual([[], 2]);
  });

  it('leave no link behind when they are linked while somebody moves them', async () => {
    const key = aKey({ teamId: 't' });
    await writeOld(key);
    await stores().links.catchUp(NOW, 100);
    await Promise.all([
      stores().links.catchUp(NOW + HOUR_MS, 100),
      stores().keys.replace({ ...key, teamId: 'elsewhere', rev: 2 }),
      stores().links.catchUp(NOW + HOUR_MS, 100),
    ]);
    await linkThroughout(stores(), NOW);
    const { Items } = await emulator.client.send(
      new QueryCommand({
        TableName: NAMES.registry,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: 'link#key#team#t' } },
      }),
    );
    expect(Items).toEqual([]);
    expect(await ofTeam('elsewhere')).toEqual([key.hash]);
  });

  it('are found again after a day, when such a version ran once more in between', async () => {
    await linkThroughout(stores(), NOW);
    const key = aKey({ teamId: 't' });
    await writeOld(key);
    const { links } = stores();
    expect(await links.catchUp(NOW + 9 * HOUR_MS, 100)).toEqual({ linked: 0, complete: true });
    for (let run = 0; run < 4; run++) await links.catchUp(NOW + 9 * HOUR_MS + DAY_MS + run, 100);
    expect(await ofTeam('t')).toEqual([key.hash]);
  });

  it('are looked at anew when what they are linked by is another', async () => {
    await linkThroughout(stores(), NOW);
    const key = aKey({ teamId: 't' });
    await stores().keys.create(key);
    // As an earlier version of links would have left it all: complete, in its own way.
    const state = { doc: { S: JSON.stringify({ since: 0, completeAt: 1, version: 0, rev: 9 }) }, rev: { N: '9' } };
    const at = { pk: { S: 'links' }, sk: { S: 'state' } };
    await emulator.client.send(new PutItemCommand({ TableName: NAMES.registry, Item: { ...at, ...state } }));
    const link = { pk: { S: 'link#key#team#t' }, sk: { S: key.hash } };
    await emulator.client.send(new DeleteItemCommand({ TableName: NAMES.registry, Key: link }));
    const address = { pk: { S: `key#${key.hash}` }, sk: { S: 'key' } };
    await emulator.client.send(
      new UpdateItemCommand({
        TableName: NAMES.registry,
        Key: address,
        UpdateExpression: 'SET links = :old',
        ExpressionAttributeValues: { ':old': { N: '0' } },
      }),
    );
    expect(await ofTeam('t')).toEqual([key.hash]);
    await linkThroughout(stores(), NOW);
    expect(await ofTeam('t')).toEqual([key.hash]);
    expect((await emulator.client.send(new GetItemCommand({ TableName: NAMES.registry, Key: link }))).Item).toBeDefined();
  });

  it('costs a keeper nothing to know that there is nothing to do', async () => {
    await linkThroughout(stores(), NOW);
    const { client, read } = metered();
    const { links } = open(client, NAMES);
    for (let minute = 2; minute < 9; minute++) await links.catchUp(NOW + HOUR_MS + minute * 60_000, 100);
    expect(read.requests).toBe(1);
    client.destroy();
  });
});

describe('teams from before there were links', () => {
  it('are linked too', async () => {
    const team = { ...aKey(), id: 'red', organizationId: 'acme', memberPermissions: [], accessGroups: [] };
    await stores().teams.create(team);
    const address = { pk: { S: 'team#red' }, sk: { S: 'team' } };
    await emulator.client.send(
      new UpdateItemCommand({ TableName: NAMES.registry, Key: address, UpdateExpression: 'REMOVE links' }),
    );
    const link = { pk: { S: 'link#team#organization#acme' }, sk: { S: 'red' } };
    await emulator.client.send(new DeleteItemCommand({ TableName: NAMES.registry, Key: link }));
    const listed = async () => (await stores().teams.listOf({ kind: 'organization', id: 'acme' }, { limit: 9 })).items;
    expect(await listed()).toHaveLength(1);
    await linkThroughout(stores(), NOW);
    expect(await listed()).toEqual([team]);
  });
});
