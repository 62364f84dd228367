/** Rows of LiteLLM's tables as records of ours. What a row says and we have no place for is told, never dropped in silence. */
import type { AccessGroup, Customer, SharedBudget, Tag } from '../domain/customer.ts';
import type { VirtualKey } from '../domain/key.ts';
import type { Scope } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import type { Organization, Project } from '../domain/organization.ts';
import type { Member, Team } from '../domain/team.ts';
import { ROLES, type Role, type User } from '../domain/user.ts';
import { defined, isObject, type JsonObject } from '../kinds/json.ts';
import type { Dump, TableName } from './dump.ts';
import { fieldsOf, type Fields, type Note } from './fields.ts';
import { keyOf, supersededOf } from './key-record.ts';
import { limitsOf } from './limit-fields.ts';

/** Everything a dump says. */
export interface Imported {
  readonly budgets: readonly SharedBudget[];
  readonly organizations: readonly Organization[];
  readonly teams: readonly Team[];
  readonly members: readonly Member[];
  readonly users: readonly User[];
  readonly projects: readonly Project[];
  readonly customers: readonly Customer[];
  readonly tags: readonly Tag[];
  readonly accessGroups: readonly AccessGroup[];
  readonly keys: readonly VirtualKey[];
  /** Spend so far, 1e-12 USD, where it is not zero. */
  readonly spend: readonly { readonly scope: Scope; readonly amount: Money }[];
  /** One line a matter. */
  readonly notes: readonly string[];
}

/**
 * The records of a dump.
 *
 * @param now when they are made, where a row does not say, milliseconds since the epoch
 * @throws ImportError naming the row and the field that is wrong
 */
