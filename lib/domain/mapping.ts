/** Callers without a key of their own, and the key each stands for. */
import { createHash } from 'node:crypto';
import type { Entity } from './entity.ts';

/** A role or user of AWS. `id` is the pattern. */
export interface RoleMapping extends Entity {
  /** `arn:aws:iam::123456789012:role/app`; `*` in the name stands for any text. */
  readonly arn: string;
  /** Hash of the key. */
  readonly keyHash: string;
  readonly description?: string;
}

/** A claim of a token, by value (LiteLLM's JWT key mapping). `id` is `claimId`. */
export interface ClaimMapping extends Entity {
  readonly claim: string;
  readonly value: string;
  /** Hash of the key. */
  readonly keyHash: string;
  readonly description?: string;
  readonly active: boolean;
}

/** The id of a mapping of a claim: found by what a token says, without a list. */
export const claimId = (claim: string, value: string): string =>
  createHash('sha256')
    .update(JSON.stringify([claim, value]))
    .digest('hex')
    .slice(0, 32);

const ARN = /^arn:(aws[\w-]*):(iam|sts)::(\d{12}):(role|user|assumed-role)\/(.+)$/;

/**
 * Who stands behind an ARN: of an assumed role the role, without the session that whoever assumed it named as they liked; and without the path,
 * which an assumed role does not show. Undefined for what is neither role nor user.
 *
 * @example principalOf('arn:aws:sts::123456789012:assumed-role/app/i-0abc') === 'arn:aws:iam::123456789012:role/app'
 */
export function principalOf(arn: string): string | undefined {
  const [, partition, service, account, kind, rest = ''] = ARN.exec(arn) ?? [];
  if (kind === undefined || (kind === 'assumed-role') !== (service === 'sts')) return undefined;
  const names = rest.split('/');
  if (kind === 'assumed-role') return `arn:${partition}:iam::${account}:role/${names[0]}`;
  return `arn:${partition}:iam::${account}:${kind}/${kind === 'role' ? names.at(-1) : rest}`;
}

/** True for what a mapping may say: an account, a role or user, and a name in which `*` may stand. */
export const isPrincipalPattern = (arn: string): boolean => /^arn:aws[\w-]*:iam::\d{12}:(role|user)\/[\w+=,.@/*-]+$/.test(arn);

function fits(pattern: string, principal: string): boolean {
  const own = principalOf(pattern);
  if (own === undefined) return false;
  if (!own.includes('*')) return own === principal;
  const source = own.split('*').map((text) => text.replace(/[.+]/g, String.raw`\$&`));
  return new RegExp(`^${source.join('[^/:]*')}$`).test(principal);
}

/** The mapping of a principal: that with the most to say, one without a star before all others. */
export function findRole(mappings: readonly RoleMapping[], principal: string): RoleMapping | undefined {
  const weight = ({ arn }: RoleMapping): number => (arn.includes('*') ? arn.length : 10_000);
  return mappings.filter(({ arn }) => fits(arn, principal)).toSorted((one, other) => weight(other) - weight(one))[0];
}
