/** Every record that may have limits, as whose it is, what it says itself, and what fills in behind it. */
import { scopeOf } from '../domain/key.ts';
import type { Limits } from '../domain/limits.ts';
import { pairId, type Scope, type ScopeKind } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { allOf } from '../domain/pages.ts';
import type { Group } from '../domain/team.ts';
import type { Stores } from '../stores/stores.ts';

/** Where limits may be. */
export type LimitStores = Pick<
  Stores,
  'keys' | 'teams' | 'organizations' | 'members' | 'users' | 'projects' | 'customers' | 'tags'
>;

/** One of them. */
export interface LimitHolder {
  readonly scope: Scope;
  /** The record's own: those of its shared budget are not filled in. */
  readonly limits: Limits;
  /** What fills in behind the record and its shared budget. */
  readonly defaults?: Partial<Limits>;
  /** What each session of a key may spend, 1e-12 USD. */
  readonly sessionBudget?: Money;
}

/** All of them, read page by page. The record of an old secret is none: the key that took its place has the last word. */
export async function* limitHolders(stores: LimitStores): AsyncGenerator<LimitHolder> {
  for await (const key of allOf((page) => stores.keys.list(page))) {
    if (key.supersededBy !== undefined) continue;
    const { sessionBudget } = key;
    yield { scope: scopeOf(key), limits: key, ...(sessionBudget === undefined ? {} : { sessionBudget }) };
  }
  for await (const team of allOf((page) => stores.teams.list(page))) {
    yield { scope: { kind: 'team', id: team.id }, limits: team };
    yield* membersOf({ kind: 'team', id: team.id }, 'member', team.memberDefaults);
  }
  for await (const organization of allOf((page) => stores.organizations.list(page))) {
    yield { scope: { kind: 'organization', id: organization.id }, limits: organization };
    yield* membersOf({ kind: 'organization', id: organization.id }, 'organization-member');
  }
  for (const kind of ['user', 'project', 'customer', 'tag'] as const) {
    for await (const record of allOf<Limits & { readonly id: string }>((page) => stores[`${kind}s`].list(page))) {
      yield { scope: { kind, id: record.id }, limits: record };
    }
  }

  async function* membersOf(group: Group, kind: ScopeKind, defaults?: Partial<Limits>): AsyncGenerator<LimitHolder> {
    for (const member of await stores.members.list(group)) {
      const scope = { kind, id: pairId(group.id, member.userId) };
      yield { scope, limits: member, ...(defaults === undefined ? {} : { defaults }) };
    }
  }
}