export function recordsOf(dump: Dump, now: number): Imported {
  const counts = new Map<string, number>();
  const note: Note = (place, field) => {
    const line = `${place}.${field}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  };
  const read = <T>(table: TableName, make: (row: Fields) => T): readonly T[] =>
    (dump.get(table) ?? []).map((row, index) => {
      const fields = fieldsOf(row, `${table}, row ${index + 1}`);
      for (const field of NO_PLACE) if (saysSomething(row[field])) note(table, field);
      return make(fields);
    });
  const spend: { readonly scope: Scope; readonly amount: Money }[] = [];
  const spent = (kind: Scope['kind'], id: string, row: Fields): void => {
    const amount = row.money('spend') ?? 0n;
    if (amount > 0n) spend.push({ scope: { kind, id }, amount });
  };
  const aliases = new Map(
    read('ModelTable', (row) => [row.id('id'), textMap(row.object('aliases'), row.object('model_aliases'))]),
  );

  const budgets = read('BudgetTable', (row) => ({
    ...entity(row, row.id('budget_id'), now),
    ...limitsOf(row, now),
    models: row.list('allowed_models'),
  }));
  const organizations = read('OrganizationTable', (row) => {
    const id = row.id('organization_id');
    spent('organization', id, row);
    const alias = row.text('organization_alias') ?? id;
    return { ...scoped(row, id, now), alias, aliases: {}, blocked: false };
  });
  const teams = read('TeamTable', (row) => {
    const id = row.id('team_id');
    spent('team', id, row);
    return teamOf(row, id, aliases.get(row.text('model_id') ?? '') ?? {}, now);
  });
  const users = read('UserTable', (row) => {
    const id = row.id('user_id');
    spent('user', id, row);
    return userOf(row, id, now);
  });
  const projects = read('ProjectTable', (row) => {
    const id = row.id('project_id');
    spent('project', id, row);
    return {
      ...scoped(row, id, now),
      ...defined({ alias: row.text('project_alias'), description: row.text('description'), teamId: row.text('team_id') }),
      tags: tagsOf(row),
      blocked: row.flag('blocked'),
    };
  });
  const customers = read('EndUserTable', (row) => {
    const id = row.id('user_id');
    spent('customer', id, row);
    return {
      ...entity(row, id, now),
      ...limitsOf(row, now),
      ...defined({
        alias: row.text('alias'),
        region: regionOf(row.text('allowed_model_region')),
        defaultModel: row.text('default_model'),
      }),
      blocked: row.flag('blocked'),
    };
  });
  const tags = read('TagTable', (row) => {
    const id = row.id('tag_name');
    spent('tag', id, row);
    return { ...scoped(row, id, now), ...defined({ description: row.text('description') }) };
  });
  const accessGroups = read('AccessGroupTable', (row) => ({
    ...entity(row, row.text('access_group_name') ?? row.id('access_group_id'), now),
    ...defined({ description: row.text('description') }),
    models: row.list('access_model_names'),
  }));
  const keys = read('VerificationToken', (row) => {
    const key = keyOf(row, now, note);
    spent('key', key.hash, row);
    return key;
  });
  const superseded = read('DeprecatedVerificationToken', (row) => supersededOf(row, keys)).filter((key) => key !== undefined);
  const memberships = [
    ...read('TeamMembership', (row) => memberOf('team', row.id('team_id'), row, now)),
    ...read('OrganizationMembership', (row) => memberOf('organization', row.id('organization_id'), row, now)),
  ];
  return {
    budgets,
    organizations,
    teams,
    users: withGroups(users, memberships),
    projects,
    customers,
    tags,
    accessGroups,
    keys: [...keys, ...superseded],
    members: merged(memberships, dump, now),
    spend,
    notes: [...counts].map(([line, count]) => `${line}: no place for it here (${count} ${count === 1 ? 'row' : 'rows'})`),
  };
}

/** Columns of several tables that speak of what this gateway does not do. */
const NO_PLACE = ['policies', 'router_settings', 'object_permission_id', 'password', 'agent_id', 'allowed_cache_controls'];

const saysSomething = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  !['', '{}', '[]', 'null'].includes(typeof value === 'string' ? value : JSON.stringify(value));

/** What every record has. */
const entity = (row: Fields, id: string, now: number) => ({
  id,
  createdAt: row.time('created_at') ?? now,
  updatedAt: row.time('updated_at') ?? now,
  ...defined({ createdBy: row.text('created_by'), updatedBy: row.text('updated_by') }),
  metadata: row.object('metadata'),
  rev: 1,
});

/** What every record with models and limits has. */
const scoped = (row: Fields, id: string, now: number) => ({
  ...entity(row, id, now),
  ...limitsOf(row, now),
  models: row.list('models'),
});

function teamOf(row: Fields, id: string, aliases: Readonly<Record<string, string>>, now: number): Team {
  return {
    ...scoped(row, id, now),
    ...defined({ alias: row.text('team_alias'), organizationId: row.text('organization_id') }),
    aliases,
    tags: tagsOf(row),
    blocked: row.flag('blocked'),
    memberPermissions: row.list('team_member_permissions'),
    accessGroups: row.list('access_group_ids'),
  };
}

function userOf(row: Fields, id: string, now: number): User {
  const role = row.text('user_role');
  return {
    ...scoped(row, id, now),
    ...defined({ alias: row.text('user_alias'), email: row.text('user_email'), ssoUserId: row.text('sso_user_id') }),
    role: isRole(role) ? role : 'internal_user',
    aliases: {},
    teams: row.list('teams'),
    organizations: [],
    blocked: false,
  };
}

const regionOf = (text: string | undefined): Customer['region'] => (text === 'eu' || text === 'us' ? text : undefined);

const isRole = (text: string | undefined): text is Role => ROLES.some((role) => role === text);

const tagsOf = (row: Fields): readonly string[] => {
  const tags: unknown = row.object('metadata')['tags'];
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
};

const textMap = (...maps: readonly JsonObject[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    maps.flatMap((map) => Object.entries(map)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

function memberOf(kind: Member['group']['kind'], id: string, row: Fields, now: number): Member {
  return {
    group: { kind, id },
    userId: row.id('user_id'),
    role: row.text('user_role') ?? 'user',
    models: [],
    createdAt: row.time('created_at') ?? now,
    updatedAt: row.time('updated_at') ?? now,
    rev: 1,
    ...limitsOf(row, now),
  };
}

/** Team members with their roles, which LiteLLM keeps in the team's row; a membership without one there is kept too. */
function merged(memberships: readonly Member[], dump: Dump, now: number): readonly Member[] {
  const keyOf = ({ group, userId }: Pick<Member, 'group' | 'userId'>): string => JSON.stringify([group.kind, group.id, userId]);
  const members = new Map(memberships.map((member) => [keyOf(member), member]));
  for (const [index, row] of (dump.get('TeamTable') ?? []).entries()) {
    const fields = fieldsOf(row, `TeamTable, row ${index + 1}`);
    const group = { kind: 'team', id: fields.id('team_id') } as const;
    const listed: unknown = fields.json('members_with_roles');
    for (const entry of Array.isArray(listed) ? listed.filter(isObject) : []) {
      const { user_id: userId, role, user_email: email } = entry;
      if (typeof userId !== 'string') continue;
      const key = keyOf({ group, userId });
      const known = members.get(key) ?? {
        group,
        userId,
        models: [],
        createdAt: now,
        updatedAt: now,
        rev: 1,
        budgetAnchor: now,
      };
      members.set(key, {
        ...known,
        role: role === 'admin' ? 'admin' : 'user',
        ...(typeof email === 'string' ? { email } : {}),
      });
    }
  }
  return [...members.values()];
}

/** Users know the organizations they belong to. */
function withGroups(users: readonly User[], memberships: readonly Member[]): readonly User[] {
  const organizations = Map.groupBy(
    memberships.filter(({ group }) => group.kind === 'organization'),
    ({ userId }) => userId,
  );
  return users.map((user) => ({ ...user, organizations: (organizations.get(user.id) ?? []).map(({ group }) => group.id) }));
}
