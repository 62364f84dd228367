/** Which deployments a caller may know of, and where they are. */
import { matchDeployments, type Match } from './access.ts';
import type { Deployment } from './model.ts';

const textIn = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The team a deployment is for (LiteLLM `model_info.team_id`); undefined for one that is for all. */
const teamOf = ({ info }: Deployment): string | undefined => textIn(info['team_id']);

/** True for a deployment that is for all, and not for a team. */
export const isForAll = (deployment: Deployment): boolean => teamOf(deployment) === undefined;

/** Deployments of teams as their teams know them: kept, because targets are remembered by deployment. */
const renamed = new WeakMap<Deployment, Deployment>();

function underPublicName(deployment: Deployment): Deployment {
  const modelName = textIn(deployment.info['team_public_model_name']);
  if (modelName === undefined || modelName === deployment.modelName) return deployment;
  const known = renamed.get(deployment) ?? { ...deployment, modelName };
  renamed.set(deployment, known);
  return known;
}

/** For whom deployments are looked up: a team, null for a caller without one, undefined for the operator. */
export type Audience = string | null | undefined;

/**
 * The deployments that exist for a caller: those for all, and those of its team, under the name the team knows them by
 * (`team_public_model_name`). The operator knows all of them by their own names.
 */
export function deploymentsFor(deployments: readonly Deployment[], audience: Audience): readonly Deployment[] {
  if (audience === undefined || !deployments.some((deployment) => teamOf(deployment) !== undefined)) return deployments;
  return deployments.flatMap((deployment) => {
    const team = teamOf(deployment);
    if (team === undefined) return [deployment];
    return team === audience ? [underPublicName(deployment)] : [];
  });
}

/** The deployments of a list by the team they are for, as the team knows them: found once, since a list is never changed. */
const ofTeams = new WeakMap<readonly Deployment[], ReadonlyMap<string | undefined, readonly Deployment[]>>();

function byTeam(deployments: readonly Deployment[]): ReadonlyMap<string | undefined, readonly Deployment[]> {
  const known = ofTeams.get(deployments) ?? Map.groupBy(deployments.map(underPublicName), teamOf);
  ofTeams.set(deployments, known);
  return known;
}

/** Those of the deployments that are a team's own, under the names it knows them by. */
export const ownDeployments = (deployments: readonly Deployment[], teamId: string): readonly Deployment[] =>
  byTeam(deployments).get(teamId) ?? [];

/** What was found in a list, by audience and name. A list is never changed; the next version of it is another one. */
const matches = new WeakMap<readonly Deployment[], Map<string, readonly Match[]>>();
/** Most names remembered of a list: with wildcards, clients invent them. */
const MOST_NAMES = 1_000;

/** The deployments that serve a name for a caller; those of its team come alone where there are some. */
export function matchFor(deployments: readonly Deployment[], name: string, audience: Audience): readonly Match[] {
  const known = matches.get(deployments) ?? new Map<string, readonly Match[]>();
  const key = matchKey(name, audience);
  const remembered = known.get(key);
  if (remembered !== undefined) return remembered;
  const found = findMatches(deployments, name, audience);
  if (found.length === 0) return found;
  if (known.size === 0) matches.set(deployments, known);
  if (known.size >= MOST_NAMES) known.clear();
  known.set(key, found);
  return found;
}

/** One text for both. Names are clients' words: none may look like another audience. */
const matchKey = (name: string, audience: Audience): string =>
  typeof audience === 'string'
    ? `${audience.length} ${audience} ${name}`
    : `${audience === null ? 'nobody' : 'operator'} ${name}`;

function findMatches(deployments: readonly Deployment[], name: string, audience: Audience): readonly Match[] {
  const known = deploymentsFor(deployments, audience);
  const own = typeof audience === 'string' ? matchDeployments(ownDeployments(deployments, audience), name) : [];
  return own.length > 0 ? own : matchDeployments(known, name);
}

/** Names of access groups that a deployment says it is part of (LiteLLM `model_info.access_groups`). */
const groupsOf = ({ info }: Deployment): readonly unknown[] =>
  Array.isArray(info['access_groups']) ? (info['access_groups'] as readonly unknown[]) : [];

/** Names of the models that say they are part of an access group. */
export const modelsInGroup = (deployments: readonly Deployment[], group: string): readonly string[] =>
  deployments.filter((deployment) => groupsOf(deployment).includes(group)).map(({ modelName }) => modelName);

/** Where a model is, as customers may ask for it. */
export type Region = 'eu' | 'us';

const REGION_FIELDS = ['region_name', 'aws_region_name', 'vertex_location', 'watsonx_region_name', 'region'];

/** Names of regions, as AWS, Google and Azure write them: `eu-west-1`, `europe-west4`, `swedencentral`, `us-east-1`, `eastus2`. */
const PLACES: Readonly<Record<Region, RegExp>> = {
  eu: /^eu(-|$)|europe|^(sweden|france|germany|italy|poland|spain)/i,
  us: /^us(-|$)|us\d?$/i,
};

/** True when a deployment says that it is in the region. One that does not say where it is, is in none. */
export function isIn({ parameters = {}, info }: Deployment, region: Region): boolean {
  const place = REGION_FIELDS.map((field) => parameters[field] ?? textIn(info[field])).find((value) => value !== undefined);
  return place !== undefined && PLACES[region].test(place);
}
