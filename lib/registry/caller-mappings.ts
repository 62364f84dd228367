/** Which key a claim or a role stands for, kept in memory for seconds. */
import { claimId, findRole, principalOf, type ClaimMapping, type RoleMapping } from '../domain/mapping.ts';
import { readAll } from '../domain/pages.ts';
import { createCache } from './registry-cache.ts';
import type { EntityStore } from '../stores/entities.ts';
import type { IamIdentity } from '../transport/message.ts';

/** What it reads from. */
export interface CallerMappingsDeps {
  readonly stores: { readonly claimMappings: EntityStore<ClaimMapping>; readonly roleMappings: EntityStore<RoleMapping> };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How long an answer may be used without asking again, milliseconds; default 5,000. */
  readonly ttlMs?: number;
}

/** Hashes of keys. */
export interface CallerMappings {
  readonly keyOfClaim: (claim: string, value: string) => Promise<string | undefined>;
  readonly keyOfRole: (identity: IamIdentity) => Promise<string | undefined>;
  readonly forget: () => void;
}

/** The mappings over their stores. */
export function createCallerMappings({ stores, now, ttlMs = 5_000 }: CallerMappingsDeps): CallerMappings {
  const claims = createCache(now, ttlMs, (id) => stores.claimMappings.get(id));
  const roles = createCache(now, ttlMs, () => readAll(stores.roleMappings)); // named by people: there are tens of them
  return {
    async keyOfClaim(claim, value) {
      const found = await claims.get(claimId(claim, value));
      return found?.active === true ? found.keyHash : undefined;
    },
    async keyOfRole({ userArn, accountId }) {
      const principal = principalOf(userArn);
      if (principal === undefined || !principal.includes(`:${accountId}:`)) return undefined;
      return findRole(await roles.get('all'), principal)?.keyHash;
    },
    forget() {
      claims.clear();
      roles.clear();
    },
  };
}
