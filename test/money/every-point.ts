/**
 * A call that counts for key, member, team, user, project and organization, with a rival beside it, fails at every request it makes of the
 * database, in every way a request can fail; so does the keeper that comes after a lost call. None of them is left out: each fault goes from
 * request to request until there is none left to fail. One suite for every database.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetsOf } from '../../lib/domain/budget.ts';
import { newCallId } from '../../lib/domain/call-id.ts';
import { meterId, type ScopeKind } from '../../lib/domain/meter.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Exchange, Reply } from '../../lib/exchange.ts';
import { project } from '../../lib/money/projection.ts';
import { reconcile } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import { scopesOf } from '../../lib/policies/scopes.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import type { Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, admitOn, answering, joined, keep, MUCH_LATER, TOKEN, used } from './calls.ts';
import { FAULTS, startProcess, type Fault, type FaultyProcess, type Point } from './faulty-process.ts';
import { furnish, type Resident } from './house.ts';
import { booksOfScopes } from './owned-calls.ts';

/** Output tokens that a call may write; what it costs is less. */
const MOST = 10;
const WRITTEN = 6;
const settings = { userBudgetsForTeamKeys: true };

/** What is done at every point. */
interface Story {
  /** Cap of the organization, tokens: what two calls share. */
  readonly cap: number;
  /** The rival's call; both of them share team, project and organization. */
  readonly rival: boolean;
  /** Further calls of the process that fails, of the same key. */
  readonly peers?: number;
  readonly provider: 'answers' | 'fails';
  /** It is the keeper that fails, after a call whose process died in mid-stream. */
  readonly keeper?: boolean;
  /** Tries of the client. */
  readonly attempts: number;
}

/** By name. */
export const STORIES = {
  'a call and a rival, with room for both': { cap: 100, rival: true, provider: 'answers', attempts: 1 },
  'the same, with a client that repeats': { cap: 100, rival: true, provider: 'answers', attempts: 3 },
  'a call and a rival, with room for one': { cap: 15, rival: true, provider: 'answers', attempts: 1 },
  'a call that its provider fails': { cap: 100, rival: false, provider: 'fails', attempts: 1 },
  'a call that is refused by the widest of its owners': { cap: 5, rival: false, provider: 'answers', attempts: 1 },
  'three calls of one process, whose entries go together': {
    cap: 100,
    rival: false,
    peers: 2,
    provider: 'answers',
    attempts: 1,
  },
  'a keeper after a lost call': { cap: 100, rival: true, provider: 'answers', keeper: true, attempts: 1 },
} as const satisfies Record<string, Story>;

/** Which of them to run, at which faults, and whether at neighbouring requests too. */
export interface Extent {
  readonly stories: readonly (keyof typeof STORIES)[];
  readonly pairs: boolean;
}

/** One call, and what its provider did. */
interface Played {
  readonly exchange: Exchange;
  readonly isAnswered: () => boolean;
  readonly ending: 'answered' | 'refused' | 'failed' | 'dead';
}

/** One run of a story. */
interface Run {
  readonly name: string;
  readonly points: readonly Point[];
  readonly met: number;
  readonly story: Story;
  readonly calls: readonly Played[];
}

