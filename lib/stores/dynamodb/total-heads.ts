/**
 * The day of now lies inside the row of a scope's life, its *head*, as long as there is room for it: a lone entry then costs one write a scope
 * and not two. A head holds the groups of one day, a few of them (a group: the calls of a day that nothing tells apart); what finds no place
 * is a row of its own, as all days of the past are. The first entry of a new day moves the groups of the old one out, in its own
 * transaction.
 *
 * Whoever adds to a group that is there must find the head at that day; a day's groups keep their places. Whoever makes a group must find
 * its place empty. Whoever moves a day out must find the head as it was read: its version counts up with each of these writes.
 */
import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { addTotals, type DayTotal, type Dimensions, type Total, type TotalScope } from '../../domain/total.ts';
import { countOf, number, text, textOf, type Item } from './attributes.ts';
import { additionTo, dayAddress, dayFacts, dayIn, figuresOf, lifeAddress, type Address } from './total-items.ts';

/** Groups in a head. Together with what else is in it they stay below 1 KB, which is one write unit. */
export const PLACES = 3;
/** Most bytes of what the groups of a head are told apart by, and of the id of a scope whose head has any. */
const MOST_FACTS = 330;
const LONGEST_ID = 128;

const DAY = 'd';
const VERSION = 'v';

/** What one transaction adds to a scope. */
export interface Addition {
  readonly scope: TotalScope;
  /** To its life. */
  life: Total;
  /** To its days. */
  readonly days: Map<string, DayTotal>;
}

/** Most writes that an addition may need. */
export const writesOf = ({ days }: { readonly days: ReadonlyMap<string, unknown> }): number => 1 + PLACES + days.size;

/** A part of an expression: names and values are put together by `headUpdate`. */
interface Clauses {
  readonly set: Item;
  readonly add: Item;
  readonly remove: string[];
  readonly conditions: string[];
  readonly names: Record<string, string>;
  readonly values: Item;
}

/** The groups in a head. */
const groupsIn = (head: Item | undefined): readonly DayTotal[] =>
  Array.from({ length: PLACES }, (_, place) => groupAt(head, place)).filter((group) => group !== undefined);

/** A group in a head, and the sort key of the row that it will be once it leaves. */
export interface FutureRow {
  readonly sk: string;
  readonly group: DayTotal;
}

/** The groups in a head; they leave to rows of the head's own slot. */
export function futureRows(generation: number, scope: TotalScope, head: Item): readonly FutureRow[] {
  const slot = (textOf(head, 'sk') ?? '').split('#').at(-1);
  return groupsIn(head).map((group) => {
    const { total: _, ...dimensions } = group;
    return { sk: `${dayAddress(generation, scope, dimensions).sk}${slot}`, group };
  });
}

/** Whether no day left its head between two looks at the heads of a scope. */
export const sameDays = (before: readonly Item[], after: readonly Item[]): boolean =>
  before.every((head) =>
    after.some((other) => textOf(other, 'sk') === textOf(head, 'sk') && textOf(other, DAY) === textOf(head, DAY)),
  );

function groupAt(head: Item | undefined, place: number): DayTotal | undefined {
  const day = textOf(head, DAY);
  if (head === undefined || day === undefined || head[`${place}s`] === undefined) return undefined;
  const own = Object.entries(head).flatMap(([name, value]) => (name.startsWith(String(place)) ? [[name.slice(1), value]] : []));
  return { ...dayIn(Object.fromEntries(own) as Item), day };
}

const bytesOf = (facts: Item): number => Object.values(facts).reduce((sum, { S = '' }) => sum + Buffer.byteLength(S) + 2, 0);

const factsAt = (head: Item | undefined): number => groupsIn(head).reduce((sum, group) => sum + bytesOf(dayFacts(group)), 0);

const sameGroup = (one: Dimensions, other: Dimensions): boolean =>
  JSON.stringify(dayFacts(one)) === JSON.stringify(dayFacts(other)) && one.day === other.day;

/** What is written where. */
export interface Plan {
  readonly head: TransactWriteItem;
  readonly days: readonly TransactWriteItem[];
}

/** Where the items of an addition are. */
export interface Place {
  readonly table: string;
  readonly generation: number;
  readonly slot: number;
  /** The day of now. */
  readonly today: string;
}

/** The address of a scope's head. */
export const headAddress = (generation: number, scope: TotalScope, slot: number): Address => {
  const { pk, sk } = lifeAddress(generation, scope);
  return { pk, sk: `${sk}${slot}` };
};

