/** An `UpdateItem` of a meter, put together clause by clause. */
import type { AttributeValue, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import type { Change } from '../../domain/change.ts';
import { number, text } from './attributes.ts';
import { attributeOf } from './meter-item.ts';

/** The clauses so far. Names are those of attributes. */
export interface Update {
  present(name: string): Update;
  absent(name: string): Update;
  equal(name: string, value: AttributeValue): Update;
  set(name: string, value: AttributeValue): Update;
  /** Sets what is not set yet. */
  setOnce(name: string, value: AttributeValue): Update;
  add(name: string, amount: bigint): Update;
  remove(name: string): Update;
  /** Conditions and additions of a change, its names resolved. */
  change(change: Change): Update;
  /** @param returned whether the answer is the item after the update; a refusal always brings the item as it was */
  build(returned?: 'ALL_NEW'): Omit<UpdateItemCommandInput, 'TableName'>;
}

/** An update of the item with this key. */
export function createUpdate(pk: string): Update {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const placeholders = new Map<string, string>();
  const clauses = { conditions: [] as string[], set: [] as string[], add: [] as string[], remove: [] as string[] };
  const nameOf = (name: string): string => {
    const known = placeholders.get(name);
    if (known !== undefined) return known;
    const placeholder = `#n${placeholders.size}`;
    placeholders.set(name, placeholder);
    names[placeholder] = name;
    return placeholder;
  };
  let valueCount = 0;
  const valueOf = (value: AttributeValue): string => {
    const placeholder = `:v${valueCount++}`;
    values[placeholder] = value;
    return placeholder;
  };
  /** An absent count is 0: `orAbsent` says whether 0 is as wanted. */
  const compare = (name: string, sign: '=' | '<=' | '>=', value: bigint, orAbsent: boolean): void => {
    const attribute = nameOf(attributeOf(name));
    const comparison = `${attribute} ${sign} ${valueOf(number(value))}`;
    clauses.conditions.push(orAbsent ? `(attribute_not_exists(${attribute}) OR ${comparison})` : comparison);
  };
  const clause = (list: keyof typeof clauses, text: string): Update => {
    clauses[list].push(text);
    return update;
  };

  const update: Update = {
    present: (name) => clause('conditions', `attribute_exists(${nameOf(name)})`),
    absent: (name) => clause('conditions', `attribute_not_exists(${nameOf(name)})`),
    equal: (name, value) => clause('conditions', `${nameOf(name)} = ${valueOf(value)}`),
    set: (name, value) => clause('set', `${nameOf(name)} = ${valueOf(value)}`),
    setOnce: (name, value) => clause('set', `${nameOf(name)} = if_not_exists(${nameOf(name)}, ${valueOf(value)})`),
    add: (name, amount) => clause('add', `${nameOf(name)} ${valueOf(number(amount))}`),
    remove: (name) => clause('remove', nameOf(name)),
    change({ add, equal = {}, atMost = {}, atLeast = {} }) {
      for (const [name, value] of Object.entries(equal)) compare(name, '=', value, value === 0n);
      for (const [name, value] of Object.entries(atMost)) compare(name, '<=', value, value >= 0n);
      for (const [name, value] of Object.entries(atLeast)) compare(name, '>=', value, value <= 0n);
      for (const [name, amount] of Object.entries(add)) update.add(attributeOf(name), amount);
      return update;
    },
    build(returned) {
      const actions = [
        ['SET', clauses.set],
        ['ADD', clauses.add],
        ['REMOVE', clauses.remove],
      ] as const;
      return {
        Key: { pk: text(pk) },
        UpdateExpression: actions
          .filter(([, list]) => list.length > 0)
          .map(([action, list]) => `${action} ${list.join(', ')}`)
          .join(' '),
        ...(clauses.conditions.length === 0 ? {} : { ConditionExpression: clauses.conditions.join(' AND ') }),
        ExpressionAttributeNames: names,
        ...(valueCount === 0 ? {} : { ExpressionAttributeValues: values }),
        ...(returned === undefined ? {} : { ReturnValues: returned }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      };
    },
  };
  return update;
}
