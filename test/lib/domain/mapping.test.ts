import { describe, expect, it } from 'vitest';
import { claimId, findRole, isPrincipalPattern, principalOf, type RoleMapping } from '../../../lib/domain/mapping.ts';

const ROLE = 'arn:aws:iam::123456789012:role/app';
const mapping = (arn: string): RoleMapping => ({
  id: arn,
  arn,
  keyHash: arn,
  createdAt: 0,
  updatedAt: 0,
  metadata: {},
  rev: 1,
});

describe('who stands behind an ARN', () => {
  it.each([
    ['arn:aws:sts::123456789012:assumed-role/app/i-0abc', ROLE],
    ['arn:aws:sts::123456789012:assumed-role/app/role/admin', ROLE],
    ['arn:aws:iam::123456789012:role/teams/blue/app', ROLE],
    ['arn:aws-us-gov:sts::123456789012:assumed-role/app/x', 'arn:aws-us-gov:iam::123456789012:role/app'],
    ['arn:aws:iam::123456789012:user/ops/ann', 'arn:aws:iam::123456789012:user/ops/ann'],
    ['arn:aws:iam::123456789012:root', undefined],
    ['arn:aws:sts::123456789012:federated-user/x', undefined],
    ['arn:aws:iam::123456789012:assumed-role/app/x', undefined],
    ['arn:aws:sts::123456789012:role/app', undefined],
    ['', undefined],
  ])('%s is %s', (arn, principal) => {
    expect(principalOf(arn)).toBe(principal);
  });
});

describe('the mapping of a role', () => {
  it('is the exact one, else the pattern that says most', () => {
    const mappings = ['arn:aws:iam::123456789012:role/*', 'arn:aws:iam::123456789012:role/ap*', ROLE].map(mapping);
    expect(findRole(mappings, ROLE)?.arn).toBe(ROLE);
    expect(findRole(mappings.slice(0, 2), ROLE)?.arn).toBe('arn:aws:iam::123456789012:role/ap*');
    expect(findRole(mappings, 'arn:aws:iam::123456789012:role/other')?.arn).toBe('arn:aws:iam::123456789012:role/*');
  });

  it('is none for another account, kind or name', () => {
    const mappings = [mapping(ROLE), mapping('arn:aws:iam::123456789012:role/a.p*')];
    for (const principal of [
      'arn:aws:iam::999999999999:role/app',
      'arn:aws:iam::123456789012:user/app',
      'arn:aws:iam::123456789012:role/apple',
      'arn:aws:iam::123456789012:role/aXpp',
    ]) {
      expect(findRole(mappings, principal), principal).toBeUndefined();
    }
  });

  it('may be written for one account, and a name with stars', () => {
    expect(['arn:aws:iam::123456789012:role/path/app-*', 'arn:aws:iam::123456789012:user/ann'].every(isPrincipalPattern)).toBe(
      true,
    );
    for (const arn of [
      '*',
      'arn:aws:iam::*:role/app',
      'arn:aws:iam::123456789012:*',
      'arn:aws:sts::123456789012:assumed-role/app/x',
    ]) {
      expect(isPrincipalPattern(arn), arn).toBe(false);
    }
  });
});

describe('the id of a claim', () => {
  it('is another for every name and value', () => {
    expect(new Set([claimId('a', 'bc'), claimId('ab', 'c'), claimId('a', 'b')]).size).toBe(3);
  });
});
