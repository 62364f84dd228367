/**
 * `POST /global/spend/reset`: what all keys and teams spent is taken back, owner by owner. Logs and reports stay as they are; users,
 * organizations and the gateway keep what was spent.
 */
import * as z from 'zod/mini';
import type { VirtualKey } from '../../domain/key.ts';
import type { Team } from '../../domain/team.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Page } from '../../stores/keys.ts';
import type { PageOf } from '../../stores/totals.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, text } from '../input.ts';
import { setKeySpend } from '../keys/key-spend.ts';
import { takeBackFromTeam } from '../people/team-spend.ts';

const ROUTE = '/global/spend/reset';
/** Owners of one page, all at once: what a call that runs out of time may do twice, and to no effect. */
const PAGE = 20;
/** Time after which a call stops at the next page, milliseconds: the function has thirty seconds. */
const PATIENCE_MS = 20_000;

/** Body of `/global/spend/reset`; LiteLLM's clients send none. */
export const globalReset = z.object({ continue_from: z.nullish(text(2_048)) });

/** Kinds of owners, in the order they are gone through. */
type Part = 'key' | 'team';

/** Where a reset stands: the kind of owners it is at, and its page. */
interface Place {
  readonly part: Part;
  readonly cursor?: string;
}

/**
 * Sets back to 0 what every key and team spent. May be repeated at any time: who has nothing to give back is passed over, and a call that
 * did not come to its end says where the next one goes on.
 *
 * @throws GatewayError `overloaded` where the time was too short: its message and `x-tollgate-continue-from` say where to go on; `conflict`
 *   where others take back at the same time, once all the rest is done
 */
export async function resetGlobalSpend(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const from = placeOf(check(globalReset, body).continue_from ?? undefined);
  const end = deps.now() + PATIENCE_MS;
  const busy: GatewayError[] = [];
  const counts = { key: 0, team: 0 };
  const each = async <T>(part: Part, list: (page: PageOf) => Promise<Page<T>>, reset: (one: T) => Promise<bigint>) => {
    if (from.part === 'team' && part === 'key') return;
    let cursor = from.part === part ? from.cursor : undefined;
    do {
      if (deps.now() >= end) throw unfinished(counts, { part, ...(cursor === undefined ? {} : { cursor }) });
      const page = await list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      const outcomes = await Promise.allSettled(page.items.map(reset));
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') counts[part] += outcome.value > 0n ? 1 : 0;
        else busy.push(conflictOf(outcome.reason));
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
  };
  try {
    await each<VirtualKey>(
      'key',
      (page) => deps.keys.list(page),
      // The record of an old secret: the key that took its place stands for both.
      async (key) => (key.supersededBy === undefined ? setKeySpend(deps, caller, key, { target: 0n, route: ROUTE }) : 0n),
    );
    await each<Team>(
      'team',
      (page) => deps.teams.list(page),
      (team) => takeBackFromTeam(deps, caller, team, ROUTE),
    );
  } finally {
    deps.onChange?.();
  }
  const [first] = busy;
  if (first !== undefined) throw first;
  await audit(deps, caller, {
    action: 'updated',
    kind: 'global',
    id: 'spend',
    after: { keys: counts.key, teams: counts.team },
  });
  return { message: 'Spend for all API Keys and Teams reset successfully', status: 'success' };
}

/** Only somebody else at the same owner is no reason to stop. */
function conflictOf(thrown: unknown): GatewayError {
  const error = GatewayError.from(thrown);
  if (error.kind !== 'conflict') throw thrown;
  return error;
}

const nameOf = ({ part, cursor = '' }: Place): string => `${part}:${cursor}`;

function placeOf(name: string | undefined): Place {
  if (name === undefined) return { part: 'key' };
  const [, part, cursor] = /^(key|team):(.*)$/.exec(name) ?? [];
  if (part === undefined) {
    throw new GatewayError('invalid_request', 'continue_from: expected what an unfinished reset said, got something else', {
      param: 'continue_from',
    });
  }
  return { part: part as Part, ...(cursor === '' || cursor === undefined ? {} : { cursor }) };
}

function unfinished({ key, team }: Readonly<Record<Part, number>>, place: Place): GatewayError {
  const name = nameOf(place);
  return new GatewayError(
    'overloaded',
    `Not finished: ${key} keys and ${team} teams were reset. Repeat the call with {"continue_from": ${JSON.stringify(name)}} for the rest.`,
    { retryable: true, retryAfter: '1', headers: { 'x-tollgate-continue-from': name } },
  );
}
