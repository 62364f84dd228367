/** Links for records that were stored before there were links. See `links.ts`. */
import type { LinkStore } from '../links.ts';
import { number, type Item } from './attributes.ts';
import { transact } from './client.ts';
import { put } from './entities.ts';
import { KEYS } from './keys.ts';
import {
  beginning,
  isCurrent,
  isLinked,
  LINKED,
  linkWrites,
  readState,
  stateItem,
  type LinkedKind,
  type LinkState,
} from './links.ts';
import { listItems } from './listing.ts';
import { documentOf, putWrite, type Registry } from './registry.ts';
import { TEAMS, USERS } from './owned-entities.ts';

/** For so long a version that writes no links may go on beside one that does: a deployment takes minutes. Milliseconds. */
const OLD_VERSION_MS = 3_600_000;
/** After a pass over all records, the next one begins then. */
const DAY_MS = 86_400_000;
/** Records linked at once. */
const AT_ONCE = 16;

// Each with its own type of record: what they have in common is that their documents are theirs.
const KINDS = [KEYS, TEAMS, USERS] as unknown as readonly LinkedKind<{ readonly rev: number }>[];

/** The link keeper on DynamoDB. */
export function createLinkStore(registry: Registry): LinkStore {
  /** Not before this moment there is anything to do, as far as this process knows. */
  let quietUntil = 0;

  async function save(state: LinkState): Promise<boolean> {
    const condition =
      state.rev === 1
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': number(state.rev - 1) } };
    return (await put(registry, { Item: stateItem(state), ...condition })) === undefined;
  }

  /** Writes an item as it is, with its links; somebody who changed it since has written them too. */
  async function link(kind: LinkedKind<{ readonly rev: number }>, item: Item): Promise<void> {
    const record = documentOf(item) as { readonly rev: number };
    await transact(registry.client, [
      putWrite(
        registry,
        { ...item, ...LINKED },
        { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': number(record.rev) } },
      ),
      ...linkWrites(registry, kind, undefined, record),
    ]);
  }

  return {
    async catchUp(now, limit) {
      if (now < quietUntil) return { linked: 0, complete: true };
      const state = await readState(registry, true);
      if (!isCurrent(state)) {
        await save(beginning(now, state));
        return { linked: 0, complete: false };
      }
      const { since, completeAt, list = KEYS.list, cursor, version } = state;
      const complete = completeAt !== undefined;
      const isUnderWay = state.list !== undefined;
      if (!complete && now < since + OLD_VERSION_MS) return { linked: 0, complete };
      if (complete && !isUnderWay && now < completeAt + DAY_MS) {
        quietUntil = completeAt + DAY_MS;
        return { linked: 0, complete };
      }
      const kind = KINDS.find((each) => each.list === list) ?? (KEYS as (typeof KINDS)[number]);
      const page = await listItems(registry, kind.list, { limit, ...(cursor === undefined ? {} : { cursor }) });
      const missing = page.items.filter((item) => !isLinked(item));
      for (let from = 0; from < missing.length; from += AT_ONCE) {
        await Promise.all(missing.slice(from, from + AT_ONCE).map((item) => link(kind, item)));
      }
      const next = page.cursor === undefined ? KINDS[KINDS.indexOf(kind) + 1]?.list : kind.list;
      const rev = state.rev + 1;
      const at = page.cursor === undefined ? {} : { cursor: page.cursor };
      const passed = { since, version, rev, ...(complete ? { completeAt } : {}) };
      await save(next === undefined ? { ...passed, completeAt: now } : { ...passed, list: next, ...at });
      return { linked: missing.length, complete: complete || next === undefined };
    },
  };
}
