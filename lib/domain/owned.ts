/** Owners, and the like, by which records are listed without a look at all of them. */
import type { VirtualKey } from './key.ts';
import type { Team } from './team.ts';
import type { User } from './user.ts';

/** An owner of records. */
export interface RecordOwner<Kind extends string = string> {
  readonly kind: Kind;
  readonly id: string;
}

/** What keys are listed by. `origin`: the first hash of a key that got another secret. */
export type KeyOwner = RecordOwner<'team' | 'user' | 'organization' | 'project' | 'origin'>;

/** What teams are listed by. */
export type TeamOwner = RecordOwner<'organization'>;

/** What users are found by: their e-mail, in small letters, and their id at the identity provider. */
export type UserOwner = RecordOwner<'email' | 'sso'>;

/** The owners of a key. */
export const ownersOfKey = ({ teamId, userId, organizationId, projectId, origin }: VirtualKey): readonly KeyOwner[] =>
  known([
    ['team', teamId],
    ['user', userId],
    ['organization', organizationId],
    ['project', projectId],
    ['origin', origin],
  ]);

/** The owners of a team. */
export const ownersOfTeam = ({ organizationId }: Team): readonly TeamOwner[] => known([['organization', organizationId]]);

/** What a user is found by. */
export const ownersOfUser = ({ email, ssoUserId }: User): readonly UserOwner[] =>
  known([
    ['email', email?.toLowerCase()],
    ['sso', ssoUserId],
  ]);

const known = <Kind extends string>(pairs: readonly (readonly [Kind, string | undefined])[]): readonly RecordOwner<Kind>[] =>
  pairs.flatMap(([kind, id]) => (id === undefined ? [] : [{ kind, id }]));

/** True when one of them is it. */
export const isAmong = (owners: readonly RecordOwner[], { kind, id }: RecordOwner): boolean =>
  owners.some((owner) => owner.kind === kind && owner.id === id);
