import { describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { windowAt } from '../../../lib/domain/window.ts';
import type { Dump, Row, TableName } from '../../../lib/migration/dump.ts';
import { recordsOf } from '../../../lib/migration/records.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const HASH = hashSecret('sk-imported-secret');
const read = (tables: Partial<Record<TableName, readonly Row[]>>) =>
  recordsOf(new Map(Object.entries(tables)) as unknown as Dump, NOW);

describe('keys of a dump', () => {
  it('keep their hash, owners, limits and lists, from CSV', () => {
    const { keys, spend } = read({
      VerificationToken: [
        {
          token: HASH,
          key_name: 'sk-...cret',
          key_alias: 'intern',
          spend: '1.25',
          expires: '2027-01-02 03:04:05.678',
          models: '{gpt-4o,"azure/my model"}',
          aliases: '{"fast": "gpt-4o"}',
          user_id: 'u',
          team_id: 't',
          organization_id: null,
          metadata: '{"tags": ["a"], "model_rpm_limit": {"gpt-4o": 3}, "enforced_params": ["user"], "note": 1}',
          blocked: 't',
          tpm_limit: '1000',
          max_budget: '0.1',
          budget_duration: '30d',
          budget_reset_at: '2026-12-01 00:00:00',
          model_max_budget: '{"gpt-4o": {"budget_limit": 2, "time_period": "1d"}}',
          allowed_routes: '{llm_api_routes}',
          created_at: '2026-01-01 00:00:00+00',
        },
      ],
    });

    expect(keys).toMatchObject([
      {
        hash: HASH,
        alias: 'intern',
        expiresAt: Date.UTC(2027, 0, 2, 3, 4, 5, 678),
        models: ['gpt-4o', 'azure/my model'],
        aliases: { fast: 'gpt-4o' },
        userId: 'u',
        teamId: 't',
        blocked: true,
        tpmLimit: 1000,
        maxBudget: 100_000_000_000n,
        type: 'llm_api',
        tags: ['a'],
        enforcedParams: ['user'],
        metadata: { note: 1 },
        modelLimits: { 'gpt-4o': { maxBudget: 2_000_000_000_000n, budgetDuration: '1d', rpmLimit: 3 } },
        createdAt: Date.UTC(2026, 0, 1),
      },
    ]);
    expect(keys[0]).not.toHaveProperty('organizationId');
    expect(keys[0]).not.toHaveProperty('allowedRoutes');
    expect(spend).toEqual([{ scope: { kind: 'key', id: HASH }, amount: 1_250_000_000_000n }]);
  });

  it('go on in the window that LiteLLM left them in: it ends at budget_reset_at', () => {
    const { keys } = read({
      VerificationToken: [{ token: HASH, budget_duration: '1mo', budget_reset_at: '2026-12-05T00:00:00Z', max_budget: 1 }],
    });

    const [key] = keys;
    expect(windowAt({ duration: key?.budgetDuration, anchor: key?.budgetAnchor ?? 0, now: NOW })).toEqual({
      name: '1mo',
      start: Date.UTC(2026, 10, 5),
      end: Date.UTC(2026, 11, 5),
    });
  });

  it('have their old secrets until these are revoked, on the same meters', () => {
    const old = hashSecret('sk-old-secret-of-old');
    const { keys } = read({
      VerificationToken: [{ token: HASH, key_alias: 'a' }],
      DeprecatedVerificationToken: [
        { token: old, active_token_id: HASH, revoke_at: '2026-11-21 00:00:00' },
        { token: 'x', active_token_id: 'gone', revoke_at: '2026-11-21 00:00:00' },
      ],
    });

    expect(keys).toHaveLength(2);
    expect(keys[1]).toMatchObject({ hash: old, origin: HASH, supersededBy: HASH, expiresAt: Date.UTC(2026, 10, 21) });
    expect(keys[1]).not.toHaveProperty('alias');
  });

  it('must be known by a hash', () => {
    expect(() => read({ VerificationToken: [{ token: 'sk-plain-secret' }] })).toThrow(
      'VerificationToken: token: expected the SHA-256 of a secret, 64 hex digits, got 15 characters',
    );
  });
});

describe('other records of a dump', () => {
  it('are teams with their aliases of models and their members with roles', () => {
    const { teams, members } = read({
      ModelTable: [{ id: 7, aliases: { 'gpt-4': 'gpt-4o' } }],
      TeamTable: [
        {
          team_id: 't',
          team_alias: 'Team',
          model_id: 7,
          models: ['gpt-4o'],
          members_with_roles: [
            { user_id: 'boss', role: 'admin' },
            { user_id: 'u', role: 'user', user_email: 'u@example.org' },
          ],
          max_budget: 10,
          budget_limits: [{ budget_duration: '1d', max_budget: 2 }],
        },
      ],
      TeamMembership: [{ user_id: 'u', team_id: 't', budget_id: 'b', spend: 3 }],
    });

    expect(teams).toMatchObject([
      {
        id: 't',
        alias: 'Team',
        aliases: { 'gpt-4': 'gpt-4o' },
        maxBudget: 10_000_000_000_000n,
        budgetWindows: [{ max: 2_000_000_000_000n, duration: '1d' }],
      },
    ]);
    expect(members).toMatchObject([
      { userId: 'u', role: 'user', email: 'u@example.org', budgetId: 'b' },
      { userId: 'boss', role: 'admin' },
    ]);
  });

  it('are users who know their organizations, with a role that exists here', () => {
    const { users, members } = read({
      UserTable: [
        { user_id: 'u', user_role: 'proxy_admin', teams: '{t}' },
        { user_id: 'v', user_role: 'app_owner' },
      ],
      OrganizationMembership: [{ user_id: 'u', organization_id: 'o', user_role: 'org_admin' }],
    });

    expect(users).toMatchObject([
      { id: 'u', role: 'proxy_admin', teams: ['t'], organizations: ['o'] },
      { id: 'v', role: 'internal_user', organizations: [] },
    ]);
    expect(members).toMatchObject([{ group: { kind: 'organization', id: 'o' }, userId: 'u', role: 'org_admin' }]);
  });

  it('are budgets, organizations, projects, customers, tags and access groups', () => {
    const found = read({
      BudgetTable: [{ budget_id: 'b', max_budget: 1.5, allowed_models: [] }],
      OrganizationTable: [{ organization_id: 'o', organization_alias: 'Org', budget_id: 'b', spend: 0 }],
      ProjectTable: [{ project_id: 'p', team_id: 't', metadata: { tags: ['x'] }, model_tpm_limit: { m: 9 } }],
      EndUserTable: [{ user_id: 'c', allowed_model_region: 'eu', blocked: true, spend: 0.5 }],
      TagTable: [{ tag_name: 'x', budget_id: 'b' }],
      AccessGroupTable: [{ access_group_id: 'id', access_group_name: 'group', access_model_names: ['m'] }],
    });

    expect(found).toMatchObject({
      budgets: [{ id: 'b', maxBudget: 1_500_000_000_000n }],
      organizations: [{ id: 'o', alias: 'Org', budgetId: 'b' }],
      projects: [{ id: 'p', teamId: 't', tags: ['x'], modelLimits: { m: { tpmLimit: 9 } } }],
      customers: [{ id: 'c', region: 'eu', blocked: true }],
      tags: [{ id: 'x', budgetId: 'b' }],
      accessGroups: [{ id: 'group', models: ['m'] }],
      spend: [{ scope: { kind: 'customer', id: 'c' }, amount: 500_000_000_000n }],
    });
  });

  it('tell what they say and we have no place for, once a field', () => {
    const { notes } = read({
      VerificationToken: [{ token: HASH, metadata: { guardrails: ['x'] }, router_settings: '{"a": 1}' }],
      UserTable: [
        { user_id: 'u', password: 'hash', policies: '{}' },
        { user_id: 'v', password: 'hash' },
      ],
    });

    expect(notes).toEqual([
      'UserTable.password: no place for it here (2 rows)',
      'VerificationToken.router_settings: no place for it here (1 row)',
      'VerificationToken.metadata.guardrails: no place for it here (1 row)',
    ]);
  });

  it.each([
    [{ max_budget: 'much' }, 'TagTable, row 1: max_budget: expected an amount in USD, got "much"'],
    [{ created_at: 'yesterday' }, 'TagTable, row 1: created_at: expected a time, got "yesterday"'],
    [{ models: '[1' }, 'TagTable, row 1: models: expected JSON, got "[1"'],
    [{ rpm_limit: 'x' }, 'TagTable, row 1: rpm_limit: expected a number, got "x"'],
    [{ metadata: '[]' }, 'TagTable, row 1: metadata: expected an object, got "[]"'],
    [{ tag_name: '' }, 'TagTable, row 1: tag_name: expected a name, got ""'],
  ])('refuse %o by row and field', (over, message) => {
    expect(() => read({ TagTable: [{ tag_name: 'x', ...over }] })).toThrow(message);
  });
});
