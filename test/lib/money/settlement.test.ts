import { beforeEach, describe, expect, it } from 'vitest';
import type { Hold, HoldRequest } from '../../../lib/domain/meter.ts';
import { GatewayError } from '../../../lib/errors.ts';
import { actualAmounts, settleCall, settleExpired } from '../../../lib/money/settlement.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { NOW } from '../../support/exchange.ts';
import { anEntry } from '../stores/contract.ts';

const METER = 'key#k#usd#total#0';
const aHold = (over: Partial<HoldRequest> = {}): HoldRequest => ({
  meter: METER,
  scope: { kind: 'key', id: 'k' },
  window: { name: 'total', start: 0 },
  amounts: { usd: 10n },
  limits: { usd: 100n },
  swept: true,
  ...over,
});

let stores: Stores;
let lines: string[];
let pauses: number[];
let clock: number;
beforeEach(() => {
  stores = open();
  lines = [];
  pauses = [];
  clock = NOW;
});

const deps = (over: Partial<Stores> = {}) => ({
  meters: stores.meters,
  ledger: stores.ledger,
  ...over,
  now: () => clock,
  log: (level: string, message: string) => void lines.push(`${level} ${message}`),
  sleep: async (ms: number) => {
    pauses.push(ms);
    clock += ms;
  },
});

const down = new GatewayError('overloaded', 'down');

describe('settling a call', () => {
  it('writes the entry and replaces the hold by its cost', async () => {
    await stores.meters.hold(aHold(), 'one', NOW);
    const entry = anEntry({ id: 'one', cost: 4n });

    expect(await settleCall(deps(), entry, [aHold()])).toBe('settled');

    expect(await stores.ledger.get('one')).toEqual(entry);
    expect(await stores.meters.read(METER)).toMatchObject({ committed: { usd: 4n }, holds: [] });
  });

  it('goes by the entry that is there, when there is one', async () => {
    await stores.meters.hold(aHold(), 'one', NOW);
    await stores.ledger.record(anEntry({ id: 'one', cost: 9n }));

    await settleCall(deps(), anEntry({ id: 'one', cost: 4n }), [aHold()]);

    expect(await stores.meters.read(METER)).toMatchObject({ committed: { usd: 9n } });
  });

  it('repeats what fails, with growing pauses', async () => {
    let failures = 3;
    const ledger = {
      ...stores.ledger,
      record: async (entry: Parameters<Stores['ledger']['record']>[0]) => {
        if (failures-- > 0) throw down;
        return stores.ledger.record(entry);
      },
    };

    expect(await settleCall(deps({ ledger }), anEntry({ id: 'one' }), [])).toBe('settled');

    expect(pauses).toEqual([50, 200, 800]);
  });

  it('leaves the hold to the keeper when the ledger stays away, and says so', async () => {
    await stores.meters.hold(aHold(), 'one', NOW);
    const ledger = { ...stores.ledger, record: () => Promise.reject(down) };

    expect(await settleCall(deps({ ledger }), anEntry({ id: 'one' }), [aHold()])).toBe('left');

    expect(lines).toEqual(['error settlement left to the keeper']);
    expect((await stores.meters.read(METER))?.holds).toHaveLength(1);
  });

  it('does not go on longer than its patience', async () => {
    const ledger = { ...stores.ledger, record: () => Promise.reject(down) };

    await settleCall(deps({ ledger }), anEntry({ id: 'one' }), [], 300);

    expect(pauses).toEqual([50, 200]);
  });

  it('settles the other meters when one fails', async () => {
    const slot = aHold({ meter: 'key#k#parallel#total#0', amounts: { parallel: 1n }, limits: {} });
    await stores.meters.hold(aHold(), 'one', NOW);
    await stores.meters.hold(slot, 'one', NOW);
    const meters = {
      ...stores.meters,
      settle: (...step: Parameters<Stores['meters']['settle']>) =>
        step[0] === METER ? Promise.reject(down) : stores.meters.settle(...step),
    };

    expect(await settleCall(deps({ meters }), anEntry({ id: 'one', cost: 4n }), [aHold(), slot])).toBe('left');

    expect((await stores.meters.read(slot.meter))?.holds).toEqual([]);
  });
});

describe('what a meter shows of a call', () => {
  const held = { usd: 10n, requests: 1n, tokens: 500n, parallel: 1n };

  it('is its cost, one request, the tokens it used, and no slot', () => {
    const entry = anEntry({ cost: 3n, usage: { inputTokens: 20, outputTokens: 30, source: 'provider' } });

    expect(actualAmounts(held, entry)).toEqual({ usd: 3n, requests: 1n, tokens: 50n, parallel: 0n });
  });

  it.each([
    [{ inputTokens: 10.5, outputTokens: 4 }, 15n],
    [{ inputTokens: 10, outputTokens: -20 }, 10n],
  ])('counts tokens in whole numbers from zero up, whatever a provider says: %j', (usage, tokens) => {
    const entry = anEntry({ usage: { ...usage, source: 'provider' } });

    expect(actualAmounts({ tokens: 500n }, entry)).toEqual({ tokens });
  });

  it('is one request and nothing else for a call that used nothing', () => {
    const { usage: _, ...entry } = anEntry({ cost: 0n });

    expect(actualAmounts(held, entry)).toEqual({ usd: 0n, requests: 1n, tokens: 0n, parallel: 0n });
  });

  it('keeps the tokens of a call nobody came back from', () => {
    expect(actualAmounts(held, anEntry({ status: 'expired', cost: 10n })).tokens).toBe(500n);
    expect(actualAmounts(held, undefined).tokens).toBe(500n);
  });

  it('names only what was held', () => {
    expect(actualAmounts({ parallel: 1n }, anEntry())).toEqual({ parallel: 0n });
  });
});

