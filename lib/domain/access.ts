/** Names: which models a caller may name, what an alias stands for, and which deployments serve a name. */
import type { Deployment } from './model.ts';

/** LiteLLM's words: every model on offer, those of the key's team. */
const EVERY_MODEL = 'all-proxy-models';
const TEAM_MODELS = 'all-team-models';
/** LiteLLM's word for a user without models but those of its teams. */
export const NO_MODELS = 'no-default-models';

/**
 * True when a list of allowed models covers the name: an empty list and `all-proxy-models` cover every name, `openai/*` every name
 * of that form.
 */
export function mayCall(models: readonly string[], name: string): boolean {
  if (models.length === 0) return true;
  return models.some((allowed) => allowed === EVERY_MODEL || coversName(allowed, name));
}

/** True when a model's name, or a pattern with stars such as `openai/*`, covers a name. */
export const coversName = (pattern: string, name: string): boolean =>
  pattern === name || captureStars(pattern, name) !== undefined;
/** One level of access: whose list it is, in LiteLLM's words, and the names that go past it. */
export interface AccessLevel {
  readonly of: 'key' | 'team' | 'project' | 'user' | 'org' | 'member' | 'tag' | 'budget';
  /** Names of models, wildcards, LiteLLM's words, names of access groups; empty means all. */
  readonly models: readonly string[];
  /** Access groups whose models are allowed too; where there are some, an empty list means theirs only. */
  readonly groups?: readonly string[];
  /** The model as this level sees it: by each name it has from here on, aliases followed. One of them has to be allowed. */
  readonly names: readonly string[];
  /** Whether `all-team-models` covers the model: the level of the team comes later. */
  readonly hasTeam?: boolean;
  /** Models that are the level's own, whatever its list says: deployments of a team. */
  readonly own?: (name: string) => boolean;
}

const WORDS: ReadonlySet<string> = new Set([EVERY_MODEL, TEAM_MODELS, NO_MODELS]);

/** What may be the name of an access group in the level's lists. */
export const groupNames = ({ models, groups = [] }: Pick<AccessLevel, 'models' | 'groups'>): readonly string[] => [
  ...groups,
  ...models.filter((entry) => !entry.includes('*') && !WORDS.has(entry)),
];

/** The access groups that have to be asked: none, where the lists say enough. */
export const groupsToAsk = (level: AccessLevel): readonly string[] => (isOpen(level) ? [] : groupNames(level));

/** True when the level lets the model pass without its access groups. */
function isOpen({ models, groups = [], names, hasTeam = false, own }: AccessLevel): boolean {
  if (own !== undefined && names.some(own)) return true;
  if (models.length === 0) return groups.length === 0;
  if (hasTeam && models.includes(TEAM_MODELS)) return true;
  return names.some((name) => mayCall(models, name));
}

/**
 * True when the level lets the model pass.
 *
 * @param groupModels models by name of access group
 */
export function isCovered(level: AccessLevel, groupModels: ReadonlyMap<string, readonly string[]>): boolean {
  if (isOpen(level)) return true;
  const granted = groupNames(level).flatMap((name) => groupModels.get(name) ?? []);
  return granted.length > 0 && level.names.some((name) => mayCall(granted, name));
}

/** Names of a model from the client's inwards: each level's aliases are applied once, to what the level before made of it. */
export function followAliases(
  name: string,
  levels: readonly (Readonly<Record<string, string>> | undefined)[],
): readonly string[] {
  const names = [name];
  for (const aliases of levels)
    names.push(aliases === undefined ? (names.at(-1) ?? name) : resolveAlias(aliases, names.at(-1) ?? name));
  return names;
}

/** The model an alias stands for, or the name itself. Aliases are not followed twice. */
export function resolveAlias(aliases: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name;
}

/** A deployment that serves a name. */
export interface Match {
  readonly deployment: Deployment;
  /** The provider's name of the model, with each `*` filled in from the client's name. */
  readonly model: string;
}

/**
 * The deployments that serve a name. Deployments of exactly that name come alone; else those of the most specific wildcard: the one
 * with the most literal characters, then the fewest stars (LiteLLM prefers the longer pattern).
 *
 * @example a deployment `openai/*` over model `*` serves `openai/gpt-4o` as `gpt-4o`
 */
export function matchDeployments(deployments: readonly Deployment[], name: string): readonly Match[] {
  const exact = deployments.filter(({ modelName }) => modelName === name);
  if (exact.length > 0) return exact.map((deployment) => ({ deployment, model: deployment.model }));
  const matches = deployments.flatMap((deployment) => {
    const captured = captureStars(deployment.modelName, name);
    return captured === undefined ? [] : [{ deployment, captured }];
  });
  const best = matches.reduce<string | undefined>(
    (winner, { deployment: { modelName } }) => (winner === undefined || isMoreSpecific(modelName, winner) ? modelName : winner),
    undefined,
  );
  return matches
    .filter(({ deployment }) => deployment.modelName === best)
    .map(({ deployment, captured }) => ({ deployment, model: fillStars(deployment.model, captured) }));
}

/**
 * What each `*` of the pattern stands for in the name; undefined when the name has another form or the pattern has no star. Stars
 * before the last take as little as they can. Linear in the length of the name, which comes from a client.
 */
function captureStars(pattern: string, name: string): readonly string[] | undefined {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined || !name.startsWith(head)) return undefined;
  const captured: string[] = [];
  let position = head.length;
  for (const literal of rest) {
    const found = name.indexOf(literal, position);
    if (found === -1) return undefined;
    captured.push(name.slice(position, found));
    position = found + literal.length;
  }
  const end = name.length - tail.length;
  if (end < position || !name.endsWith(tail)) return undefined;
  return [...captured, name.slice(position, end)];
}

/** Puts the captured texts in place of the stars, in order; the last one also stands in for stars that are left over. */
function fillStars(model: string, captured: readonly string[]): string {
  let next = 0;
  return model.replaceAll('*', () => captured[Math.min(next++, captured.length - 1)] ?? '');
}

function isMoreSpecific(pattern: string, other: string): boolean {
  const stars = pattern.split('*').length;
  const otherStars = other.split('*').length;
  const literals = pattern.length - stars;
  const otherLiterals = other.length - otherStars;
  return literals > otherLiterals || (literals === otherLiterals && stars < otherStars);
}
