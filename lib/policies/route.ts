/** Which deployments serve the model, in the order to try them. */
import type { Match } from '../domain/access.ts';
import type { Deployment } from '../domain/model.ts';
import { isIn, matchFor } from '../domain/offer.ts';
import { GatewayError } from '../errors.ts';
import type { Exchange, Target } from '../exchange.ts';
import { audienceOf } from './model-access.ts';
import type { Policy } from './policy.ts';

/** What routing needs. */
export interface RouteDeps {
  /** Every deployment on offer; cached for seconds. */
  readonly deployments: () => Promise<readonly Deployment[]>;
  /** Adds limits, features and the price of the model. */
  readonly resolve: (deployment: Deployment, model: string) => Promise<Target>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** LiteLLM's simple shuffle: a draw without replacement, weighted by `weight`, else `rpm`, else `tpm`, else evenly. */
export function shuffle<T>(items: readonly T[], weightOf: (item: T) => number, random: () => number): readonly T[] {
  const rest = items.map((item) => ({ item, weight: Math.max(0, weightOf(item)) }));
  const drawn: T[] = [];
  while (rest.length > 0) {
    const total = rest.reduce((sum, { weight }) => sum + weight, 0);
    let point = random() * total;
    let at = rest.findIndex(({ weight }) => (point -= weight) < 0);
    if (at < 0) at = rest.length - 1;
    drawn.push(...rest.splice(at, 1).map(({ item }) => item));
  }
  return drawn;
}

/** By which figure the deployments of a group are weighed. */
function weigher(group: readonly Deployment[]): (deployment: Deployment) => number {
  for (const field of ['weight', 'rpm', 'tpm'] as const) {
    if (group.some((deployment) => deployment[field] !== undefined)) return (deployment) => deployment[field] ?? 0;
  }
  return () => 1;
}

/** Those in the region that the customer has to be served in. */
function inRegion(matches: readonly Match[], { customer, modelName }: Exchange): readonly Match[] {
  const region = customer?.region;
  if (region === undefined) return matches;
  const near = matches.filter(({ deployment }) => isIn(deployment, region));
  if (near.length > 0) return near;
  throw new GatewayError(
    'permission',
    `This customer may only be served from the region "${region}", and no deployment of "${modelName}" says that it is there.`,
    { param: 'model', code: 'no_deployment_in_region' },
  );
}

/** Sets `exchange.plan`. A deployment whose provider keeps the conversation, or alone can read it, comes first. */
export function route(deps: RouteDeps): Policy {
  return async function routePolicy(exchange, next) {
    const found = matchFor(await deps.deployments(), exchange.modelName, audienceOf(exchange.caller));
    if (found.length === 0) {
      throw new GatewayError(
        'not_found',
        `The model "${exchange.modelName}" does not exist here. GET /v1/models lists the models this key may call.`,
        { param: 'model', code: 'model_not_found' },
      );
    }
    const order = inOrder(inRegion(found, exchange), exchange, deps.random);
    exchange.plan = await Promise.all(order.map(({ deployment, model }) => deps.resolve(deployment, model)));
    return next();
  };
}

function inOrder(matches: readonly Match[], { turn }: Exchange, random: () => number): readonly Match[] {
  if (matches.length === 1) return matches;
  const weightOf = weigher(matches.map(({ deployment }) => deployment));
  const order = shuffle(matches, ({ deployment }) => weightOf(deployment), random);
  const home = turn?.keptBy ?? turn?.sealedBy;
  const away = ({ deployment }: Match): number => Number(deployment.id !== home);
  return home === undefined ? order : order.toSorted((one, other) => away(one) - away(other));
}
