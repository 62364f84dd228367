/**
 * Which models a caller may use. Aliases are applied first: of the key, its team, its organization, its user. Then every level has its
 * word: key, team, project, user, organization, member, shared budget, tag.
 */
import { followAliases, groupNames, groupsToAsk, isCovered, matchDeployments, type AccessLevel } from '../domain/access.ts';
import type { AccessGroup, SharedBudget, Tag } from '../domain/customer.ts';
import type { Deployment } from '../domain/model.ts';
import { modelsInGroup, ownDeployments, type Audience } from '../domain/offer.ts';
import type { Caller } from '../exchange.ts';

/** What it needs. Look-ups are cached for seconds. */
export interface ModelAccessDeps {
  readonly deployments: () => Promise<readonly Deployment[]>;
  readonly accessGroup: (name: string) => Promise<AccessGroup | undefined>;
  readonly budget: (id: string) => Promise<SharedBudget | undefined>;
}

type KeyCaller = Extract<Caller, { type: 'key' }>;

/** For whom deployments are looked up: the team of the caller. */
export function audienceOf(caller: Caller | undefined): Audience {
  if (caller?.type !== 'key') return undefined;
  return caller.key.teamId ?? caller.project?.teamId ?? null;
}

/** What came of a model's name. */
export interface ModelVerdict {
  /** The name after aliases. */
  readonly modelName: string;
  /** The first level that does not allow it. */
  readonly refusedBy?: AccessLevel;
}

/**
 * Judges one model for a call.
 *
 * @param tagged records of the call's tags
 */
export async function modelAccess(
  deps: ModelAccessDeps,
  caller: Caller | undefined,
  asked: string,
  tagged: readonly Tag[] = [],
): Promise<ModelVerdict> {
  if (caller?.type !== 'key') return { modelName: asked };
  const all = await deps.deployments();
  const budgets = await budgetsOf(deps, caller);
  const { modelName, levels } = levelsOf(caller, asked, { tagged, budgets, all });
  const groups = await readGroups(deps, levels.flatMap(groupsToAsk), all);
  const refusedBy = levels.find((level) => !isCovered(level, groups));
  return refusedBy === undefined ? { modelName } : { modelName, refusedBy };
}

/** Those of the names that a caller may use: for lists, with access groups read once for all of them. */
export async function usableModels(
  deps: ModelAccessDeps,
  caller: Caller | undefined,
  names: readonly string[],
): Promise<readonly string[]> {
  if (caller?.type !== 'key') return names;
  const all = await deps.deployments();
  const budgets = await budgetsOf(deps, caller);
  const groups = await readGroups(deps, levelsOf(caller, '', { tagged: [], budgets, all }).levels.flatMap(groupNames), all);
  return names.filter((name) =>
    levelsOf(caller, name, { tagged: [], budgets, all }).levels.every((level) => isCovered(level, groups)),
  );
}

/** What levels are made of besides the caller. */
interface Surroundings {
  readonly tagged: readonly Tag[];
  readonly budgets: readonly SharedBudget[];
  /** Every deployment there is. */
  readonly all: readonly Deployment[];
}

/**
 * The levels of a caller with the names each of them sees. A level never sees a name from before the aliases of a level below it: whoever
 * may set aliases on a key could else call anything by the name of something allowed.
 */
function levelsOf(
  { key, team, project, user, organization, member, organizationMember }: KeyCaller,
  asked: string,
  { tagged, budgets, all }: Surroundings,
): { readonly modelName: string; readonly levels: readonly AccessLevel[] } {
  const chain = followAliases(asked, [key.aliases, team?.aliases, organization?.aliases, user?.aliases]);
  const [atKey, atTeam, atOrganization, atUser] = [chain, chain.slice(1), chain.slice(2), chain.slice(3)];
  const level = (of: AccessLevel['of'], record: { readonly models: readonly string[] } | undefined, names: readonly string[]) =>
    record === undefined ? [] : [{ of, models: record.models, names }];
  const teamsOwn = team === undefined ? [] : ownDeployments(all, team.id);
  return {
    modelName: chain.at(-1) ?? asked,
    levels: [
      {
        of: 'key',
        models: key.models,
        names: atKey,
        hasTeam: team !== undefined,
        ...(key.accessGroups === undefined ? {} : { groups: key.accessGroups }),
      },
      ...level('team', team, atTeam).map((own) => ({
        ...own,
        groups: team?.accessGroups ?? [],
        own: (name: string) => matchDeployments(teamsOwn, name).length > 0,
      })),
      ...level('project', project, atTeam),
      // What a user may call by itself: keys of teams have the models of the team.
      ...level('user', key.teamId === undefined ? user : undefined, atUser),
      ...level('org', organization, atOrganization),
      ...level('member', member, atTeam),
      ...level('member', organizationMember, atOrganization),
      ...budgets.flatMap((budget) => level('budget', budget, atTeam)),
      ...tagged.flatMap((tag) => level('tag', tag, atTeam)),
    ],
  };
}

/** The shared budgets of a caller and those above it, which may name models too. */
async function budgetsOf({ budget }: ModelAccessDeps, caller: KeyCaller): Promise<readonly SharedBudget[]> {
  const { key, team, project, user, organization, member, organizationMember } = caller;
  const ids = [key, team, project, user, organization, member, organizationMember].flatMap((record) => record?.budgetId ?? []);
  if (ids.length === 0) return [];
  return (await Promise.all([...new Set(ids)].map((id) => budget(id)))).filter((record) => record !== undefined);
}

/** Models by name of their group: of the records, and of deployments that say which groups they are in. */
async function readGroups(
  { accessGroup }: ModelAccessDeps,
  names: readonly string[],
  all: readonly Deployment[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (names.length === 0) return new Map();
  // What a deployment serves is a model's name.
  const served = new Set(all.map(({ modelName }) => modelName));
  const wanted = [...new Set(names)].filter((name) => !served.has(name));
  const records = await Promise.all(wanted.map((name) => accessGroup(name)));
  return new Map(
    wanted.map((name, index) => [name, [...(records[index]?.models ?? []), ...modelsInGroup(all, name)]] as const),
  );
}