/** Runs the suite on a database. */
export function everyPointContract(name: string, start: () => Promise<Emulator>, extent: Extent): void {
  describe(`every request of a call, failed in every way, on ${name}`, () => {
    let emulator: Emulator;
    /** Records and totals cost no requests; meters and ledger are the database's. */
    let books: Stores;
    let houses = 0;
    let points = 0;
    beforeAll(async () => {
      emulator = await start();
      const { meters, ledger } = emulator.stores;
      books = { ...open(), meters, ledger };
    }, 60_000);
    afterAll(async () => {
      process.stdout.write(`${name}: ${points} points of failure\n`);
      await emulator?.stop();
    });

    async function run(story: Story, given: readonly Point[]): Promise<Run> {
      const house = `house-${houses++}`;
      const [one, other] = await furnish(books, house, PLACES, (kind) => ({
        ...(ownersOf(story).has(kind) && { maxBudget: TOKEN * BigInt(kind === 'organization' ? story.cap : 100) }),
        ...(kind === 'key' && { maxParallelRequests: 3, rpmLimit: 100 }),
      }));
      const faulty = startProcess(emulator.endpoint, given, story.attempts);
      const sound = startProcess(emulator.endpoint, [], 3);
      const calls: Played[] = [];
      if (story.keeper === true) {
        const lost = await lose(sound.stores, one);
        const due = metersOf(lost.exchange);
        const [rival] = await Promise.all([
          play(sound.stores, other, answers, MUCH_LATER),
          // A sweep that cannot even begin leaves everything to the next one.
          faulty.live(() => keep(withDue(faulty.stores, due)).catch(expectOurs)),
        ]);
        calls.push(lost, rival);
      } else {
        const provider = story.provider === 'answers' ? answers : fails;
        // As in the gateway, what ends together is written together.
        const stores = { ...faulty.stores, ...joined(faulty.stores) };
        const played = await Promise.all([
          ...Array.from({ length: 1 + (story.peers ?? 0) }, () => playOn({ ...faulty, stores }, one, provider)),
          ...(story.rival ? [play(sound.stores, other, answers)] : []),
        ]);
        calls.push(...played);
      }
      faulty.end();
      sound.end();
      points += faulty.met();
      return { name: house, points: given, met: faulty.met(), story, calls };
    }

    /** Keepers, two at once, until nothing is left to do. */
    async function sweepAll(): Promise<void> {
      for (let round = 0; round < 20; round++) {
        const sweeps = await Promise.all([keep(books), keep(books)]);
        if (sweeps.every(({ meters }) => meters === 0)) return;
      }
      throw new Error('keepers found no end');
    }

    /** A fault at one request after the other, some at a time, until there are no more. How many there are, the rival decides too. */
    async function throughout(story: Story, pointsAt: (at: number) => readonly Point[]): Promise<readonly Run[]> {
      const runs: Run[] = [];
      for (let from = 0; from < MOST_REQUESTS; from += STRIDE) {
        const batch = await Promise.all(Array.from({ length: STRIDE }, (_, index) => run(story, pointsAt(from + index))));
        runs.push(...batch);
        if (batch.every(({ met }) => met === 0)) return runs;
      }
      throw new Error('a call without an end');
    }

    async function assess(runs: readonly Run[]): Promise<void> {
      await sweepAll();
      for (const { points: given, met, story, calls } of runs) {
        const where = given.map(({ at, fault }) => `${fault} at ${at}`).join(', ');
        // Nothing failed: whoever has room is let in.
        if (met === 0) expect(calls.filter(({ isAnswered }) => isAnswered()).length, where).toBe(answeredOf(story));
        const scopes = await booksOfScopes(
          books,
          { settings, call: noCall },
          calls.map(({ exchange }) => exchange),
        );
        expect(scopes.length, where).toBeGreaterThanOrEqual(ownersOf(story).size);
        for (const { scope, max = 0n, committed, ledger, openHolds, slots } of scopes) {
          expect(committed, `${where}: ${scope.kind}`).toBe(ledger);
          expect(committed, `${where}: ${scope.kind}`).toBeLessThanOrEqual(max);
          expect(openHolds, `${where}: ${scope.kind}`).toBe(0);
          expect(slots, `${where}: ${scope.kind}`).toBe(0n);
        }
        for (const played of calls) await assessCall(played, given, where);
        await assessRest(story, calls, scopes, where);
      }
    }

    /** An answer is booked once, at its cost; at what was held, where nobody was left to tell. What was not answered costs nothing. */
    async function assessCall({ exchange, ending, isAnswered }: Played, given: readonly Point[], where: string): Promise<void> {
      const entry = await books.ledger.get(exchange.id);
      const isLost = ending === 'dead' || given.some(({ fault }) => fault === 'outage');
      const [full, none, held] = [TOKEN * BigInt(WRITTEN), 0n, TOKEN * BigInt(MOST)];
      const cost = entry?.cost ?? none;
      if (isAnswered()) expect(isLost ? [full, held] : [full], where).toContain(cost);
      // Holds in every meter and a provider that was not called yet look like a call that was lost.
      else expect(isLost && entry?.status === 'expired' ? [none, held] : [none], where).toContain(cost);
      if (entry?.status === 'expired') expect(isLost, where).toBe(true);
      if (ending === 'failed') expect(isAnswered(), where).toBe(false);
    }

    /** What is left of a cap can be spent, all of it and no more. */
    async function assessRest(
      story: Story,
      calls: readonly Played[],
      scopes: Awaited<ReturnType<typeof booksOfScopes>>,
      where: string,
    ): Promise<void> {
      if (story.cap >= 100) return;
      const caller = calls[0]?.exchange.caller;
      const { max = 0n, committed = 0n } = scopes.find(({ scope }) => scope.kind === 'organization') ?? {};
      const rest = Number((max - committed) / TOKEN);
      if (rest > 0) {
        const last = aCall((caller as Resident['caller']).key, rest, { id: newCallId(NOW), ...(caller && { caller }) });
        await (
          await admitOn(books, { scopes: settings })(last, answering(last, used(rest)))
        ).done;
      }
      const more = aCall((caller as Resident['caller']).key, 1, { id: newCallId(NOW), ...(caller && { caller }) });
      await expect(admitOn(books, { scopes: settings })(more, answering(more, used(1))), where).rejects.toThrow(
        /organization .* may spend/,
      );
    }

    for (const title of extent.stories) {
      const story: Story = STORIES[title];
      it(`overspends nothing, leaks nothing, books once: ${title}`, { timeout: 240_000 }, async () => {
        const runs = await Promise.all(FAULTS.map((fault) => throughout(story, (at) => [{ at, fault }])));
        await assess(runs.flat());

        const counts = runs.map((one) => one.filter(({ met }) => met > 0).length);
        process.stdout.write(`${name}: ${title}: ${counts.map((count, index) => `${count} ${FAULTS[index]}`).join(', ')}\n`);
        expect(Math.min(...counts)).toBeGreaterThan(12);
      });
    }

    if (extent.pairs) {
      it('does so at two requests in a row', { timeout: 240_000 }, async () => {
        const story = STORIES['a call and a rival, with room for both'];
        const lanes = MENDABLE.flatMap((first) =>
          FAULTS.map((second) =>
            throughout(story, (at) => [
              { at, fault: first },
              { at: at + 1, fault: second },
            ]),
          ),
        );
        const runs = (await Promise.all(lanes)).flat();
        await assess(runs);

        const pairs = runs.filter(({ met }) => met > 0).length;
        process.stdout.write(`${name}: ${pairs} pairs\n`);
        expect(pairs).toBeGreaterThan(300);
      });
    }

    it('reconciles to 0 after all of it', { timeout: 120_000 }, async () => {
      let cursor: string | undefined;
      do {
        const page = await books.ledger.scan(cursor);
        await project(books.totals, page.items, () => {});
        ({ cursor } = page);
      } while (cursor !== undefined);
      const done = await reconcile({
        stores: books,
        readMeter: (id) => readMeter(books.meters, id),
        settings,
        now: () => MUCH_LATER + 600_000,
      });

      expect(done.checks.filter(({ difference }) => difference !== 0n)).toEqual([]);
      expect(done.spend).toBeGreaterThan(0n);
      expect(done.difference).toBe(0n);
    });
  });
}

