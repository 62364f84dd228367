/** Calls that count for many owners at once: a world of shared caps, and what the books say of each of them. */
import { budgetsOf, type LimitedScope } from '../../lib/domain/budget.ts';
import { newCallId } from '../../lib/domain/call-id.ts';
import type { Customer, Tag } from '../../lib/domain/customer.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import type { Limits } from '../../lib/domain/limits.ts';
import { meterId, pairId, type Scope } from '../../lib/domain/meter.ts';
import type { Money } from '../../lib/domain/money.ts';
import type { Organization } from '../../lib/domain/organization.ts';
import type { Member, Team } from '../../lib/domain/team.ts';
import { PLAIN_USER, type User } from '../../lib/domain/user.ts';
import type { Exchange } from '../../lib/exchange.ts';
import { scopesOf, type ScopeSettings } from '../../lib/policies/scopes.ts';
import { readMeter } from '../../lib/money/shards.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { aKey, NOW } from '../support/exchange.ts';
import { aCall } from './calls.ts';
import { PLAIN_TEAM } from '../support/records.ts';

/** Caps that calls share, each on a name of its own. */
export interface World {
  readonly settings: ScopeSettings;
  /** A call of one of its keys. */
  call(key: number, maxOutputTokens: number, over?: Partial<Exchange>): Exchange;
}

const entity = { createdAt: NOW, updatedAt: NOW, metadata: {}, rev: 1 };

/** A world in which every kind of owner has limits. Names are made of `name`, so that worlds share nothing. */
export function aWorld(name: string, limits: (kind: Scope['kind']) => Partial<Limits>): World {
  const of = (kind: Scope['kind']): Limits => ({ budgetAnchor: NOW - 1000, ...limits(kind) });
  const team: Team = {
    ...PLAIN_TEAM,
    ...entity,
    ...of('team'),
    id: `${name}-team`,
    organizationId: `${name}-org`,
  };
  const user: User = {
    ...entity,
    ...of('user'),
    id: `${name}-user`,
    ...PLAIN_USER,
    teams: [team.id],
  };
  const member: Member = {
    ...entity,
    ...of('member'),
    group: { kind: 'team', id: team.id },
    userId: user.id,
    role: 'user',
    models: [],
  };
  const organization: Organization = {
    ...entity,
    ...of('organization'),
    id: `${name}-org`,
    alias: 'Org',
    models: [],
    aliases: {},
    blocked: false,
  };
  const customer: Customer = { ...entity, ...of('customer'), id: `${name}-customer`, blocked: false };
  const tag: Tag = { ...entity, ...of('tag'), id: `${name}-tag`, models: [] };
  return {
    settings: { userBudgetsForTeamKeys: true },
    call(key, maxOutputTokens, over = {}) {
      const own = { userId: user.id, teamId: team.id, organizationId: organization.id, budgetAnchor: NOW - 1000 };
      const { maxBudget: sessionBudget } = limits('session');
      const session = sessionBudget === undefined ? {} : { sessionBudget };
      const virtual = aKey({ hash: `${name}-key-${key}`, ...own, ...limits('key'), ...session });
      return aCall(virtual, maxOutputTokens, {
        id: newCallId(NOW),
        caller: { type: 'key', key: virtual, team, user, member, organization },
        endUser: customer.id,
        customer,
        tags: [tag.id],
        tagged: [tag],
        sessionId: 'session',
        ...over,
      });
    },
  };
}

/** What the books say of one scope. */
export interface ScopeBooks {
  readonly scope: Scope;
  readonly max?: Money | undefined;
  readonly committed: Money;
  readonly openHolds: number;
  /** Slots in use. */
  readonly slots: bigint;
  /** Sum of its ledger entries. */
  readonly ledger: Money;
}

/** Reads the books of every scope of these calls. */
export async function booksOfScopes(
  stores: Pick<Stores, 'meters' | 'ledger'>,
  world: World,
  calls: readonly Exchange[],
): Promise<readonly ScopeBooks[]> {
  const scopes = new Map<string, LimitedScope>();
  for (const call of calls) {
    for (const limited of scopesOf(call, world.settings)) scopes.set(`${limited.scope.kind} ${limited.scope.id}`, limited);
  }
  const entries = await stores.ledger.getAll(calls.map(({ id }) => id));
  return Promise.all([...scopes.values()].flatMap((limited) => booksOfScope(stores, limited, entries)));
}

function booksOfScope(
  { meters }: Pick<Stores, 'meters'>,
  limited: LimitedScope,
  entries: readonly LedgerEntry[],
): readonly Promise<ScopeBooks>[] {
  const { scope } = limited;
  const own = entries.filter((entry) => countsFor(entry, scope));
  const ledger = own.reduce((sum, { cost = 0n }) => sum + cost, 0n);
  return budgetsOf(limited, NOW).map(async ({ meter, max }) => {
    const [money, slots] = await Promise.all([
      readMeter(meters, meter),
      readMeter(meters, meterId(scope, 'parallel', { name: 'total', start: 0 })),
    ]);
    return {
      scope,
      max,
      committed: money?.committed.usd ?? 0n,
      openHolds: (money?.holds.length ?? 0) + (slots?.holds.length ?? 0),
      slots: slots?.committed.parallel ?? 0n,
      ledger,
    };
  });
}

function countsFor(entry: LedgerEntry, { kind, id }: Scope): boolean {
  const ids: Partial<Record<Scope['kind'], string | undefined>> = {
    key: entry.keyHash,
    session: pairId(entry.keyHash, entry.sessionId ?? ''),
    member: pairId(entry.teamId ?? '', entry.userId ?? ''),
    team: entry.teamId,
    user: entry.userId,
    project: entry.projectId,
    organization: entry.organizationId,
    customer: entry.endUser,
  };
  return kind === 'tag' ? entry.tags.includes(id) : ids[kind] === id;
}
