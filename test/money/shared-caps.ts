/**
 * A thousand calls at once through the whole gateway, over caps that they share: clients of four dialects, providers of as many, streams,
 * clients that leave, providers that fail, repeats elsewhere. One suite for every database.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetsOf, type LimitedScope } from '../../lib/domain/budget.ts';
import { scopeOf } from '../../lib/domain/key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { heldOf, pairId, spentOf, type Meter, type Scope } from '../../lib/domain/meter.ts';
import { parseUsd, type Money } from '../../lib/domain/money.ts';
import { project } from '../../lib/money/projection.ts';
import { reconcile } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import { clientFor, type Emulator } from '../support/dynoxide.ts';
import { aDeployment, NOW } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { CREDENTIAL, PRICE, TOKEN } from './bench-gateway.ts';
import { MUCH_LATER } from './calls.ts';
import { furnish, type Resident } from './house.ts';
import { DIALECTS, makeCall, type Ending, type MixedCall } from './mixed-clients.ts';
import { createMixedProvider, FATES, type MixedProvider } from './mixed-provider.ts';
import { watchMeters, type WatchedMeters } from './watched-meters.ts';

/** Calls, all under way at once, and processes that serve them. */
const CALLS = 1_000;
const GATEWAYS = 2;
const MODELS = ['gpt', 'claude', 'gemini', 'any'] as const;
/** Time for a request in a queue of a thousand, milliseconds. */
const DEADLINE_MS = 300_000;
const PATIENT = { timeoutMs: 30_000 };

/** Each of these caps is the one that stands in the way of some keys; in tokens. */
const CAPS: Readonly<Record<string, number>> = {
  'key 0': 2_000,
  'key 4': 2_000,
  'team 1': 4_200,
  'user 2': 4_200,
  'member 6': 2_000,
  'organization 0': 17_000,
};
/** Larger than all there is to spend: they refuse nobody, and are in the books all the same. */
const AMPLE = 200_000;

const PLACES = [
  { team: 0, user: 0 },
  { team: 1, user: 0 },
  { team: 1, user: 1 },
  { team: 0, user: 2 },
  { team: 0, user: 1 },
  { team: 2, user: 2 },
  { team: 2, user: 3 },
  { team: 2, user: 1 },
] as const;

/** Calls of every mixture. */
function callsOf(residents: readonly Resident[]): readonly MixedCall[] {
  return Array.from({ length: CALLS }, (_, number): MixedCall => {
    // Each of them once, in an order in which nothing comes in rows.
    const mixture = (number * 617) % CALLS;
    const pick = <T>(from: readonly T[], place: number): T => from[Math.floor(mixture / place) % from.length] as T;
    const most = number % 7 === 0 ? 150 : 40;
    return {
      number,
      dialect: pick(DIALECTS, 1),
      model: pick(MODELS, 4),
      stream: pick([true, false], 16),
      fate: pick(FATES, 32),
      most,
      writes: 1 + ((number * 31) % most),
      secret: (residents[(number + Math.floor(number / 8)) % residents.length] as Resident).secret,
    };
  });
}

function deploymentsAt(url: string) {
  const common = { credential: CREDENTIAL, price: PRICE };
  const [chat, messages] = [
    { ...common, provider: 'openai', model: 'gpt-4o-mini', apiBase: `${url}/v1` },
    { ...common, provider: 'anthropic', model: 'claude-sonnet-4-5', apiBase: url },
  ];
  return [
    aDeployment({ ...chat, id: 'gpt', modelName: 'gpt' }),
    aDeployment({ ...messages, id: 'claude', modelName: 'claude' }),
    aDeployment({ ...common, id: 'gemini', modelName: 'gemini', provider: 'gemini', model: 'gemini-2.5-flash', apiBase: url }),
    // What fails at one of them is tried at the other.
    aDeployment({ ...chat, id: 'any-chat', modelName: 'any' }),
    aDeployment({ ...messages, id: 'any-messages', modelName: 'any' }),
  ];
}

