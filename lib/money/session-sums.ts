/**
 * Sessions, which have no records: their budgets are found by the calls that name them. A session whose meter is not there had no call since
 * its key's sessions have a budget.
 *
 * Clients make up sessions, one for each call if they like, so a night may meet millions. It keeps those it has room for: above `MOST` a half
 * of all sessions, told apart by a hash, then a quarter and so on, and each night another part. Parts lie within one another, so whichever
 * sessions are kept in the end were kept from the beginning.
 */
import { createHash } from 'node:crypto';
import type { Limited } from './budgeted-scopes.ts';
import { budgetsOf, type Budget } from '../domain/budget.ts';
import { wasHeldIn, type LedgerEntry } from '../domain/ledger-entry.ts';
import type { Limits } from '../domain/limits.ts';
import { meterMark, pairId, spentOf, type Meter } from '../domain/meter.ts';
import { entriesOf, entriesOfScope, inTurn } from './ledger-reading.ts';
import { Sum } from './ledger-sums.ts';
import type { Stores } from '../stores/stores.ts';

/** Longest time from the arrival of a call to its entry, milliseconds, with room to spare: gateways run for 15 minutes. */
const LONGEST_CALL_MS = 3_600_000;

/** A night has another part of the sessions than the one before, milliseconds. */
const NIGHT_MS = 86_400_000;
/**
 * Sessions kept at once: 0.8 KB each, 1.3 KB with its meter and its check (measured with ids of 36 characters), a quarter of the reconciler's
 * memory in all; and a read of a meter each, sixteen at a time, which is a minute or so of its fifteen.
 */
const MOST = 200_000;

/** A session, its meter, and what the ledger says of it. */
export interface SessionSum {
  readonly budget: Budget;
  readonly meter: Meter;
  readonly sum: Sum;
}

interface Session {
  readonly budget: Budget;
  readonly keyHash: string;
  readonly mark: string;
  readonly sum: Sum;
}

/** The sessions of some entries. */
export class SessionSums {
  readonly #limited: Limited['sessions'];
  readonly #settled: number;
  readonly #start: number;
  readonly #sessions = new Map<string, Session>();
  /**
   * Entries seen of calls that arrived shortly before the start, or after it. A whole ledger is read at some 15,000 entries a second, so one
   * that is read in time has no more than some ten million, and of them few in its last hour.
   */
  readonly #recent = new Set<string>();
  readonly #most: number;
  #parts = 1;

  /**
   * @param start when reading began; @param settled what ended at or after this moment is under way; milliseconds since the epoch
   * @param most sessions kept at once
   */
  constructor(limited: Limited['sessions'], start: number, settled: number, most = MOST) {
    this.#limited = limited;
    this.#start = start;
    this.#settled = settled;
    this.#most = most;
  }

  /** One of so many parts of the sessions is kept: 1 where there was room for all. The others' turn is in as many nights. */
  get parts(): number {
    return this.#parts;
  }

  add(entry: LedgerEntry): void {
    const { id, keyHash, sessionId, adjusts, at } = entry;
    const max = this.#limited.get(keyHash);
    if (max === undefined || sessionId === undefined || adjusts !== undefined) return;
    const name = pairId(keyHash, sessionId);
    if (!this.#isKept(name)) return;
    if (at >= this.#start - LONGEST_CALL_MS) {
      if (this.#recent.has(id)) return;
      this.#recent.add(id);
    }
    const { sum, mark } = this.#sessionOf(name, keyHash, at);
    sum.add(entry, this.#settled, wasHeldIn(entry, mark));
    while (this.#sessions.size > this.#most) this.#halve();
  }

  #isKept(name: string): boolean {
    if (this.#parts === 1) return true;
    const part = createHash('sha256').update(name).digest().readUInt32BE() % this.#parts;
    return part === Math.floor(this.#start / NIGHT_MS) % this.#parts;
  }

  #halve(): void {
    this.#parts *= 2;
    for (const name of this.#sessions.keys()) if (!this.#isKept(name)) this.#sessions.delete(name);
  }

  #sessionOf(name: string, keyHash: string, at: number): Session {
    const known = this.#sessions.get(name);
    if (known !== undefined) return known;
    const limits: Limits = { budgetAnchor: 0, maxBudget: this.#limited.get(keyHash) ?? 0n };
    const [budget] = budgetsOf({ scope: { kind: 'session', id: name }, limits }, at);
    if (budget === undefined) throw new Error('a session with a budget has none');
    const session: Session = { budget, keyHash, mark: meterMark(budget.meter), sum: new Sum() };
    this.#sessions.set(name, session);
    return session;
  }

  /**
   * The sessions that have meters. These are read after the entries, so what came in between is looked for once more: then, as everywhere, a
   * meter can only be behind. Where calls before `from` may belong to a session, they are looked up.
   */
  async judged(
    stores: Pick<Stores, 'ledger' | 'totals'>,
    readMeter: (id: string) => Promise<Meter | undefined>,
    from: number | undefined,
  ): Promise<readonly SessionSum[]> {
    const found = await inTurn([...this.#sessions.values()], async (session) => ({
      session,
      meter: await readMeter(session.budget.meter),
    }));
    if (found.length === 0) return [];
    for await (const entry of entriesOf(stores, { from: this.#start - LONGEST_CALL_MS })) {
      const { keyHash, sessionId } = entry;
      if (sessionId !== undefined && this.#sessions.has(pairId(keyHash, sessionId))) this.add(entry);
    }
    const judged = found.flatMap(({ session, meter }) => (meter === undefined ? [] : [{ ...session, meter }]));
    const differing = judged.filter(({ meter, sum }) => spentOf(meter, 'usd') !== sum.spend);
    if (from !== undefined) await inTurn(differing, (session) => this.#addEarlier(stores, session, from));
    return judged;
  }

  async #addEarlier(
    stores: Pick<Stores, 'ledger' | 'totals'>,
    { budget, keyHash, mark, sum }: Session,
    to: number,
  ): Promise<void> {
    for await (const entry of entriesOfScope(stores, budget.scope, { from: 0, to })) {
      if (entry.keyHash === keyHash) sum.add(entry, this.#settled, wasHeldIn(entry, mark));
    }
  }
}
