/** For whom: the customer and the tags of a request, from the places where clients name them. One answer for every check. */
import type { Exchange } from '../exchange.ts';
import { clipName } from './owner.ts';
import type { Policy } from './policy.ts';

/** Most tags of a request that count. */
const MOST_TAGS = 50;

/** Sets `exchange.endUser` and `exchange.tags`. */
export function identify(): Policy {
  return async function identifyPolicy(exchange, next) {
    const { user } = exchange.generate;
    if (user !== undefined && user !== '') exchange.endUser = clipName(user);
    exchange.tags = tagsOf(exchange);
    return next();
  };
}

/** Tags of the key and of the request's metadata, without repeats. */
function tagsOf({ caller, generate }: Exchange): readonly string[] {
  const asked: unknown = generate.metadata?.['tags'];
  const named = Array.isArray(asked) ? asked.filter((tag) => typeof tag === 'string').map(clipName) : [];
  const own = caller?.type === 'key' ? [...caller.key.tags, ...(caller.team?.tags ?? []), ...(caller.project?.tags ?? [])] : [];
  return [...new Set([...own, ...named.slice(0, MOST_TAGS)])];
}
