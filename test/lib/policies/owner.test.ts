import { describe, expect, it } from 'vitest';
import type { Owner } from '../../../lib/domain/owner.ts';
import { briefOwner } from '../../../lib/policies/owner.ts';

const uuid = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const owner: Owner = {
  keyHash: 'a'.repeat(64),
  keyAlias: 'ci',
  userId: uuid,
  teamId: uuid,
  organizationId: uuid,
  projectId: uuid,
  endUser: 'customer',
  sessionId: 'session',
  tags: ['prod', 'limited'],
};
const nothing = { tags: [], session: false };
const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe('the owner in a hold', () => {
  it('is the whole owner where that is short', () => {
    expect(briefOwner(owner, nothing)).toEqual(owner);
  });

  it('stays small, however many long names a client sends', () => {
    const tags = Array.from({ length: 50 }, (_, n) => `${n}${'ü'.repeat(250)}`);

    const brief = briefOwner({ ...owner, sessionId: 's'.repeat(256), tags }, nothing);

    expect(sizeOf(brief)).toBeLessThan(700);
    expect(brief).toMatchObject({ keyHash: owner.keyHash, teamId: uuid, organizationId: uuid, endUser: 'customer' });
  });

  it('keeps every scope that has a meter', () => {
    const tags = [...Array.from({ length: 20 }, (_, n) => `${n}${'x'.repeat(60)}`), 'limited'];
    const sessionId = 's'.repeat(256);

    const brief = briefOwner({ ...owner, sessionId, tags }, { tags: ['limited'], session: true });

    expect(brief.tags).toContain('limited');
    expect(brief.sessionId).toBe(sessionId);
  });

  it('says nothing that the owner does not', () => {
    expect(briefOwner({ keyHash: 'master', tags: [] }, nothing)).toEqual({ keyHash: 'master', tags: [] });
  });
});
