/** Belonging to a group: users join teams and organizations, with limits of their own there, and leave them. */
import { defined } from '../../kinds/json.ts';
import * as z from 'zod/mini';
import type { Limits } from '../../domain/limits.ts';
import { readAll } from '../../domain/pages.ts';
import type { Group, Member } from '../../domain/team.ts';
import { PLAIN_USER, type User } from '../../domain/user.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { audit } from '../audit.ts';
import { openBudgets } from '../budget.ts';
import { chosen } from '../changes.ts';
import type { ManagementDeps } from '../deps.ts';
import { count, idFault, names, ownerId, text, usd } from '../input.ts';
import { USER } from './identity-kinds.ts';
import { duration, isoOf, limitRow, withLimits } from '../limit-fields.ts';
import { createOne } from '../records/record-kind.ts';
import { changeRecord, newEntity, newId, ownedBy, tooBusy } from '../records/records.ts';
import { budgetTable, figuresOf, memberScope } from '../standing.ts';

/** How often a change is tried again when somebody else changed the membership meanwhile. */
const TRIES = 6;

/** Who, by id or by e-mail; clients send an empty text where they have none. */
export const WHO = {
  user_id: z.nullish(z.union([z.literal(''), ownerId()], { error: idFault('expected the id of a user') })),
  user_email: z.nullish(z.union([z.literal(''), text()], 'expected the e-mail of a user')),
} as const;

/** Somebody named in a body. */
export interface Who {
  readonly user_id?: string | null | undefined;
  readonly user_email?: string | null | undefined;
}

/** Limits of a member within its group, as bodies of members have them. */
export const MEMBER_LIMITS = {
  max_budget: z.nullish(usd),
  budget_duration: z.nullish(duration),
  rpm_limit: z.nullish(count),
  tpm_limit: z.nullish(count),
  allowed_models: z.nullish(names),
} as const;

const schema = z.object(MEMBER_LIMITS);

/** Checked fields of a member. */
export type MemberFields = z.infer<typeof schema>;

/** The user of an id or an e-mail; undefined where there is no record. */
export async function findUser(deps: ManagementDeps, { user_id: id, user_email: email }: Who): Promise<User | undefined> {
  if (id) return deps.users.get(id, { fresh: true });
  if (!email) throw new GatewayError('invalid_request', 'user_id: expected a user_id or a user_email', { param: 'user_id' });
  const found = await readAll(ownedBy(deps.users, { kind: 'email', id: email.toLowerCase() }));
  return found.toSorted((one, other) => other.createdAt - one.createdAt)[0];
}

/**
 * The user of an id or an e-mail.
 *
 * @throws GatewayError `not_found`
 */
export async function requireUser(deps: ManagementDeps, who: Who): Promise<User> {
  const user = await findUser(deps, who);
  if (user !== undefined) return user;
  throw new GatewayError('not_found', `user not found: '${who.user_id || who.user_email}' does not exist.`, {
    type: 'not_found_error',
    param: who.user_id ? 'user_id' : 'user_email',
  });
}

/** Names that records and the audit log have for those who are no users. */
const NOT_USERS: ReadonlySet<string> = new Set(['master', 'keeper', 'gateway', 'token']);

/** @throws GatewayError `invalid_request` for the id of a new user that would be taken for somebody else */
export function requireUserId(id: string): void {
  if (!NOT_USERS.has(id)) return;
  throw new GatewayError('invalid_request', `user_id: '${id}' is what this gateway calls itself; choose another`, {
    param: 'user_id',
  });
}

/** The user of an id or an e-mail, made where it is unknown: an internal user without limits. */
export async function ensureUser(deps: ManagementDeps, caller: Caller, who: Who): Promise<User> {
  const known = await findUser(deps, who);
  if (known !== undefined) return known;
  if (who.user_id) requireUserId(who.user_id);
  if (who.user_id && who.user_email && (await findUser(deps, { user_email: who.user_email })) !== undefined) {
    throw new GatewayError('conflict', 'user_email: another user has it already; name that user, or leave the e-mail out', {
      param: 'user_email',
    });
  }
  const user: User = {
    ...newEntity(deps, caller),
    id: who.user_id || newId(deps),
    ...(who.user_email ? { email: who.user_email } : {}),
    ...PLAIN_USER,
    budgetAnchor: deps.now(),
  };
  try {
    return await createOne(deps, caller, USER, user);
  } catch (error) {
    // Somebody else made the same user meanwhile.
    if (GatewayError.from(error).kind === 'conflict') return requireUser(deps, { user_id: user.id });
    throw error;
  }
}

/** The name of a group's list in the record of a user. */
const listOf = (group: Group): 'teams' | 'organizations' => (group.kind === 'team' ? 'teams' : 'organizations');

async function setListed(deps: ManagementDeps, caller: Caller, userId: string, group: Group, listed: boolean): Promise<User> {
  const list = listOf(group);
  const user = await requireUser(deps, { user_id: userId });
  if (user[list].includes(group.id) === listed) return user;
  const { after } = await changeRecord(deps, caller, { store: deps.users, kind: 'user', id: userId }, (record) => {
    const others = record[list].filter((id) => id !== group.id);
    return { ...record, [list]: listed ? [...others, group.id] : others };
  });
  return after;
}

/** How somebody joins. */
export interface Joining {
  readonly group: Group;
  readonly who: Who;
  readonly role: string;
  readonly fields?: MemberFields;
}

