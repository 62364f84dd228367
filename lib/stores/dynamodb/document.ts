/** Records as JSON text. JSON numbers are not exact, so an amount of money is an object of its one field, a text. */

const MONEY = '$usd';

/** The text of a record; bigints (money, 1e-12 USD) survive at any depth. */
export const documentText = (record: unknown): string =>
  JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? { [MONEY]: value.toString() } : value));

/** The record of a text. We wrote it, so its reader may say what it is. */
export function parseDocument(json: string): unknown {
  if (!json.includes(MONEY)) return JSON.parse(json);
  return JSON.parse(json, (_, value: unknown) => (isMoney(value) ? BigInt(value[MONEY]) : value));
}

/** An amount as this module writes it: an operator's own metadata of that form with other text in it stays as it is. */
function isMoney(value: unknown): value is { readonly [MONEY]: string } {
  if (typeof value !== 'object' || value === null || !(MONEY in value)) return false;
  const amount = value[MONEY];
  return typeof amount === 'string' && /^-?\d+$/.test(amount) && Object.keys(value).length === 1;
}
