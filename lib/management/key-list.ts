/** `GET /key/list`: keys by page, newest first. */
import type { VirtualKey } from '../domain/key.ts';
import { readAll } from '../domain/pages.ts';
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import { requireAdmin } from './access.ts';
import type { ManagementDeps } from './deps.ts';
import { keyRow, standingOf } from './key-answer.ts';

/** Query of `/key/list`, as it came. */
export interface KeyListQuery {
  /** From 1; default 1. */
  readonly page?: string;
  /** 1 to 100; default 10. */
  readonly size?: string;
  /** `true` gives rows instead of hashes. */
  readonly fullObject?: string;
  readonly keyAlias?: string;
  readonly keyHash?: string;
  readonly userId?: string;
  readonly teamId?: string;
  readonly organizationId?: string;
}

function numberIn(value: string | undefined, name: string, initial: number, most: number): number {
  if (value === undefined) return initial;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number >= 1 && number <= most) return number;
  throw new GatewayError('invalid_request', `${name}: expected a whole number from 1 to ${most}`, { param: name });
}

/**
 * A page of keys. Filters match whole values. The totals that LiteLLM's clients page by need a look at every key: this is a route for
 * people and scripts, not for the hot path.
 *
 * @throws GatewayError `invalid_request` for a wrong page or size.
 */
export async function listKeys(deps: ManagementDeps, caller: Caller, query: KeyListQuery): Promise<JsonObject> {
  requireAdmin(caller);
  const page = numberIn(query.page, 'page', 1, 1_000_000);
  const size = numberIn(query.size, 'size', 10, 100);
  const matching = (await readAll(deps.keys)).filter((key) => matches(key, query));
  matching.sort((one, other) => other.createdAt - one.createdAt || (one.hash < other.hash ? -1 : 1));
  const shown = matching.slice((page - 1) * size, page * size);
  const full = query.fullObject?.toLowerCase() === 'true';
  return {
    keys: full
      ? await Promise.all(shown.map(async (key) => keyRow(key, await standingOf(deps, key))))
      : shown.map(({ hash }) => hash),
    total_count: matching.length,
    current_page: page,
    total_pages: Math.ceil(matching.length / size),
  };
}

function matches(key: VirtualKey, query: KeyListQuery): boolean {
  const pairs = [
    [query.keyAlias, key.alias],
    [query.keyHash, key.hash],
    [query.userId, key.userId],
    [query.teamId, key.teamId],
    [query.organizationId, key.organizationId],
  ];
  return pairs.every(([asked, has]) => asked === undefined || asked === has);
}