/** Runs of a fault at a time: as many as may miss before there is nothing left to meet. */
const STRIDE = 4;
/** More than any of these calls makes. */
const MOST_REQUESTS = 200;
/** Faults after which a process goes on. */
const MENDABLE: readonly Fault[] = ['throttled', 'conflict', 'dropped', 'cut'];

/** Owners with a budget: all there are, and few where many calls make enough requests as it is. */
const ownersOf = ({ peers = 0 }: Story): ReadonlySet<ScopeKind> =>
  new Set(peers > 0 ? ['key', 'organization'] : ['key', 'member', 'team', 'user', 'project', 'organization']);

/** How many of its calls the provider answers where nothing fails. */
function answeredOf({ cap, provider, rival, peers = 0 }: Story): number {
  if (provider === 'fails' || cap < MOST) return 0;
  if (cap < 2 * MOST) return 1;
  return 1 + peers + (rival ? 1 : 0);
}

/** Two keys of a team: one user each. */
const PLACES = [
  { team: 0, user: 0 },
  { team: 0, user: 1 },
] as const;

const noCall = (): never => {
  throw new Error('these calls are there already');
};

type Provider = (exchange: Exchange) => Promise<Reply>;

const answers: Provider = (exchange) => answering(exchange, used(WRITTEN))();
const fails: Provider = () => Promise.reject(new GatewayError('upstream', 'no'));

