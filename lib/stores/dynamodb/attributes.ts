/** The little of DynamoDB's attribute encoding that these tables need: text, and numbers that stay exact. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** An item as the low-level client has it. */
export type Item = Record<string, AttributeValue>;

/** A text attribute. */
export const text = (value: string): AttributeValue => ({ S: value });

/** A number attribute. DynamoDB keeps 38 digits, so a bigint of money goes in and out unharmed. */
export const number = (value: number | bigint): AttributeValue => ({ N: String(value) });

/** The text of an attribute; undefined when there is none. */
export const textOf = (item: Item | undefined, name: string): string | undefined => item?.[name]?.S;

/** The number of an attribute as a bigint; undefined when there is none. */
export function bigintOf(item: Item | undefined, name: string): bigint | undefined {
  const digits = item?.[name]?.N;
  return digits === undefined ? undefined : BigInt(digits);
}

/** The number of an attribute that fits a double (times, revisions, token counts); 0 when there is none. */
export const countOf = (item: Item | undefined, name: string): number => Number(item?.[name]?.N ?? 0);
