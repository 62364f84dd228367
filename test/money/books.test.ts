/** Many callers of shared owners at once, with streams, aborts, errors and lost processes: afterwards every book says the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Team } from '../../lib/domain/team.ts';
import type { User } from '../../lib/domain/user.ts';
import { GatewayError } from '../../lib/errors.ts';
import { project } from '../../lib/money/projection.ts';
import { reconcile } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, keep, MUCH_LATER, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const ENDINGS = ['success', 'aborted', 'error', 'refused', 'lost'] as const;

describe('the books of a house', () => {
  it('agree to the last 1e-12 USD: ledger, meters of every owner, totals', async () => {
    const { stores } = emulator;
    const owner = {
      createdAt: NOW,
      updatedAt: NOW,
      metadata: {},
      rev: 1,
      models: [],
      aliases: {},
      blocked: false,
      budgetAnchor: NOW - 1000,
    };
    const limits = { maxBudget: TOKEN * 20_000n, budgetDuration: '1d' };
    const team: Team = { ...owner, ...limits, id: 'team', tags: [], memberPermissions: [], accessGroups: [] };
    const user: User = { ...owner, ...limits, id: 'user', role: 'internal_user', teams: [], organizations: [] };
    await stores.teams.create(team);
    await stores.users.create(user);
    const keys = [
      aCappedKey({ ...limits, teamId: 'team', userId: 'user' }),
      aCappedKey({ teamId: 'team' }),
      aCappedKey({ ...limits, userId: 'user' }),
    ];
    for (const key of keys) await stores.keys.create(key);

    await Promise.all(
      Array.from({ length: 150 }, async (_, index) => {
        const key = keys[index % keys.length] as (typeof keys)[number];
        const ofTeam = key.teamId === undefined ? {} : { team };
        const ofUser = key.userId === undefined ? {} : { user };
        const caller = { type: 'key' as const, key, ...ofTeam, ...ofUser };
        const exchange = aCall(key, 40, { caller, endUser: `customer-${index % 7}`, tags: index % 2 === 0 ? ['even'] : [] });
        const ending = ENDINGS[index % ENDINGS.length];
        const failing = (): Promise<never> => Promise.reject(new GatewayError('upstream', 'no'));
        const outcome =
          ending === 'success' || ending === 'aborted' || ending === 'error' ? used(index % 40, ending) : undefined;
        const next = ending === 'refused' ? failing : answering(exchange, outcome ?? new Promise<never>(() => {}));
        const reply = await admitOn(stores)(exchange, next).catch(() => undefined);
        if (ending !== 'lost') await reply?.done;
      }),
    );
    await keep(stores);
    const { items: entries } = await stores.ledger.scan();
    // The stream delivers in pieces, some of them again, to consumers that race.
    await Promise.all([0, 1, 2].map((part) => project(stores.totals, entries.slice(part * 40, part * 40 + 90), () => {})));

    const done = await reconcile(
      { stores, readMeter: (id) => readMeter(stores.meters, id), settings: {}, now: () => MUCH_LATER + 600_000 },
      {},
    );

    expect(entries).toHaveLength(150);
    expect(done.spend).toBeGreaterThan(0n);
    expect(done.checks.filter(({ what }) => what === 'meter')).toHaveLength(4);
    expect(done.checks.filter(({ difference }) => difference !== 0n)).toEqual([]);
    expect(done.difference).toBe(0n);
  }, 60_000);
});