/** All that happened. */
interface Aftermath {
  readonly endings: readonly Ending[];
  readonly entries: ReadonlyMap<string, LedgerEntry>;
  readonly watched: WatchedMeters;
  /** The moment at which each call was answered. */
  readonly answeredAt: ReadonlyMap<number, number>;
  readonly provider: MixedProvider;
  readonly scopes: readonly LimitedScope[];
  readonly gateways: readonly Served[];
}

/** Runs the suite on a database. @param start of an empty one */
export function sharedCapsContract(name: string, start: () => Promise<Emulator>, timeoutMs: number): void {
  describe(`a thousand parallel calls over shared caps, on ${name}`, () => {
    let emulator: Emulator;
    let upstream: Upstream;
    let stores: Stores;
    let client: ReturnType<typeof clientFor>;
    let after: Aftermath;

    beforeAll(async () => {
      emulator = await start();
      client = clientFor(emulator.endpoint, PATIENT);
      stores = open(client, emulator.names);
      upstream = await startUpstream();
      const began = performance.now();
      after = await aftermath(stores, upstream);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      process.stdout.write(`${name}: ${CALLS} calls in ${seconds} s, ${JSON.stringify(countsOf(after.endings))}\n`);
    }, timeoutMs);
    afterAll(async () => {
      await Promise.all(after?.gateways.map((gateway) => gateway.close()) ?? []);
      await upstream?.close();
      client?.destroy();
      await emulator?.stop();
    });

    it('are of every kind: each dialect, passed through and translated, whole and streamed', () => {
      const answered = [...after.entries.values()].filter(({ status }) => status === 'success');
      for (const dialect of DIALECTS) {
        for (const stream of [true, false]) {
          const own = answered.filter((entry) => entry.clientDialect === dialect && entry.stream === stream);
          const kinds = new Set(own.map(({ upstreamDialect }) => upstreamDialect === dialect));
          expect(kinds.size, `${dialect} ${stream}`).toBe(2);
        }
      }
      const statuses = new Set([...after.entries.values()].map(({ status }) => status));
      expect([...statuses].toSorted()).toEqual(['aborted', 'error', 'success']);
      expect(answered.filter(({ attempts }) => attempts > 1).length).toBeGreaterThan(20);
    });

    it('overshoot no cap', async () => {
      for (const { scope, max, spent } of await booksOf(stores, after.scopes)) {
        expect(spent, nameOf(scope)).toBeLessThanOrEqual(max);
      }
    });

    it('leave no hold behind, without a keeper', async () => {
      const meters = await Promise.all(after.watched.seen().map((id) => readMeter(stores.meters, id)));

      expect(meters.length).toBeGreaterThan(PLACES.length * 2);
      for (const meter of meters) expect(meter?.holds, meter?.id).toEqual([]);
      expect((await stores.meters.due(MUCH_LATER, 10_000)).flatMap(({ holds }) => holds)).toEqual([]);
    });

    it('are refused by a scope that has no room for them, and only then', () => {
      const refusals = after.endings.filter(({ status, text }) => status !== 200 && text.includes('Budget has been exceeded'));
      const named = new Map<string, number>();

      for (const { call, id, text } of refusals) {
        const { scope, meter, limit, used, held, asked } = refusalOf(text, after.scopes);
        const where = `call ${call.number}: ${text}`;
        // By what the refusal says, and by what was seen from outside of the store.
        expect(used + held + asked > limit, where).toBe(true);
        const from = after.watched.lastRefusal(meter, id);
        expect(from, where).toBeDefined();
        const most = after.watched.atMost(meter, id, from ?? 0, after.answeredAt.get(call.number) ?? 0);
        expect(most + asked > limit, where).toBe(true);
        named.set(nameOf(scope), (named.get(nameOf(scope)) ?? 0) + 1);
      }
      process.stdout.write(`${name}: refused by ${JSON.stringify(Object.fromEntries(named))}\n`);
      expect(new Set([...named.keys()].map((scope) => scope.split(' ')[0]))).toEqual(
        new Set(['key', 'team', 'user', 'member', 'organization']),
      );
    });

    it('are sent away from the last pieces of a split meter to come again, seldom', () => {
      const away = after.endings.filter(isSentAway);

      for (const { id, text } of away) expect(after.entries.get(id), text).toBeUndefined();
      expect(away.length).toBeLessThan(CALLS / 100);
    });

    it('end for each client as its provider meant it, or with a refusal', () => {
      for (const { call, status, text } of after.endings) {
        const isRefused = text.includes('Budget has been exceeded') || isSentAway({ text });
        const expected = { refused: 400, failing: 500 } as Partial<Record<MixedCall['fate'], number>>;
        if (isRefused || call.fate === 'left' || call.fate === 'broken') continue;
        if (call.fate === 'failing') expect(status, text).toBeGreaterThanOrEqual(500);
        else expect(status, `${JSON.stringify(call)} ${text}`).toBe(expected[call.fate] ?? 200);
      }
    });

    it('are booked once for each answer of the provider, at what the provider bills', () => {
      const { bills } = after.provider;
      const byCall = new Map(after.endings.map((ending) => [ending.call.number, ending]));
      for (const { call, tokens } of bills) {
        const ending = byCall.get(call);
        const entry = after.entries.get(ending?.id ?? '');
        expect(entry?.cost, `call ${call}`).toBe(BigInt(tokens) * TOKEN);
      }
      expect(new Set(bills.map(({ call }) => call)).size).toBe(bills.length);
      for (const { cost = -1n, held = 0n, id } of after.entries.values()) {
        expect(cost, id).toBeGreaterThanOrEqual(0n);
        expect(cost, id).toBeLessThanOrEqual(held);
      }
    });

    it('reconcile to 0', async () => {
      await project(stores.totals, [...after.entries.values()], () => {});
      const done = await reconcile({
        stores,
        readMeter: (id) => readMeter(stores.meters, id),
        settings: { userBudgetsForTeamKeys: true },
        now: () => NOW + 600_000,
      });

      expect(done.checks.filter(({ difference }) => difference !== 0n)).toEqual([]);
      expect(done.checks.filter(({ what }) => what === 'meter').length).toBeGreaterThan(PLACES.length * 2);
      expect(done.entries).toBe(after.entries.size);
      expect(done.difference).toBe(0n);
    }, 60_000);
  });
}

