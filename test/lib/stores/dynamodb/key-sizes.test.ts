/** Keys of stored items, made of the longest ids that management takes: DynamoDB refuses longer ones, and emulators do not always. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetsOf, type LimitedScope } from '../../../../lib/domain/budget.ts';
import { isId } from '../../../../lib/domain/id.ts';
import { pairId, type ScopeKind } from '../../../../lib/domain/meter.ts';
import type { Dynamo } from '../../../../lib/stores/dynamodb/commands.ts';
import { open, TABLES } from '../../../../lib/stores/dynamodb/index.ts';
import { createAdmin, NOW, type Admin } from '../../../functions/admin/support.ts';
import { NAMES, startDynoxide, type Emulator } from '../../../support/dynoxide.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

/** Attributes that are keys of a table or an index, and how many bytes of text they may have. */
const PARTITIONS = new Set<string>();
const SORTS = new Set<string>();
for (const table of Object.values(TABLES)) {
  for (const { partitionKey, sortKey } of [table, ...table.indexes] as readonly {
    readonly partitionKey: { readonly name: string };
    readonly sortKey?: { readonly name: string };
  }[]) {
    PARTITIONS.add(partitionKey.name);
    if (sortKey !== undefined) SORTS.add(sortKey.name);
  }
}

/** A client that keeps the longest value of every key attribute in what is asked and written. */
function measured(client: Dynamo): { readonly client: Dynamo; readonly longest: Map<string, number> } {
  const longest = new Map<string, number>();
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      const text: unknown = (inner as { readonly S?: unknown } | null | undefined)?.S;
      if (typeof text === 'string' && (PARTITIONS.has(name) || SORTS.has(name))) {
        longest.set(name, Math.max(longest.get(name) ?? 0, Buffer.byteLength(text)));
      }
      look(inner);
    }
  };
  const send = client.send.bind(client) as (command: { readonly input: object }) => unknown;
  const measuring = {
    send: (command: { readonly input: object }) => {
      look(command.input);
      return send(command);
    },
  };
  return { client: measuring as unknown as Dynamo, longest };
}

/** As much of a character as an id may have of it; `first` makes it another id. */
function longestOf(character: string, first: string): string {
  let id = first;
  while (isId(id + character)) id += character;
  return id;
}

async function done(admin: Admin, path: string, body: object): Promise<void> {
  const answer = await admin.call('POST', path, { body });
  expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBe(200);
}

describe.each(['a', ' ', '/', 'é', '界', '😀'])('the longest ids of %j', (character) => {
  it('leave every key of every table within what DynamoDB takes', async () => {
    const { client, longest } = measured(emulator.client);
    const admin = createAdmin({
      ...open(client, NAMES),
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    });
    const [team, user, organization, project, customer, tag, model] = ['t', 'u', 'o', 'p', 'c', 'g', 'm'].map((first) =>
      longestOf(character, first),
    ) as [string, string, string, string, string, string, string];
    const limits = { max_budget: 9, model_max_budget: { [model]: { max_budget: 5, budget_duration: '1mo' } } };

    await done(admin, '/organization/new', {
      organization_id: organization,
      organization_alias: organization.slice(0, 99),
      ...limits,
    });
    await done(admin, '/team/new', { team_id: team, organization_id: organization, tags: [tag], ...limits });
    await done(admin, '/user/new', { user_id: user, auto_create_key: false, teams: [team], ...limits });
    await done(admin, '/project/new', { project_id: project, team_id: team, ...limits });
    await done(admin, '/customer/new', { user_id: customer, team_id: team, ...limits });
    await done(admin, '/tag/new', { name: tag, team_id: team, ...limits });
    await done(admin, '/key/generate', { user_id: user, team_id: team, aliases: { fast: model }, tags: [tag], ...limits });
    await done(admin, '/organization/member_add', {
      organization_id: organization,
      member: { user_id: user, role: 'internal_user' },
    });
    const owner = { teamId: team, userId: user, organizationId: organization, projectId: project, endUser: customer };
    await admin.spend({ id: `call-${character}`, ...owner, tags: [tag], modelGroup: model, sessionId: tag });
    for (const [kind, id] of [
      ['team', team],
      ['user', user],
      ['customer', customer],
      ['tag', tag],
      ['member', pairId(team, user)],
      ['organization-member', pairId(organization, user)],
      ['session', pairId('f'.repeat(64), tag)],
    ] as const) {
      for (const budget of budgetsOf(limited(kind, id, model), NOW)) {
        const hold = { ...budget, amounts: { usd: 1n }, limits: {}, swept: true };
        await admin.deps.meters.hold(hold, 'hold', NOW + 1000);
      }
    }

    for (const name of PARTITIONS) expect(longest.get(name) ?? 0, name).toBeLessThanOrEqual(2048);
    for (const name of SORTS) expect(longest.get(name) ?? 0, name).toBeLessThanOrEqual(1024);
    // The longest one is near what it may be, so that this measures something.
    expect(longest.get('pk')).toBeGreaterThan(1600);
  });
});

const limited = (kind: ScopeKind, id: string, model: string): LimitedScope => ({
  scope: { kind, id },
  limits: { budgetAnchor: NOW, maxBudget: 9n, modelLimits: { [model]: { maxBudget: 5n, budgetDuration: '1mo' } } },
});
