/**
 * Every order in which the store can carry out what several processes ask of it, and every way in which it can fail them meanwhile: each
 * operation waits until the explorer lets it happen. A schedule is a row of choices; the next one is the last with one choice changed. States
 * that were met before are not gone into again: processes know nothing but what the store told them.
 */
import { createHash } from 'node:crypto';
import { GatewayError } from '../../lib/errors.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';

/** What processes share. */
export type Books = Pick<Stores, 'meters' | 'ledger'>;

/** A process: it runs once, and sees the world through the stores it is given. */
export interface Actor {
  readonly name: string;
  /** Its clock is past every lease: when it does something, no copy of a hold or a burial is under way any longer, and nobody is `isAtTheDoor`. */
  readonly isLater?: boolean;
  /** True while it takes holds: that is a matter of seconds, and leases outlive calls by a minute. */
  readonly isAtTheDoor?: () => boolean;
  run(stores: Books): Promise<unknown>;
}

/** Processes and what has to be true of what they do. Made anew for each schedule, the same each time. */
export interface World {
  readonly actors: readonly Actor[];
  /** After every operation. Throws where something is wrong. */
  check(stores: Books): Promise<void>;
  /** When everybody is done or dead, and nothing is under way. */
  conclude(stores: Books): Promise<void>;
}

/**
 * What becomes of an operation. `lost`: it is not carried out, and times out; `cut`: it is, and times out; `doubled`: it is carried out, and
 * once more at any later time; `late`: it times out, and is carried out at any later time; `killed`: it is carried out and its process dies,
 * whose other operations never arrive, or, `killed-late`, arrive at any later time.
 */
const FATES = ['done', 'lost', 'cut', 'doubled', 'late', 'killed', 'killed-late'] as const;
type Fate = (typeof FATES)[number];

/** Of operations that only read. */
const FATES_OF_READS: readonly Fate[] = ['done', 'lost', 'killed'];

/** How far to go. */
export interface Bounds {
  /** Operations of a schedule with another fate than to be done. */
  readonly faults: number;
  /** How often a process may be left for another one although it could go on. What arrives late costs nothing. */
  readonly switches: number;
  /** How often an operation may be carried out before an older one of its own process; as often as it can be by default. */
  readonly overtakes?: number;
  /** Schedules after which it stops, unless it is through before. */
  readonly schedules: number;
}

/** What was gone through. */
export interface Explored {
  readonly schedules: number;
  readonly states: number;
  /** False when it was stopped by the bound on schedules. */
  readonly isComplete: boolean;
}

interface Operation {
  readonly actor: number;
  /** Who does what, where. What exactly, follows from what its actor was told. */
  readonly label: string;
  readonly reads: boolean;
  readonly isHold: boolean;
  /** Of the way in, which is over long before leases end. */
  readonly isEarly: boolean;
  readonly step: () => Promise<unknown>;
  readonly answer: (result: unknown) => void;
  readonly fail: (error: Error) => void;
}

interface Choice {
  readonly label: string;
  readonly take: () => Promise<void>;
}

const asText = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? '';

const digest = (text: string): string => createHash('sha1').update(text).digest('base64');

/** Nothing in these worlds waits for anything but promises: by then all of them went as far as they can. */
const settled = (): Promise<void> => new Promise((done) => void setImmediate(done));

/** One schedule in the making. */
class Run {
  readonly stores: Books = open();
  readonly #world: World;
  readonly #pending: Operation[] = [];
  readonly #late: Operation[] = [];
  /** What each of them was told so far: with the stores, all that the rest depends on. */
  #told: readonly string[];
  #news: { readonly actor: number; readonly label: string; readonly result: unknown }[] = [];
  readonly #dead = new Set<number>();
  readonly #meters = new Set<string>();
  readonly #failures: unknown[] = [];
  #faults: number;
  #switches: number;
  #overtakes: number;
  /** Who went last. */
  #current: number | undefined;

