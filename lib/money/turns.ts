/**
 * Carries orders for the same place together, by nothing but the way they come: one that finds a lane free goes at once and alone; those
 * that come while the lanes are under way go together with the next. Nothing ever waits for company, so a lone order costs what it would
 * without all this.
 */

/** Carries orders in their order. The turn is over when it resolves; an answer that is still a promise then goes on by itself. */
export type Carry<Order, Answer> = (
  place: string,
  orders: readonly [Order, ...Order[]],
) => Promise<readonly (Answer | Promise<Answer>)[]>;

/** How turns are taken. */
export interface TurnOptions {
  /** Most orders of a turn. */
  readonly most: number;
  /** Turns of one place that may be under way at once: with more than one, a turn that hangs does not hold up all others. */
  readonly lanes?: number;
}

const LANES = 2;

interface Waiting<Order, Answer> {
  readonly order: Order;
  readonly answer: (answer: Answer | Promise<Answer>) => void;
  readonly fail: (reason: unknown) => void;
}

interface Place<Order, Answer> {
  underWay: number;
  readonly waiting: Waiting<Order, Answer>[];
}

/** Takes orders for places. An order is answered by its own answer; a turn that fails fails for all it carried. */
export function createTurns<Order, Answer>(
  carry: Carry<Order, Answer>,
  { most, lanes = LANES }: TurnOptions,
): (place: string, order: Order) => Promise<Answer> {
  const places = new Map<string, Place<Order, Answer>>();

  async function take(name: string, place: Place<Order, Answer>, turn: readonly Waiting<Order, Answer>[]): Promise<void> {
    place.underWay++;
    try {
      const answers = await carry(name, turn.map(({ order }) => order) as [Order, ...Order[]]);
      for (const [index, { answer }] of turn.entries()) answer(answers[index] as Answer | Promise<Answer>);
    } catch (error) {
      for (const { fail } of turn) fail(error);
    }
    place.underWay--;
    if (place.waiting.length > 0) void take(name, place, place.waiting.splice(0, most));
    else if (place.underWay === 0) places.delete(name);
  }

  return (name, order) =>
    new Promise<Answer>((answer, fail) => {
      let place = places.get(name);
      if (place === undefined) places.set(name, (place = { underWay: 0, waiting: [] }));
      const asked = { order, answer, fail };
      if (place.underWay < lanes) void take(name, place, [asked]);
      else place.waiting.push(asked);
    });
}