/** A call made ready, whose process may die over it. */
function prepare(stores: Stores, resident: Resident | undefined, provider: Provider, now = NOW) {
  if (resident === undefined) throw new Error('nobody lives there');
  const { caller } = resident;
  const exchange = aCall(caller.key, MOST, { id: newCallId(now), caller, receivedAt: now, deadline: now + 60_000 });
  let isAnswered = false;
  const run = async (): Promise<'answered' | 'refused' | 'failed'> => {
    try {
      const reply = await admitOn(stores, { scopes: settings, now: () => now })(exchange, async () => {
        const answer = await provider(exchange);
        isAnswered = true;
        return answer;
      });
      await reply.done;
      return 'answered';
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return error.kind === 'budget_exceeded' ? 'refused' : 'failed';
    }
  };
  return { exchange, run, isAnswered: () => isAnswered };
}

async function playOn(faulty: FaultyProcess, resident: Resident | undefined, provider: Provider): Promise<Played> {
  const playing = prepare(faulty.stores, resident, provider);
  return { ...playing, ending: await faulty.live(playing.run) };
}

async function play(stores: Stores, resident: Resident | undefined, provider: Provider, now = NOW): Promise<Played> {
  const playing = prepare(stores, resident, provider, now);
  return { ...playing, ending: await playing.run() };
}

/** A call whose process dies in mid-stream. */
async function lose(stores: Stores, resident: Resident | undefined): Promise<Played> {
  const isUnderWay = Promise.withResolvers<void>();
  const playing = prepare(stores, resident, (exchange) => {
    isUnderWay.resolve();
    return answering(exchange, new Promise<never>(() => {}))();
  });
  void playing.run();
  await isUnderWay.promise;
  return { ...playing, ending: 'dead' };
}

function expectOurs(error: unknown): void {
  if (!(error instanceof GatewayError)) throw error;
}

/** The meters that a keeper finds after the call was lost. */
const metersOf = (exchange: Exchange): readonly string[] =>
  scopesOf(exchange, settings).flatMap((limited) => [
    ...budgetsOf(limited, NOW).map(({ meter }) => meter),
    meterId(limited.scope, 'parallel', { name: 'total', start: 0 }),
  ]);

/** These stores, in which nothing else is due: a keeper has its own house to keep. */
const withDue = (stores: Stores, ids: readonly string[]): Stores => ({
  ...stores,
  meters: {
    ...stores.meters,
    due: async (now) =>
      (await stores.meters.readAll(ids)).filter(
        (meter) => meter?.holds.some(({ expiresAt }) => expiresAt <= now) === true,
      ) as never,
  },
});
