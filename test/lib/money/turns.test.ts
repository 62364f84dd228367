import { describe, expect, it } from 'vitest';
import { createTurns } from '../../../lib/money/turns.ts';

interface Turn {
  readonly place: string;
  readonly orders: readonly string[];
  readonly end: (answers?: readonly (string | Promise<string>)[]) => void;
  readonly fail: (reason: unknown) => void;
}

/** Turns that end when a test says so. */
function aRoad(most: number, lanes?: number) {
  const turns: Turn[] = [];
  const give = createTurns<string, string>(
    (place, orders) =>
      new Promise((done, fail) => {
        turns.push({ place, orders, end: (answers = orders.map((order) => `${order}!`)) => done(answers), fail });
      }),
    { most, ...(lanes === undefined ? {} : { lanes }) },
  );
  const ordersOf = (): readonly (readonly string[])[] => turns.map(({ orders }) => orders);
  return { turns, give, ordersOf };
}

const pause = (): Promise<void> => new Promise((done) => void setImmediate(done));

describe('turns', () => {
  it('let an order that finds a lane free go at once and alone', () => {
    const { give, ordersOf } = aRoad(10);

    void give('a', 'one');
    void give('a', 'two');

    expect(ordersOf()).toEqual([['one'], ['two']]);
  });

  it('carry what came meanwhile together, and give each its own answer', async () => {
    const { give, turns, ordersOf } = aRoad(10, 1);
    const answers = ['one', 'two', 'three', 'four'].map((order) => give('a', order));

    turns[0]?.end();
    await pause();
    turns[1]?.end();

    expect(await Promise.all(answers)).toEqual(['one!', 'two!', 'three!', 'four!']);
    expect(ordersOf()).toEqual([['one'], ['two', 'three', 'four']]);
  });

  it('carry no more than they may, the first that came first', async () => {
    const { give, turns, ordersOf } = aRoad(2, 1);
    for (const order of ['one', 'two', 'three', 'four']) void give('a', order);

    turns[0]?.end();
    await pause();
    void give('a', 'five');
    turns[1]?.end();
    await pause();

    expect(ordersOf()).toEqual([['one'], ['two', 'three'], ['four', 'five']]);
  });

  it('of one place do not wait for those of another', () => {
    const { give, turns } = aRoad(10, 1);

    void give('a', 'one');
    void give('b', 'two');

    expect(turns.map(({ place }) => place)).toEqual(['a', 'b']);
  });

  it('that hang do not hold up the lane beside them', async () => {
    const { give, turns, ordersOf } = aRoad(10, 2);
    for (const order of ['hangs', 'one', 'two']) void give('a', order);

    turns[1]?.end();
    await pause();
    void give('a', 'three');
    turns[2]?.end();
    await pause();

    expect(ordersOf()).toEqual([['hangs'], ['one'], ['two'], ['three']]);
  });

  it('that fail fail for all they carried, and for nobody else', async () => {
    const { give, turns } = aRoad(10, 1);
    const asked = ['one', 'two', 'three'].map((order) => give('a', order));
    const settled = Promise.allSettled(asked);

    turns[0]?.end();
    await pause();
    const later = give('a', 'four');
    turns[1]?.fail(new Error('no answer'));
    await pause();
    turns[2]?.end();

    expect((await settled).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await later).toBe('four!');
  });

  it('are over before answers that go on by themselves', async () => {
    const { give, turns, ordersOf } = aRoad(10, 1);
    const { promise, resolve } = Promise.withResolvers<string>();
    const one = give('a', 'one');
    void give('a', 'two');

    turns[0]?.end([promise]);
    await pause();
    expect(ordersOf()).toEqual([['one'], ['two']]);

    resolve('late');
    expect(await one).toBe('late');
  });

  it('begin anew at a place where all is done', async () => {
    const { give, turns, ordersOf } = aRoad(10, 1);
    const one = give('a', 'one');
    turns[0]?.end();
    await one;
    await pause();

    void give('a', 'two');

    expect(ordersOf()).toEqual([['one'], ['two']]);
  });
});