async function aftermath(stores: Stores, upstream: Upstream): Promise<Aftermath> {
  const limits = (kind: string, number: number) =>
    kind === 'project'
      ? {}
      : {
          maxBudget: TOKEN * BigInt(CAPS[`${kind} ${number}`] ?? AMPLE),
          ...(kind === 'key' && number < 4 && { maxParallelRequests: CALLS }),
        };
  const residents = await furnish(stores, 'mixed', PLACES, limits);
  const provider = createMixedProvider();
  upstream.answer(provider.script);
  const watched = watchMeters(stores.meters);
  const gateways = await Promise.all(
    Array.from({ length: GATEWAYS }, () =>
      serveGateway(upstream.url, {
        stores: { ...stores, meters: watched.meters },
        deployments: deploymentsAt(upstream.url),
        env: { TOLLGATE_NUM_RETRIES: '1', TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS: 'true' },
        deadlineMs: DEADLINE_MS,
        now: () => NOW,
      }),
    ),
  );
  const answeredAt = new Map<number, number>();
  const endings = await Promise.all(
    callsOf(residents).map(async (call) => {
      const gateway = gateways[call.number % gateways.length] as Served;
      const ending = await makeCall(gateway.url, call, provider);
      answeredAt.set(call.number, watched.now());
      return ending;
    }),
  );
  await settled(stores, watched);
  const entries = new Map<string, LedgerEntry>();
  let cursor: string | undefined;
  do {
    const page = await stores.ledger.scan(cursor);
    for (const entry of page.items) entries.set(entry.id, entry);
    ({ cursor } = page);
  } while (cursor !== undefined);
  return { endings, entries, watched, answeredAt, provider, scopes: scopesOf(residents), gateways };
}

