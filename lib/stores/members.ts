import type { Group, Member } from '../domain/team.ts';
import type { Page, PageAsked } from './keys.ts';

/** Port: who belongs to which group. */
export interface MemberStore {
  get(group: Group, userId: string, options?: { readonly fresh?: boolean }): Promise<Member | undefined>;
  /** Every member of a group, by user id. */
  list(group: Group): Promise<readonly Member[]>;
  /** Some of them, by user id; the cursor is the id of the last one shown. */
  page(group: Group, page: PageAsked): Promise<Page<Member>>;
  /** Stores a membership: a new one at `rev` 1, else one whose stored `rev` is `member.rev - 1`; `stale` when it is not so. */
  put(member: Member): Promise<'stored' | 'stale'>;
  delete(group: Group, userId: string): Promise<Member | undefined>;
}