/**
 * Makes a user a member, and the user where it is unknown. The membership is what counts; the list in the user's record follows it, and
 * is repaired when the call is repeated.
 *
 * @throws GatewayError `invalid_request` for somebody who is a member already
 */
export async function join(
  deps: ManagementDeps,
  caller: Caller,
  { group, who, role, fields = {} }: Joining,
): Promise<{ readonly user: User; readonly member: Member }> {
  const user = await ensureUser(deps, caller, who);
  const now = deps.now();
  const blank = { group, userId: user.id, role, createdAt: now, updatedAt: now, budgetAnchor: now, models: [], rev: 1 };
  const member: Member = {
    ...memberAfter(blank, fields, now),
    ...(user.email === undefined ? {} : { email: user.email }),
  };
  if ((await deps.members.put(member)) === 'stale') {
    await setListed(deps, caller, user.id, group, true);
    const fault = `User=${user.id} is already a member of ${group.kind}=${group.id}; change it with /${group.kind}/member_update`;
    throw new GatewayError('invalid_request', fault, {
      type: `${group.kind}_member_already_in_${group.kind}`,
      param: 'user_id',
    });
  }
  const listed = await setListed(deps, caller, user.id, group, true);
  deps.onChange?.();
  await audit(deps, caller, {
    action: 'created',
    kind: `${group.kind}-member`,
    id: memberName(member),
    after: plainMember(deps, member),
  });
  return { user: listed, member };
}

const memberName = ({ group, userId }: Member): string => `${group.id}/${userId}`;

/** A membership with fields changed. */
const memberAfter = (member: Member, fields: MemberFields, now: number): Member => ({
  ...withLimits(member, fields, now),
  models: chosen(fields.allowed_models, member.models) ?? [],
  updatedAt: now,
});

/**
 * Changes a membership, again when somebody else was faster.
 *
 * @param change.role new role, absent to keep it
 * @param change.budgetAnchor where its budget windows begin anew, milliseconds since the epoch
 * @throws GatewayError `not_found`, `conflict`
 */
export async function changeMember(
  deps: ManagementDeps,
  caller: Caller,
  {
    group,
    userId,
    defaults,
  }: { readonly group: Group; readonly userId: string; readonly defaults?: Partial<Limits> | undefined },
  change: { readonly fields?: MemberFields; readonly role?: string | undefined; readonly budgetAnchor?: number },
): Promise<Member> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await requireMember(deps, group, userId);
    const after: Member = {
      ...memberAfter(before, change.fields ?? {}, deps.now()),
      ...defined({ role: change.role, budgetAnchor: change.budgetAnchor }),
      rev: before.rev + 1,
    };
    const [was, is] = await Promise.all([memberScope(deps, before, defaults), memberScope(deps, after, defaults)]);
    // A window that begins now has nothing in it yet.
    if (change.budgetAnchor === undefined) await openBudgets(deps, is, was.limits);
    if ((await deps.members.put(after)) === 'stale') continue;
    deps.onChange?.();
    await audit(deps, caller, {
      action: 'updated',
      kind: `${group.kind}-member`,
      id: memberName(after),
      before: plainMember(deps, before),
      after: plainMember(deps, after),
    });
    return after;
  }
  throw tooBusy('membership');
}

/**
 * A membership as of now.
 *
 * @throws GatewayError `not_found`
 */
export async function requireMember(deps: ManagementDeps, group: Group, userId: string): Promise<Member> {
  const member = await deps.members.get(group, userId, { fresh: true });
  if (member !== undefined) return member;
  throw new GatewayError('not_found', `member not found: user '${userId}' is not in ${group.kind} '${group.id}'.`, {
    type: 'not_found_error',
    param: 'user_id',
  });
}

/** Takes a user out of a group; false for who was no member. */
export async function leave(deps: ManagementDeps, caller: Caller, group: Group, userId: string): Promise<boolean> {
  // The list first: cut off in between, the membership is there to be deleted again.
  if ((await deps.users.get(userId, { fresh: true })) !== undefined) await setListed(deps, caller, userId, group, false);
  const member = await deps.members.delete(group, userId);
  if (member === undefined) return false;
  deps.onChange?.();
  await audit(deps, caller, {
    action: 'deleted',
    kind: `${group.kind}-member`,
    id: memberName(member),
    before: plainMember(deps, member),
  });
  return true;
}

function plainMember(deps: ManagementDeps, member: Member): Record<string, unknown> {
  const { group, userId, role, email, models } = member;
  return {
    [`${group.kind}_id`]: group.id,
    user_id: userId,
    user_email: email ?? null,
    role,
    allowed_models: models,
    ...limitRow(member, deps.now()),
  };
}

/** The row of a membership: LiteLLM's, with limits in force as `litellm_budget_table`. */
export async function memberRow(
  deps: ManagementDeps,
  member: Member,
  defaults?: Partial<Limits>,
): Promise<Record<string, unknown>> {
  const scope = await memberScope(deps, member, defaults);
  return {
    ...plainMember(deps, member),
    ...(member.group.kind === 'organization' ? { user_role: member.role } : {}),
    litellm_budget_table: budgetTable(scope.limits, deps.now()),
    ...(await figuresOf(deps, scope)),
    created_at: isoOf(member.createdAt),
    updated_at: isoOf(member.updatedAt),
  };
}
