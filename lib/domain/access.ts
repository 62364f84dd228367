/** Names: which models a caller may name, what an alias stands for, and which deployments serve a name. */
import type { Deployment } from './model.ts';

/** LiteLLM's word for every model on offer. */
const EVERY_MODEL = 'all-proxy-models';

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
