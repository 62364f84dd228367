/**
 * All orders of what a few processes do to the same caps, and all ways in which an operation of theirs can fail: the caps hold in every state,
 * nobody is refused who had room, and in the end the meters say what the ledger says, nothing is held, and what is left can be spent.
 *
 * A plan goes as far as its time in the suite allows. `TOLLGATE_EXPLORE=20000` takes that many schedules of each, with any number of switches
 * between the processes and a second fault.
 */
import { describe, expect, it } from 'vitest';
import { aWorldOf, type Plan } from './explored-calls.ts';
import { explore, type Bounds } from './explorer.ts';

/** Schedules of a plan, where the environment asks for more than usual. */
const asked = Number(process.env['TOLLGATE_EXPLORE'] ?? 0);

/** A plan, and how far it is followed in the suite. */
interface Story extends Plan, Pick<Bounds, 'faults' | 'switches' | 'overtakes'>, Partial<Pick<Bounds, 'schedules'>> {}

const [SMALL, WHOLE, LARGE] = [
  { most: 10, writes: 4 },
  { most: 10, writes: 10 },
  { most: 20, writes: 2 },
] as const;
const OVER = { most: 10, writes: 14 };
/** The second and the third go together, as long as the first is under way. */
const PROCESS = {
  together: true,
  calls: [SMALL, WHOLE, { most: 12, writes: 1 }],
  faults: 1,
  switches: 0,
  overtakes: 0,
};

const STORIES: Readonly<Record<string, Story>> = {
  'two calls, one fits': { keyLimits: [15], calls: [SMALL, WHOLE], faults: 1, switches: 2 },
  'a call, two faults': { keyLimits: [15], parallelLimit: 1, calls: [SMALL], faults: 2, switches: 0 },
  'three calls, two fit': { keyLimits: [25], calls: [SMALL, WHOLE, { most: 12, writes: 1 }], faults: 0, switches: Infinity },
  'two calls for one slot': { keyLimits: [25], parallelLimit: 1, calls: [SMALL, WHOLE], faults: 1, switches: 1 },
  'a keeper that comes early': { keyLimits: [25], keepers: 1, calls: [SMALL, WHOLE], faults: 1, switches: 1 },
  'two keepers at once': { keyLimits: [25], keepers: 2, calls: [SMALL], faults: 1, switches: 1 },
  'two calls for the last of two caps': {
    keyLimits: [10],
    teamLimit: 10,
    calls: [WHOLE, WHOLE],
    faults: 0,
    switches: 2,
  },
  'two keys of a team': {
    keyLimits: [10, 10],
    teamLimit: 15,
    calls: [SMALL, { most: 10, writes: 9, key: 1 }],
    faults: 0,
    switches: 2,
  },
  'a lease that ends': { keyLimits: [15], calls: [SMALL, { most: 10, writes: 3, isLater: true }], faults: 1, switches: 2 },
  'two shards': { keyLimits: [25], shards: 2, calls: [SMALL, WHOLE], faults: 1, switches: 2 },
  'two shards, a call for all of it': {
    keyLimits: [20],
    shards: 2,
    calls: [LARGE, { most: 8, writes: 8 }],
    faults: 1,
    switches: 2,
  },
  'two shards and a keeper': {
    keyLimits: [20],
    shards: 2,
    keepers: 1,
    calls: [LARGE, { most: 8, writes: 8 }],
    faults: 0,
    switches: 2,
  },
  'three shards': { keyLimits: [30], shards: 3, calls: [SMALL, WHOLE, { most: 12, writes: 1 }], faults: 0, switches: 2 },
  'two keys of a team with shards': {
    keyLimits: [20, 20],
    teamLimit: 25,
    shards: 2,
    calls: [
      { most: 10, writes: 2 },
      { most: 18, writes: 8, key: 1 },
    ],
    faults: 0,
    switches: 1,
  },
  'calls of one process': { ...PROCESS, keyLimits: [25], switches: 1 },
  'calls of one process, with room for all': { ...PROCESS, keyLimits: [40], switches: 1, overtakes: 1 },
  'calls of one process, one too large': {
    ...PROCESS,
    keyLimits: [40],
    keepers: 1,
    calls: [SMALL, { most: 35, writes: 1 }, WHOLE, { most: 12, writes: 12 }],
  },
  'calls of one process, all but the first too large': {
    ...PROCESS,
    keyLimits: [40],
    calls: [{ most: 35, writes: 1 }, WHOLE, { most: 12, writes: 12 }],
  },
  'calls of one process that fit one by one': {
    ...PROCESS,
    keyLimits: [40],
    calls: [LARGE, WHOLE, { most: 12, writes: 12 }],
    overtakes: 1,
    schedules: 3_000,
  },
  'calls of one process, and one that is faster': {
    ...PROCESS,
    keyLimits: [25],
    calls: [{ most: 5, writes: 1 }, WHOLE, { most: 12, writes: 1 }, { most: 15, writes: 1, isApart: true }],
    switches: 1,
    schedules: 3_000,
  },
  'calls of one process, and a keeper': { ...PROCESS, keyLimits: [40], keepers: 1 },
  'calls of one process for two slots': { ...PROCESS, keyLimits: [40], parallelLimit: 2 },
  'calls of one process, and a later one': {
    ...PROCESS,
    keyLimits: [30],
    calls: [...PROCESS.calls, { most: 10, writes: 3, isLater: true }],
  },
  'calls of one process, two of a team': { ...PROCESS, keyLimits: [25], teamLimit: 20 },
  'calls of one process in shards': {
    ...PROCESS,
    keyLimits: [40],
    shards: 2,
    calls: [...PROCESS.calls, { most: 9, writes: 9 }, { most: 5, writes: 8 }, SMALL],
  },
  'more than was held': { keyLimits: [30], shards: 2, calls: [WHOLE, OVER, { most: 10, writes: 6 }], faults: 0, switches: 2 },
  'more than was held, and a fault': { keyLimits: [25], shards: 2, calls: [WHOLE, OVER], faults: 1, switches: 1 },
  'more than was held, and a keeper': { keyLimits: [25], shards: 2, keepers: 1, calls: [OVER, OVER], faults: 1, switches: 0 },
};

/** With three, the store is gone for good while a call is let in: it may then look like one that was lost, and is booked as such. */
const MOST_FAULTS = 2;

/** Schedules of a plan at most. */
const MOST = 1_000;

describe('every order of events', () => {
  for (const [name, { faults, switches, overtakes = Infinity, schedules: most = MOST, ...plan }] of Object.entries(STORIES)) {
    const bounds: Bounds =
      asked > 0
        ? { faults: Math.min(MOST_FAULTS, faults + 1), switches: Infinity, overtakes: overtakes + 1, schedules: asked }
        : { faults, switches, overtakes, schedules: most };

    it(`keeps caps and books: ${name}`, { timeout: asked > 0 ? 3_600_000 : 30_000 }, async () => {
      const { schedules, states, isComplete } = await explore(() => aWorldOf(plan), bounds);

      process.stdout.write(`explored ${name}: ${schedules} schedules, ${states} states${isComplete ? ', all' : ''}\n`);
      expect(states).toBeGreaterThan(50);
    });
  }
});
