/** Calls that count for key, session, member, team, user, organization, customer and tag at once: exact for each of them, whatever happens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../lib/errors.ts';
import type { Exchange, Reply } from '../../lib/exchange.ts';
import { createShardHints } from '../../lib/money/shards.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { admitOn, answering, keep, TOKEN, used } from './calls.ts';
import { aWorld, booksOfScopes, type World } from './owned-calls.ts';
import { Killed, TROUBLES, troubledStores, type Trouble } from './troubled-stores.ts';

/** One call from admission to settlement. */
async function live(
  stores: Pick<Stores, 'meters' | 'ledger'>,
  world: World,
  exchange: Exchange,
  provider: () => Promise<Reply>,
): Promise<'answered' | GatewayError> {
  try {
    const reply = await admitOn(stores, { scopes: world.settings })(exchange, provider);
    await reply.done;
    return 'answered';
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

describe('a call that counts for many owners, under faults', () => {
  const world = aWorld('faulty', () => ({ maxBudget: TOKEN * 100n, maxParallelRequests: 3, rpmLimit: 100 }));

  /** Two calls, the second one refused by one of the owners after the others took their holds; then the keeper. */
  async function aftermath(at: number, trouble: Trouble) {
    const stores = open();
    const troubled = troubledStores(stores, at, trouble);
    const calls = [world.call(1, 10), world.call(2, 95)] as const;
    for (const exchange of calls) {
      await live(troubled, world, exchange, answering(exchange, used(6))).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
    }
    await troubled.deliver();
    await Promise.all([keep(stores), keep(stores)]);
    await keep(stores);
    return { calls: troubled.calls(), books: await booksOfScopes(stores, world, calls), stores, exchanges: calls };
  }

  it('is booked to each of them', async () => {
    const { calls, books } = await aftermath(Infinity, 'before');

    expect(calls).toBeGreaterThan(60);
    expect(books.map(({ scope }) => scope.kind)).toEqual([
      'key',
      'session',
      'member',
      'team',
      'user',
      'organization',
      'customer',
      'tag',
      'key',
      'session',
    ]);
    // The second call was cut to what the team has left.
    expect(books.slice(2, 8).every(({ committed }) => committed === TOKEN * 12n)).toBe(true);
  });

  for (const trouble of TROUBLES) {
    it(`is the same sum in every meter and in the ledger, whichever step fails (${trouble})`, async () => {
      const { calls } = await aftermath(Infinity, trouble);

      for (let at = 0; at < calls; at++) {
        const { books } = await aftermath(at, trouble);

        for (const { scope, committed, ledger, openHolds, slots, max = 0n } of books) {
          const where = `${scope.kind} at step ${at}`;
          expect(committed, where).toBe(ledger);
          expect(openHolds, where).toBe(0);
          expect(slots, where).toBe(0n);
          expect(committed, where).toBeLessThanOrEqual(max);
        }
      }
    }, 60_000);
  }
});

describe('a thousand parallel calls over shared caps', () => {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await startDynoxide();
  });
  afterAll(() => emulator.stop());

  const CALLS = 1_000;
  const OUTPUT = 10;
  const upstream = new GatewayError('upstream', 'the provider failed');

  /** Endings in turn: answered, streamed and left, broken off, refused by the provider, answered after a retry. */
  function providerOf(exchange: Exchange, call: number): () => Promise<Reply> {
    switch (call % 5) {
      case 0:
        return answering(exchange, used(OUTPUT));
      case 1:
        return answering(exchange, used(4, 'aborted'));
      case 2:
        return answering(exchange, { ...used(3, 'error'), error: upstream });
      case 3:
        return () => Promise.reject(upstream);
      default:
        exchange.attempts++;
        return answering(exchange, used(7));
    }
  }

  it('overspends none of them, leaks nothing, refuses rightly, and the ledger says what the meters say', async () => {
    const { stores } = emulator;
    const caps: Readonly<Record<string, bigint>> = { key: 1_300n, team: 4_500n, user: 4_400n, organization: 4_300n };
    const world = aWorld('shared', (kind) => {
      const cap = caps[kind];
      return cap === undefined ? {} : { maxBudget: TOKEN * cap };
    });
    const hints = Array.from({ length: 4 }, () => createShardHints());
    const exchanges = Array.from({ length: CALLS }, (_, call) => world.call(call % 4, OUTPUT));
    const results: ('answered' | GatewayError)[] = [];

    for (let from = 0; from < CALLS; from += 100) {
      const wave = exchanges.slice(from, from + 100).map(async (exchange, index) => {
        const call = from + index;
        const over = { scopes: world.settings, hints: hints[call % 4] ?? createShardHints() };
        const reply = admitOn(stores, over)(exchange, providerOf(exchange, call));
        return reply.then(
          async ({ done }) => (await done, 'answered' as const),
          (error: unknown) => error as GatewayError,
        );
      });
      results.push(...(await Promise.all(wave)));
    }

    const books = await booksOfScopes(stores, world, exchanges);
    for (const { scope, max, committed, ledger, openHolds } of books) {
      expect(committed, scope.kind).toBe(ledger);
      expect(openHolds, scope.kind).toBe(0);
      if (max !== undefined) expect(committed, scope.kind).toBeLessThanOrEqual(max);
    }
    const refused = results.filter((result) => result instanceof GatewayError && result.kind === 'budget_exceeded');
    const organization = books.find(({ scope }) => scope.kind === 'organization');
    expect(results.every((result) => result === 'answered' || refused.includes(result) || result === upstream)).toBe(true);
    expect(refused.length).toBeGreaterThan(20);
    // Refused only while the rest, or what open calls held of it, was too little for one more call.
    expect(organization?.committed).toBeGreaterThan(TOKEN * (4_300n - BigInt(OUTPUT * 100)));
  }, 120_000);
});