describe('settling an expired hold', () => {
  const call = {
    owner: { keyHash: 'k', tags: ['a'] },
    at: NOW - 5,
    kind: 'generate',
    route: '/v1/messages',
    clientDialect: 'anthropic-messages',
    modelGroup: 'm',
    stream: true,
  };
  const hold: Hold = { id: 'one', amounts: { usd: 10n }, expiresAt: NOW - 1, call };

  it('writes an entry at the cost held, then settles', async () => {
    await stores.meters.hold(aHold(), 'one', NOW - 1);

    const { owner, ...facts } = call;

    expect(await settleExpired(deps(), 'hold', METER, hold)).toBe('booked');

    expect(await stores.ledger.get('one')).toMatchObject({ status: 'expired', ...owner, cost: 10n, ...facts });
    expect(await stores.meters.read(METER)).toMatchObject({ committed: { usd: 10n }, holds: [] });
  });

  it('books nothing where the operator says so', async () => {
    await stores.meters.hold(aHold(), 'one', NOW - 1);

    await settleExpired(deps(), 'zero', METER, { ...hold });

    expect(await stores.ledger.get('one')).toMatchObject({ cost: 0n, held: 10n, price: { rule: 'expired:zero' } });
    expect(await stores.meters.read(METER)).toMatchObject({ committed: { usd: 0n } });
  });

  it('goes by the entry that is there', async () => {
    await stores.meters.hold(aHold(), 'one', NOW - 1);
    await stores.ledger.record(anEntry({ id: 'one', cost: 3n }));

    expect(await settleExpired(deps(), 'hold', METER, hold)).toBe('settled');
    expect(await settleExpired(deps(), 'hold', METER, hold)).toBe('absent');

    expect(await stores.meters.read(METER)).toMatchObject({ committed: { usd: 3n } });
  });

  it('gives a slot back without an entry, which would stand in the way of the true one', async () => {
    const slot = aHold({ meter: 'key#k#parallel#total#0', amounts: { parallel: 1n }, limits: {} });
    await stores.meters.hold(slot, 'one', NOW - 1);

    expect(await settleExpired(deps(), 'hold', slot.meter, { id: 'one', amounts: slot.amounts, expiresAt: NOW - 1 })).toBe(
      'settled',
    );

    expect(await stores.ledger.get('one')).toBeUndefined();
    expect((await stores.meters.read(slot.meter))?.committed.parallel).toBe(0n);
  });

  it('makes do without facts of the call', async () => {
    await settleExpired(deps(), 'hold', METER, { id: 'one', amounts: { usd: 10n }, expiresAt: NOW - 1 });

    expect(await stores.ledger.get('one')).toMatchObject({ at: NOW - 1, route: '', modelGroup: '', stream: false });
  });

  describe('of a call that holds in several meters', () => {
    const team = 'team#t#usd#total#0';
    const inTeam: Hold = { id: 'one', amounts: { usd: 10n }, expiresAt: NOW - 1, home: METER };
    const home = aHold({ call: { ...call, meters: [team] } });
    const other = aHold({ meter: team, home: METER });

    it('finds the facts where the hold says they are', async () => {
      await stores.meters.hold(home, 'one', NOW - 1);
      await stores.meters.hold(other, 'one', NOW - 1);

      expect(await settleExpired(deps(), 'hold', team, inTeam)).toBe('booked');

      expect(await stores.ledger.get('one')).toMatchObject({ ...call.owner, cost: 10n, price: { rule: 'expired:hold' } });
      expect(await stores.meters.read(team)).toMatchObject({ committed: { usd: 10n }, holds: [] });
    });

    it('finds them under another try of the same call', async () => {
      await stores.meters.hold(home, 'one~2', NOW - 1);
      await stores.meters.hold(other, 'one', NOW - 1);

      expect(await settleExpired(deps(), 'hold', team, inTeam)).toBe('booked');
    });

    it('costs nothing, and has no entry, when it never held where its facts would be', async () => {
      await stores.meters.hold(other, 'one', NOW - 1);

      expect(await settleExpired(deps(), 'hold', team, inTeam)).toBe('settled');

      expect(await stores.ledger.get('one')).toBeUndefined();
      expect(await stores.meters.read(team)).toMatchObject({ committed: { usd: 0n }, holds: [] });
    });

    it('costs nothing when another of its holds never was', async () => {
      await stores.meters.hold(home, 'one', NOW - 1);

      await settleExpired(deps(), 'hold', METER, { ...hold, call: { ...call, meters: [team] } });

      expect(await stores.ledger.get('one')).toMatchObject({ cost: 0n, held: 10n, price: { rule: 'expired:not_admitted' } });
      expect(await stores.meters.read(METER)).toMatchObject({ committed: { usd: 0n }, holds: [] });
    });

    it('goes by the entry when its facts are gone, since that is why they are', async () => {
      await stores.meters.hold(other, 'one', NOW - 1);
      await stores.ledger.record(anEntry({ id: 'one', cost: 3n }));

      await settleExpired(deps(), 'hold', team, inTeam);

      expect(await stores.meters.read(team)).toMatchObject({ committed: { usd: 3n } });
    });
  });
});
