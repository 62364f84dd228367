/** JSON Schema for APIs that know neither references nor choices between schemas. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';

/** Levels written out; deeper ones are any value, as a schema that holds itself has to be. */
const DEEPEST = 16;

/** Values written before no more references are followed: a few that hold each other would else come to millions. */
const MOST_WRITTEN = 10_000;

/**
 * The schema with its references written out, and without choices: `anyOf` and `oneOf` become their first member that is not null.
 * What it no longer says is told once, as a change of `field`; that a value may be null goes without saying.
 *
 * @example plainSchema({ properties: { a: { anyOf: [{ type: 'null' }, { type: 'string' }] } } }, 'tools', warn) // a: { type: 'string' }
 */
export function plainSchema(root: JsonObject, field: string, warn: Warn): JsonObject {
  let lossless = true;
  let written = 0;
  const write = (schema: unknown, depth: number): unknown => {
    written += 1;
    const list = Array.isArray(schema);
    if (!list && !isObject(schema)) return schema;
    // Lists of a schema that is still written, such as `enum`, are whole.
    if (depth > (list ? DEEPEST + 1 : DEEPEST)) {
      lossless = false;
      return list ? [] : {};
    }
    if (list) return schema.map((item: unknown) => write(item, depth + 1));
    const { $ref: reference, anyOf, oneOf, $defs: _defs, definitions: _definitions, $schema: _schema, ...rest } = schema;
    const choice: unknown = anyOf ?? oneOf;
    const choices = Array.isArray(choice) ? choice.filter(isObject).filter(({ type }) => type !== 'null') : [];
    const refers = typeof reference === 'string';
    const follows = refers && written <= MOST_WRITTEN;
    if (choices.length > 1 || refers !== follows) lossless = false;
    const chosen = follows ? at(root, reference) : choices[0];
    const own = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, NAMED.has(name) ? members(value, depth) : write(value, depth + 1)]),
    );
    return chosen === undefined ? own : { ...(write(chosen, depth + 1) as JsonObject), ...own };
  };
  // Names of properties are no keywords, whatever they are.
  const members = (value: unknown, depth: number): unknown =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, write(schema, depth + 1)]))
      : value;
  const plain = write(root, 0) as JsonObject;
  if (!lossless)
    warn({ kind: 'changed', field, reason: 'The API knows neither choices nor references: the schema is simpler.' });
  return plain;
}

/** Keywords whose value holds schemas by name. */
const NAMED: ReadonlySet<string> = new Set(['properties', 'patternProperties']);

/** What a reference such as `#/$defs/name` points to; undefined for one that leads nowhere. */
function at(root: JsonObject, reference: string): JsonObject | undefined {
  let found: unknown = root;
  for (const step of reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((name) => name !== '')) {
    found = isObject(found) ? found[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  }
  return isObject(found) ? found : undefined;
}
