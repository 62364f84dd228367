/** Batches of items, against a service that leaves some undone. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readItems, writeItems } from '../../../../lib/stores/dynamodb/batches.ts';
import type { Dynamo } from '../../../../lib/stores/dynamodb/commands.ts';
import type { Item } from '../../../../lib/stores/dynamodb/attributes.ts';

const TABLE = 'table';
const item = (id: number): Item => ({ pk: { S: String(id) } });
const items = (count: number): Item[] => Array.from({ length: count }, (_, id) => item(id));

interface Asked {
  readonly RequestItems: Readonly<Record<string, { readonly Keys: readonly Item[] } | readonly object[]>>;
}

/** A service that does the first so many of each batch; every batch it was sent. */
function serviceDoing(most: (turn: number) => number) {
  const batches: (readonly object[])[] = [];
  const client: Dynamo = {
    async send(command) {
      const asked = (command.input as Asked).RequestItems[TABLE] as { readonly Keys: readonly Item[] } | readonly object[];
      const wanted = 'Keys' in asked ? asked.Keys : asked;
      const done = most(batches.length);
      batches.push(wanted);
      const left = wanted.slice(done);
      const answer =
        'Keys' in asked
          ? {
              Responses: { [TABLE]: wanted.slice(0, done) },
              UnprocessedKeys: left.length === 0 ? {} : { [TABLE]: { Keys: left } },
            }
          : { UnprocessedItems: left.length === 0 ? {} : { [TABLE]: left } };
      return { $metadata: {}, ...answer } as never;
    },
    destroy: () => {},
  };
  return { client, batches };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a batch read', () => {
  it('asks for what is left until it has all, a hundred at a time', async () => {
    const { client, batches } = serviceDoing(() => 40);

    const read = await readItems(client, TABLE, items(230));

    expect(read).toHaveLength(230);
    expect(Math.max(...batches.map(({ length }) => length))).toBe(100);
  });

  it('asks for a key once, which the service insists on', async () => {
    const { client, batches } = serviceDoing(() => 100);

    await readItems(client, TABLE, [item(1), item(2), item(1)]);

    expect(batches).toEqual([[item(1), item(2)]]);
  });

  it('waits where nothing was read, and gives up with an error that may be repeated', async () => {
    const { client, batches } = serviceDoing(() => 0);
    const reading = expect(readItems(client, TABLE, items(3))).rejects.toMatchObject({ kind: 'overloaded' });

    await vi.runAllTimersAsync();

    await reading;
    expect(batches).toHaveLength(5);
  });
});

describe('a batch write', () => {
  const puts = (count: number) => items(count).map((Item) => ({ PutRequest: { Item } }));

  it('sends what is left again, 25 at a time', async () => {
    const { client, batches } = serviceDoing((turn) => (turn % 2 === 0 ? 20 : 25));
    const writing = writeItems(client, TABLE, puts(60));

    await vi.runAllTimersAsync();

    await writing;
    expect(batches.map(({ length }) => length)).toEqual([25, 5, 25, 5, 10]);
  });

  it('gives up with an error that may be repeated', async () => {
    const { client } = serviceDoing(() => 0);
    const writing = expect(writeItems(client, TABLE, puts(3))).rejects.toMatchObject({ kind: 'overloaded' });

    await vi.runAllTimersAsync();

    await writing;
  });
});
