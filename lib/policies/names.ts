/**
 * For whom a request is: the customer, the session and the tags that it names, from every place where clients name them. One resolver,
 * so that each check and each figure speaks of the same customer.
 */
import { requireId } from '../domain/id.ts';
import type { Exchange } from '../exchange.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import type { Headers } from '../transport/message.ts';

/** Most tags of a request that count. */
const MOST_TAGS = 50;

/** What a request names. */
export interface Named {
  readonly endUser?: string;
  readonly sessionId?: string;
  readonly tags: readonly string[];
}

/** Where an operator lets clients name the customer besides the usual places. */
export interface NameSettings {
  /** A header (lower case) that names the customer (LiteLLM `user_header_name`). */
  readonly userHeader?: string;
  /** Tags come from keys, teams and projects alone (LiteLLM `reject_clientside_metadata_tags`). */
  readonly rejectTags?: boolean;
}

/** A name: text that says something. Numbers count: some clients number their users. */
function nameIn(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  return value.trim() || undefined;
}

/** A place where clients name something, as errors call it, and what is there. */
type Place = readonly [place: string, value: unknown];

function first(...places: readonly Place[]): string | undefined {
  for (const [place, value] of places) {
    const name = value === undefined ? undefined : nameIn(value);
    if (name !== undefined) return requireId(name, place);
  }
  return undefined;
}

const NOTHING: JsonObject = {};

const partOf = (body: JsonObject, field: string): JsonObject => {
  const value = body[field];
  return isObject(value) ? value : NOTHING;
};

/** Claude Code's `metadata.user_id`: the customer, and the session it works in. */
const CLAUDE_CODE = /^(user_[0-9a-f]+_account_[^_]*)_session_([0-9a-f-]+)$/i;

/**
 * What a body and headers name; the first place that says something counts. LiteLLM's order (documentation of customers, 2026-11):
 * headers, then the body's `user`, `litellm_metadata`, `metadata`, `safety_identifier`.
 *
 * @throws GatewayError `invalid_request` for a name that can be no id
 */
export function namesIn(body: JsonObject, headers: Headers, settings: NameSettings = {}): Named {
  const metadata = partOf(body, 'metadata');
  const ours = partOf(body, 'litellm_metadata');
  const userId = metadata === NOTHING ? undefined : nameIn(metadata['user_id']);
  const [, claudeUser, claudeSession] = (userId === undefined ? undefined : CLAUDE_CODE.exec(userId)) ?? [];
  const header = (name: string): Place => [name, headers[name]];
  const endUser = first(
    header('x-litellm-customer-id'),
    header('x-litellm-end-user-id'),
    header(settings.userHeader ?? ''),
    ['user', body['user']],
    ['litellm_metadata.user', ours['user']],
    ['litellm_metadata.user_id', ours['user_id']],
    ['metadata.user_id', claudeUser ?? metadata['user_id']],
    ['safety_identifier', body['safety_identifier']],
  );
  const sessionId = first(
    ['litellm_session_id', body['litellm_session_id']],
    header('x-litellm-session-id'),
    ['litellm_metadata.session_id', ours['session_id']],
    ['metadata.session_id', metadata['session_id']],
    ['metadata.user_id', claudeSession],
  );
  const lists: readonly Place[] = [
    ['tags', body['tags']],
    ['litellm_metadata.tags', ours['tags']],
    ['metadata.tags', metadata['tags']],
    ['x-litellm-tags', headers['x-litellm-tags']?.split(',')],
  ];
  return {
    ...(endUser === undefined ? {} : { endUser }),
    ...(sessionId === undefined ? {} : { sessionId }),
    tags: lists.every(([, list]) => list === undefined) ? NONE : [...new Set(lists.flatMap(tagsIn))].slice(0, MOST_TAGS),
  };
}

const NONE: readonly string[] = [];

const tagsIn = ([place, list]: Place): readonly string[] =>
  Array.isArray(list) ? list.flatMap((tag) => (typeof tag === 'string' ? (first([place, tag]) ?? []) : [])) : [];

/** Tags of a call: of its key, the key's team and project, and of the request; without repeats. */
export function allTags(caller: Exchange['caller'], named: readonly string[]): readonly string[] {
  if (caller?.type !== 'key') return named;
  const { key, team, project } = caller;
  return [...new Set([...key.tags, ...(team?.tags ?? NONE), ...(project?.tags ?? NONE), ...named])];
}
