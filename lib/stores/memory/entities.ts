/** Records of the registry in memory. Same rules as on DynamoDB; nothing outlives the process. */
import type { AuditEntry } from '../../domain/audit.ts';
import type { Entity } from '../../domain/entity.ts';
import { isAmong, type RecordOwner } from '../../domain/owned.ts';
import { isKeyText, readAll, strangeCursor } from '../../domain/pages.ts';
import type { Group, Member } from '../../domain/team.ts';
import type { AuditStore } from '../audit.ts';
import type { EntityStore } from '../entities.ts';
import type { OwnedListing } from '../keys.ts';
import type { LinkStore } from '../links.ts';
import type { MemberStore } from '../members.ts';
import { pageOf } from './pages.ts';

const placeOf = ({ id, createdAt }: Entity) => ({ id, at: createdAt });

/** Records of one kind in memory. */
export function createEntityStore<T extends Entity>(): EntityStore<T> {
  const records = new Map<string, T>();
  return {
    get: async (id) => records.get(id),

    async create(record) {
      if (records.has(record.id)) return 'exists';
      records.set(record.id, record);
      return 'created';
    },

    async replace(record) {
      const stored = records.get(record.id);
      if (stored === undefined) return 'absent';
      if (stored.rev !== record.rev - 1) return 'stale';
      records.set(record.id, record);
      return 'replaced';
    },

    async delete(id) {
      const stored = records.get(id);
      records.delete(id);
      return stored;
    },

    list: async (page) => pageOf([...records.values()], placeOf, page),
  };
}

/** Records in memory that are listed by what owns them too. */
export function createOwnedStore<T extends Entity, Owner extends RecordOwner>(
  ownersOf: (record: T) => readonly RecordOwner[],
): EntityStore<T> & OwnedListing<T, Owner> {
  const store = createEntityStore<T>();
  return {
    ...store,
    listOf: async (owner, page) =>
      pageOf(
        (await readAll(store)).filter((record) => isAmong(ownersOf(record), owner)),
        placeOf,
        page,
      ),
  };
}

/** In memory nothing is older than its links. */
export const createLinkStore = (): LinkStore => ({ catchUp: async () => ({ linked: 0, complete: true }) });

/** Memberships in memory. */
export function createMemberStore(): MemberStore {
  const members = new Map<string, Member>();
  const keyOf = ({ kind, id }: Group, userId: string): string => JSON.stringify([kind, id, userId]);
  const membersOf = ({ kind, id }: Group): readonly Member[] =>
    [...members.values()]
      .filter(({ group }) => group.kind === kind && group.id === id)
      .toSorted((one, other) => (one.userId < other.userId ? -1 : 1));
  return {
    get: async (group, userId) => members.get(keyOf(group, userId)),
    list: async (group) => membersOf(group),

    async page(group, { limit, cursor }) {
      if (cursor !== undefined && !isKeyText(cursor)) throw strangeCursor();
      const left = membersOf(group).filter(({ userId }) => cursor === undefined || userId > cursor);
      const items = left.slice(0, limit);
      const last = items.at(-1);
      return { items, ...(left.length > limit && last !== undefined ? { cursor: last.userId } : {}) };
    },

    async put(member) {
      const key = keyOf(member.group, member.userId);
      if ((members.get(key)?.rev ?? 0) !== member.rev - 1) return 'stale';
      members.set(key, member);
      return 'stored';
    },

    async delete(group, userId) {
      const stored = members.get(keyOf(group, userId));
      members.delete(keyOf(group, userId));
      return stored;
    },
  };
}

/** The audit log in memory. */
export function createAuditStore(): AuditStore {
  const entries = new Map<string, AuditEntry>();
  return {
    async append(entry) {
      if (!entries.has(entry.id)) entries.set(entry.id, entry);
    },
    get: async (id) => entries.get(id),
    list: async (page) => pageOf([...entries.values()], (entry) => entry, page),
  };
}