/** Waits until nothing is held any more; clients have their answers before that. Bounded: what leaks is seen afterwards. */
async function settled(stores: Stores, watched: WatchedMeters): Promise<void> {
  for (let look = 0; look < 300; look++) {
    const meters = await Promise.all(watched.seen().map((id) => readMeter(stores.meters, id)));
    if (meters.every((meter) => meter?.holds.length === 0)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Every scope with a cap. */
function scopesOf(residents: readonly Resident[]): readonly LimitedScope[] {
  const scopes = new Map<string, LimitedScope>();
  const add = (scope: Scope, limits: LimitedScope['limits'] | undefined, name = scope.id): void => {
    if (limits !== undefined) scopes.set(`${scope.kind} ${scope.id}`, { scope, limits, name });
  };
  for (const { caller } of residents) {
    const { key, team, user, member, organization } = caller;
    add(scopeOf(key), key, key.alias);
    add({ kind: 'team', id: team?.id ?? '' }, team);
    add({ kind: 'user', id: user?.id ?? '' }, user);
    add({ kind: 'member', id: pairId(team?.id ?? '', user?.id ?? '') }, member);
    add({ kind: 'organization', id: organization?.id ?? '' }, organization);
    add({ kind: 'project', id: caller.project?.id ?? '' }, caller.project);
  }
  return [...scopes.values()];
}

const nameOf = ({ kind, id }: Scope): string => `${kind} ${id}`;

const booksOf = (stores: Stores, scopes: readonly LimitedScope[]) =>
  Promise.all(
    scopes.flatMap((limited) =>
      budgetsOf(limited, NOW).map(async ({ meter: id, max = 0n }) => {
        const meter: Meter | undefined = await readMeter(stores.meters, id);
        const [spent, held] = meter === undefined ? [0n, 0n] : [spentOf(meter, 'usd'), heldOf(meter, 'usd')];
        return { scope: limited.scope, max, spent, held };
      }),
    ),
  );

/** A refusal as its client reads it. */
interface ReadRefusal {
  readonly scope: Scope;
  readonly meter: string;
  readonly limit: Money;
  readonly used: Money;
  readonly held: Money;
  readonly asked: Money;
}

const SAYS =
  /The (\w+)(?: \\?"([^"\\]+)\\?")?(?: \(?([^\s)]+)\)?)? may spend ([\d.]+) USD .*?: ([\d.]+) USD are spent, ([\d.]+) USD are held by open requests, and this request may cost ([\d.]+) USD/;

function refusalOf(text: string, scopes: readonly LimitedScope[]): ReadRefusal {
  const [, kind, name, id, ...figures] = SAYS.exec(text) ?? [];
  const limited = scopes.find((one) => one.scope.kind === kind && (one.scope.id === id || one.name === name));
  const [budget] = limited === undefined ? [] : budgetsOf(limited, NOW);
  if (limited === undefined || budget === undefined) throw new Error(`a refusal by nobody: ${text}`);
  const [limit = 0n, used = 0n, held = 0n, asked = 0n] = figures.map((figure) => parseUsd(figure));
  return { scope: limited.scope, meter: budget.meter, limit, used, held, asked };
}

/** True for a call that found room whenever it looked, and others faster whenever it asked: decision 9. */
const isSentAway = ({ text }: Pick<Ending, 'text'>): boolean => text.includes('many others want the last of it at once');

/** How many there were of each status. */
function countsOf(endings: readonly Ending[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, call } of endings) {
    const name = `${call.fate} ${status}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