  constructor(world: World, { faults, switches, overtakes = Infinity }: Bounds) {
    this.#world = world;
    this.#faults = faults;
    this.#switches = switches;
    this.#overtakes = overtakes;
    this.#told = world.actors.map(() => '');
    for (const [index, actor] of world.actors.entries()) {
      actor.run(this.#storesOf(index)).catch((error: unknown) => this.#failures.push(error));
    }
  }

  /** Goes on until everybody waits for the store; then everything has to be right. */
  async pause(): Promise<void> {
    await settled();
    if (this.#failures.length > 0) throw this.#failures[0];
    await this.#world.check(this.stores);
  }

  choices(): readonly Choice[] {
    const { actors } = this.#world;
    const isEarly =
      this.#late.some((operation) => operation.isEarly) ||
      actors.some(({ isAtTheDoor }, index) => isAtTheDoor?.() === true && !this.#dead.has(index));
    const open = this.#pending.filter(({ actor }) => !(isEarly && actors[actor]?.isLater === true));
    const stays = this.#switches === 0 && open.some(({ actor }) => actor === this.#current);
    return [
      ...open
        .filter(({ actor }) => !stays || actor === this.#current)
        .filter((operation) => this.#overtakes > 0 || this.#isOldest(operation))
        .flatMap((operation) =>
          (operation.reads ? FATES_OF_READS : FATES)
            .filter((fate) => fate === 'done' || this.#faults > 0)
            .map((fate) => ({ label: `${operation.label} ${fate}`, take: () => this.#decide(operation, fate) })),
        ),
      ...this.#late.map((operation) => ({ label: `${operation.label} arrives`, take: () => this.#arrive(operation) })),
    ];
  }

  /** What each was told, where that is known from a schedule with the same beginning. */
  recall(told: readonly string[]): void {
    this.#told = told;
    this.#news = [];
  }

  /** What each was told. */
  told(): readonly string[] {
    const told = [...this.#told];
    for (const { actor, label, result } of this.#news) {
      told[actor] = digest(`${told[actor]}|${label}:${result instanceof Error ? result.message : asText(result)}`);
    }
    this.recall(told);
    return told;
  }

  /** What the rest of the schedule depends on. */
  async state(): Promise<string> {
    const { meters, ledger } = this.stores;
    const parts = [
      await meters.readAll([...this.#meters].toSorted()),
      (await meters.due(Infinity, Infinity)).map(({ id }) => id),
      (await ledger.scan()).items.toSorted((one, other) => (one.id < other.id ? -1 : 1)),
      this.told(),
      [...this.#dead],
      this.#pending.map(({ label }) => label).toSorted(),
      this.#late.map(({ label }) => label).toSorted(),
      this.#faults,
      this.#switches,
      this.#overtakes,
      Number.isFinite(this.#overtakes) && this.#pending.map(({ label }) => label),
      Number.isFinite(this.#switches) && this.#current,
    ];
    return digest(asText(parts));
  }

  async #decide(operation: Operation, fate: Fate): Promise<void> {
    if (fate !== 'done') this.#faults--;
    const isSwitch = operation.actor !== this.#current && this.#pending.some(({ actor }) => actor === this.#current);
    if (isSwitch) this.#switches--;
    if (!this.#isOldest(operation)) this.#overtakes--;
    this.#current = operation.actor;
    remove(this.#pending, operation);
    const { actor, step, answer, fail } = operation;
    const timeOut = (): GatewayError => new GatewayError('overloaded', 'the store did not answer');
    const tell = (result: unknown): void => void this.#news.push({ actor, label: operation.label, result });
    if (fate === 'lost' || fate === 'late') {
      if (fate === 'late') this.#late.push(operation);
      tell('lost');
      return fail(timeOut());
    }
    const result = await step().catch((error: unknown) => error as Error);
    if (fate === 'killed' || fate === 'killed-late') {
      this.#dead.add(actor);
      const others = this.#pending.filter((other) => other.actor === actor);
      for (const other of others) remove(this.#pending, other);
      if (fate === 'killed-late') this.#late.push(...others.filter(({ reads }) => !reads));
      return;
    }
    tell(fate === 'cut' ? 'lost' : result);
    if (fate === 'cut') return fail(timeOut());
    if (fate === 'doubled') this.#late.push(operation);
    if (result instanceof Error) return fail(result);
    // A store sees that it had to send a hold twice.
    answer(fate === 'doubled' && operation.isHold ? { ...(result as object), late: true } : result);
  }

  #isOldest(operation: Operation): boolean {
    return this.#pending.find(({ actor }) => actor === operation.actor) === operation;
  }

  async #arrive(operation: Operation): Promise<void> {
    remove(this.#late, operation);
    await operation.step().catch(() => {});
  }

  #storesOf(actor: number): Books {
    const { meters, ledger } = this.stores;
    const name = this.#world.actors[actor]?.name ?? '';
    const ask = <T>(what: string, ids: readonly string[], reads: boolean, step: () => Promise<T>): Promise<T> => {
      if (this.#dead.has(actor)) return new Promise(() => {});
      for (const id of ids) this.#meters.add(id);
      return new Promise<T>((answer, fail) => {
        const label = `${name} ${what}`;
        const isHold = what.startsWith('hold');
        const isEarly = isHold || what.startsWith('bury');
        this.#pending.push({ actor, label, reads, isHold, isEarly, step, answer: answer as never, fail });
      });
    };
    return {
      meters: {
        read: (id) => ask(`read ${id}`, [id], true, () => meters.read(id)),
        readAll: (ids) => ask(`read ${ids.join(' ')}`, ids, true, () => meters.readAll(ids)),
        hold: async (...given) => {
          const [{ meter, amounts, swept }, id, expiresAt] = given;
          const outcome = await ask(`hold ${id} in ${meter}`, [meter], false, () => meters.hold(...given));
          // As the port has it: what was refused must not come after all.
          if (outcome.type !== 'held' && outcome.late === true && swept) {
            await ask(`bury ${id} in ${meter}`, [meter], false, () => meters.settle(meter, id, amounts, {}, expiresAt));
          }
          return outcome;
        },
        holdAll: (orders, change) => {
          const id = orders[0]?.request.meter ?? '';
          const ids = orders.map(({ holdId }) => holdId).join(', ');
          return ask(`hold ${ids} in ${id}`, [id], false, () => meters.holdAll(orders, change));
        },
        settleAll: (id, settlements) => {
          const ids = settlements.map(({ holdId }) => holdId).join(', ');
          return ask(`settle ${ids} in ${id}`, [id], false, () => meters.settleAll(id, settlements));
        },
        settle: (...given) => ask(`settle ${given[1]} in ${given[0]}`, [given[0]], false, () => meters.settle(...given)),
        change: (...given) => ask(`change ${given[0]}`, [given[0]], false, () => meters.change(...given)),
        due: (...given) => ask('due', [], true, () => meters.due(...given)),
        checked: (...given) => ask(`checked ${given[0]}`, [given[0]], false, () => meters.checked(...given)),
      },
      ledger: {
        ...ledger,
        record: (entry) => ask(`record ${entry.id} ${entry.status}`, [], false, () => ledger.record(entry)),
        // Each of them by itself: some may be carried out, and others not.
        recordAll: (entries) =>
          Promise.all(
            entries.map((entry) => {
              const one = async () => (await ledger.recordAll([entry]))[0];
              return ask(`record ${entry.id} ${entry.status} with others`, [], false, one).catch(() => undefined);
            }),
          ),
        get: (id) => ask(`get ${id}`, [], true, () => ledger.get(id)),
      },
    };
  }
}

function remove<T>(list: T[], item: T): void {
  list.splice(list.indexOf(item), 1);
}

/** Which choice was taken, of how many, and what each process had been told before. */
interface Step {
  taken: number;
  readonly of: number;
  readonly told: readonly string[];
}

/** Goes through the schedules of a world, depth first. @throws what a check threw, with the schedule that led there */
export async function explore(makeWorld: () => World, bounds: Bounds): Promise<Explored> {
  const met = new Set<string>();
  const path: Step[] = [];
  let schedules = 0;
  for (;;) {
    schedules++;
    await follow(makeWorld(), bounds, path, met);
    let last = path.at(-1);
    while (last !== undefined && last.taken + 1 >= last.of) {
      path.pop();
      last = path.at(-1);
    }
    if (last === undefined || schedules >= bounds.schedules) {
      return { schedules, states: met.size, isComplete: last === undefined };
    }
    last.taken++;
  }
}

async function follow(world: World, bounds: Bounds, path: Step[], met: Set<string>): Promise<void> {
  const run = new Run(world, bounds);
  const steps: string[] = [];
  try {
    for (let depth = 0; ; depth++) {
      await run.pause();
      const choices = run.choices();
      const known = path[depth];
      if (known === undefined) {
        const state = await run.state();
        if (met.has(state)) return;
        met.add(state);
        if (choices.length === 0) return await world.conclude(run.stores);
        path.push({ taken: 0, of: choices.length, told: run.told() });
      } else run.recall(known.told);
      const choice = choices[known?.taken ?? 0];
      if (choice === undefined) throw new Error('the same schedule went another way');
      steps.push(choice.label);
      await choice.take();
    }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\nafter\n${steps.join('\n')}`, { cause: error });
  }
}
