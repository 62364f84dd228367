/**
 * A meter as an item: a number per counter, one attribute `h#<hold id>` per open hold, `s#<hold id>` per buried one, `n#<name>` per count
 * that is kept beside them. An update costs a write unit per kilobyte of the item, so a hold is a short text.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { COUNTERS, type Amounts, type CallFacts, type Counter, type Hold, type Meter } from '../../domain/meter.ts';
import { bigintOf, countOf, text, textOf, type Item } from './attributes.ts';

/** Prefixes of attribute names. */
export const HOLD = 'h#';
/** The same of buried holds. */
export const BURIED = 's#';
const COUNT = 'n#';

const isCounter = (name: string): boolean => (COUNTERS as readonly string[]).includes(name);

/** The attribute of a counter, or of a count beside them. */
export const attributeOf = (name: string): string => (isCounter(name) ? name : COUNT + name);

/** Letters that stand for counters in a hold. */
const LETTERS: Readonly<Record<Counter, string>> = {
  usd: 'u',
  requests: 'r',
  tokens: 't',
  input_tokens: 'i',
  output_tokens: 'o',
  parallel: 'p',
};

/** A hold as JSON: amounts as texts, since JSON numbers are not exact; lease end; the facts of the call in a row, or where they are. */
interface HoldDocument {
  readonly a: Readonly<Record<string, string>>;
  readonly x: number;
  readonly c?: readonly [CallFacts['owner'], number, string, string, string, string, 0 | 1, ...string[]];
  readonly h?: string;
}

/** The attribute of a hold. */
export function holdAttribute(
  amounts: Amounts,
  expires: number,
  { call, home }: { readonly call?: CallFacts | undefined; readonly home?: string | undefined },
): AttributeValue {
  const a: Record<string, string> = {};
  for (const counter of COUNTERS) {
    const amount = amounts[counter];
    if (amount !== undefined) a[LETTERS[counter]] = amount.toString();
  }
  const document: HoldDocument = {
    a,
    x: expires,
    ...(call === undefined
      ? {}
      : {
          c: [
            call.owner,
            call.at,
            call.kind,
            call.route,
            call.clientDialect,
            call.modelGroup,
            call.stream ? 1 : 0,
            ...(call.meters ?? []),
          ] as const,
        }),
    ...(home === undefined ? {} : { h: home }),
  };
  return text(JSON.stringify(document));
}

function toHold(id: string, json: string): Hold {
  const { a, x: expiresAt, c, h: home } = JSON.parse(json) as HoldDocument;
  const amounts: Partial<Record<Counter, bigint>> = {};
  for (const counter of COUNTERS) {
    const amount = a[LETTERS[counter]];
    if (amount !== undefined) amounts[counter] = BigInt(amount);
  }
  return { id, amounts, expiresAt, ...(c === undefined ? {} : { call: factsOf(c) }), ...(home === undefined ? {} : { home }) };
}

const factsOf = ([owner, at, kind, route, clientDialect, modelGroup, stream, ...meters]: NonNullable<
  HoldDocument['c']
>): CallFacts => ({
  owner,
  at,
  kind,
  route,
  clientDialect,
  modelGroup,
  stream: stream === 1,
  ...(meters.length === 0 ? {} : { meters }),
});

/** The meter in an item; an empty one when there is none. */
export function toMeter(id: string, item: Item = {}): Meter {
  const committed: Partial<Record<Counter, bigint>> = {};
  const counts: Record<string, bigint> = {};
  const holds: Hold[] = [];
  const buried: { readonly id: string; readonly until: number }[] = [];
  for (const name in item) {
    if (name.startsWith(HOLD)) holds.push(toHold(name.slice(HOLD.length), textOf(item, name) ?? '{}'));
    else if (name.startsWith(BURIED)) buried.push({ id: name.slice(BURIED.length), until: countOf(item, name) });
    else if (name.startsWith(COUNT)) counts[name.slice(COUNT.length)] = bigintOf(item, name) ?? 0n;
    else if (isCounter(name)) committed[name as Counter] = bigintOf(item, name) ?? 0n;
  }
  return {
    id,
    committed,
    holds,
    rev: countOf(item, 'rev'),
    ...(Object.keys(counts).length === 0 ? {} : { counts }),
    ...(buried.length === 0 ? {} : { buried }),
  };
}
