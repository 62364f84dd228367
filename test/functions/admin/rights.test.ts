/** Every route of management, called by every role: the audience of the table is what the door enforces. */
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../functions/admin/routes.ts';
import type { User } from '../../../lib/domain/user.ts';
import type { Audience } from '../../../lib/management/rights.ts';
import { requireAudience } from '../../../lib/management/rights.ts';
import type { Caller } from '../../../lib/exchange.ts';
import { aKey } from '../../support/exchange.ts';

const keyOf = (role: User['role'] | undefined): Caller => ({
  type: 'key',
  key: aKey(),
  ...(role === undefined
    ? {}
    : {
        user: {
          id: role,
          role,
          createdAt: 0,
          updatedAt: 0,
          metadata: {},
          rev: 1,
          budgetAnchor: 0,
          models: [],
          aliases: {},
          teams: [],
          organizations: [],
          blocked: false,
        },
      }),
});

const CALLERS = {
  master: { type: 'master' } as Caller,
  proxy_admin: keyOf('proxy_admin'),
  proxy_admin_viewer: keyOf('proxy_admin_viewer'),
  org_admin: keyOf('org_admin'),
  internal_user: keyOf('internal_user'),
  internal_user_viewer: keyOf('internal_user_viewer'),
  'a key of nobody': keyOf(undefined),
};

/** Who passes the door, written out: nobody reads this from the code under test. */
const MAY: Readonly<Record<Audience, readonly (keyof typeof CALLERS)[]>> = {
  admin: ['master', 'proxy_admin'],
  viewer: ['master', 'proxy_admin', 'proxy_admin_viewer'],
  own: Object.keys(CALLERS) as (keyof typeof CALLERS)[],
  'own-change': ['master', 'proxy_admin', 'org_admin', 'internal_user', 'a key of nobody'],
  // What belongs to a team or an organization is looked at behind the door: `scoping.test.ts` walks it.
  'team-member': Object.keys(CALLERS) as (keyof typeof CALLERS)[],
  'team-admin': ['master', 'proxy_admin', 'org_admin', 'internal_user', 'a key of nobody'],
  'org-member': Object.keys(CALLERS) as (keyof typeof CALLERS)[],
  'org-admin': ['master', 'proxy_admin', 'org_admin', 'internal_user', 'a key of nobody'],
};

const passes = (who: Audience, caller: Caller): boolean => {
  try {
    requireAudience(who, caller);
    return true;
  } catch {
    return false;
  }
};

describe('the door of management', () => {
  it('has no route twice', () => {
    const routes = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(routes).toEqual([...new Set(routes)]);
  });

  for (const route of ROUTES) {
    if (route.open === true) continue;
    it(`lets pass at ${route.method} ${route.path} whom its audience (${route.who}) names`, () => {
      const passed = Object.entries(CALLERS).flatMap(([name, caller]) => (passes(route.who, caller) ? [name] : []));
      expect(passed.toSorted()).toEqual(MAY[route.who].toSorted());
    });

    it(`lets nobody with a viewer's role change anything at ${route.method} ${route.path}`, () => {
      if (route.method === 'GET' || isReading(route.path)) return;
      expect(['admin', 'own-change', 'team-admin', 'org-admin']).toContain(route.who);
    });
  }
});

/** Routes that read although their verb is POST. */
const isReading = (path: string): boolean =>
  /\/info$|\/health$|\/estimate$|\/calculate$|\/transform_request$|\/predict\/spend\/logs$|\/end_users$/.test(path);