/** The writes that add to a scope, given its head as it was read. */
export function planOf({ scope, life, days }: Addition, head: Item | undefined, place: Place): Plan {
  const { table, generation, slot, today } = place;
  const rows = new Map<string, DayTotal>();
  const addRow = (group: DayTotal): void => {
    const name = JSON.stringify(dayFacts(group)) + group.day;
    const known = rows.get(name);
    rows.set(name, known === undefined ? group : { ...group, total: addTotals(known.total, group.total) });
  };
  const ofToday = Buffer.byteLength(scope.id) > LONGEST_ID ? [] : [...days.values()].filter(({ day }) => day === today);
  for (const group of days.values()) if (!ofToday.includes(group)) addRow(group);
  const at = textOf(head, DAY);
  const clauses: Clauses = {
    set: { id: text(scope.id) },
    add: figuresOf(life),
    remove: [],
    conditions: [],
    names: {},
    values: {},
  };
  if (ofToday.length > 0 && (at === undefined || at < today)) {
    for (const group of groupsIn(head)) addRow(group);
    moveOut(clauses, head, ofToday, addRow, today);
  } else if (at === today) {
    addTo(clauses, head, ofToday, addRow);
  } else for (const group of ofToday) addRow(group);
  return {
    head: headUpdate(table, headAddress(generation, scope, slot), clauses),
    days: [...rows.values()].map(({ total, ...dimensions }) =>
      additionTo(table, dayAddress(generation, scope, dimensions), slot, dayFacts(dimensions), total),
    ),
  };
}

/** The head begins a new day with the groups that find a place; those of the day before are rows from now on. */
function moveOut(
  clauses: Clauses,
  head: Item | undefined,
  groups: readonly DayTotal[],
  addRow: (group: DayTotal) => void,
  today: string,
): void {
  const { set, add, remove, conditions, values } = clauses;
  let facts = 0;
  let place = 0;
  for (const group of groups) {
    const size = bytesOf(dayFacts(group));
    if (place === PLACES || facts + size > MOST_FACTS) {
      addRow(group);
      continue;
    }
    for (const [name, value] of Object.entries({ ...dayFacts(group), ...figuresOf(group.total) }))
      set[`${place}${name}`] = value;
    facts += size;
    place++;
  }
  for (const name of Object.keys(head ?? {})) if (/^\d/.test(name) && !(name in set)) remove.push(name);
  set[DAY] = text(today);
  add[VERSION] = number(1);
  const version = countOf(head, VERSION);
  if (version === 0) conditions.push(`attribute_not_exists(#${VERSION})`);
  else {
    conditions.push(`#${VERSION} = :version`);
    values[':version'] = number(version);
  }
  clauses.names[`#${VERSION}`] = VERSION;
}

/** Groups of the head's own day: added to where they are, put where there is a place, else rows. */
function addTo(clauses: Clauses, head: Item | undefined, groups: readonly DayTotal[], addRow: (group: DayTotal) => void): void {
  const { set, add, conditions, names, values } = clauses;
  let facts = factsAt(head);
  const taken = Array.from({ length: PLACES }, (_, place) => groupAt(head, place));
  let inside = false;
  for (const group of groups) {
    const known = taken.findIndex((other) => other !== undefined && sameGroup(other, group));
    const place = known === -1 ? taken.indexOf(undefined) : known;
    const size = bytesOf(dayFacts(group));
    if (place === -1 || (known === -1 && facts + size > MOST_FACTS)) {
      addRow(group);
      continue;
    }
    inside = true;
    if (known === -1) {
      taken[place] = group;
      facts += size;
      for (const [name, value] of Object.entries(dayFacts(group))) set[`${place}${name}`] = value;
      names[`#${place}s`] = `${place}s`;
      conditions.push(`attribute_not_exists(#${place}s)`);
    }
    for (const [name, value] of Object.entries(figuresOf(group.total))) add[`${place}${name}`] = value;
  }
  if (!inside) return;
  add[VERSION] = number(1);
  names[`#${DAY}`] = DAY;
  conditions.push(`#${DAY} = :day`);
  values[':day'] = text(textOf(head, DAY) as string);
}

function headUpdate(
  table: string,
  { pk, sk }: Address,
  { set, add, remove, conditions, names, values }: Clauses,
): TransactWriteItem {
  const all = { ...names };
  const given = { ...values };
  const nameOf = (name: string): string => {
    all[`#${name}`] = name;
    return `#${name}`;
  };
  const valueOf = (name: string, value: Item[string], sign: string): string => {
    given[`:${sign}${name}`] = value;
    return `:${sign}${name}`;
  };
  const clause = (word: string, parts: readonly string[]): string => (parts.length === 0 ? '' : `${word} ${parts.join(', ')}`);
  const expression = [
    clause(
      'SET',
      Object.entries(set).map(([name, value]) => `${nameOf(name)} = ${valueOf(name, value, 's')}`),
    ),
    clause(
      'ADD',
      Object.entries(add).map(([name, value]) => `${nameOf(name)} ${valueOf(name, value, 'a')}`),
    ),
    clause('REMOVE', remove.map(nameOf)),
  ];
  return {
    Update: {
      TableName: table,
      Key: { pk: text(pk), sk: text(sk) },
      UpdateExpression: expression.filter((part) => part !== '').join(' '),
      ...(conditions.length === 0 ? {} : { ConditionExpression: conditions.join(' AND ') }),
      ExpressionAttributeNames: all,
      ExpressionAttributeValues: given,
    },
  };
}
