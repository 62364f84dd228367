/** JSON Schema for APIs that know neither references nor choices between schemas. */
import { isObject, type JsonObject } from '../../kinds/json.ts';

/** Levels written out; deeper ones are any value, as a schema that holds itself has to be. */
const DEEPEST = 16;

/**
 * The schema with its references written out, and without choices: `anyOf` and `oneOf` become their first member that is not null.
 *
 * @example plainSchema({ properties: { a: { anyOf: [{ type: 'null' }, { type: 'string' }] } } }) // a: { type: 'string' }
 */
export function plainSchema(root: JsonObject): JsonObject {
  const write = (schema: unknown, depth: number): unknown => {
    if (Array.isArray(schema)) return schema.map((item: unknown) => write(item, depth + 1));
    if (!isObject(schema)) return schema;
    if (depth > DEEPEST) return {};
    const { $ref: reference, anyOf, oneOf, $defs: _defs, definitions: _definitions, $schema: _schema, ...rest } = schema;
    const choice: unknown = anyOf ?? oneOf;
    const chosen = typeof reference === 'string' ? at(root, reference) : Array.isArray(choice) ? firstOf(choice) : undefined;
    const written = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, NAMED.has(name) ? members(value, depth) : write(value, depth + 1)]),
    );
    return chosen === undefined ? written : { ...(write(chosen, depth + 1) as JsonObject), ...written };
  };
  // Names of properties are no keywords, whatever they are.
  const members = (value: unknown, depth: number): unknown =>
    isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, write(schema, depth + 1)]))
      : value;
  return write(root, 0) as JsonObject;
}

/** Keywords whose value holds schemas by name. */
const NAMED: ReadonlySet<string> = new Set(['properties', 'patternProperties']);

const firstOf = (choice: readonly unknown[]): JsonObject | undefined =>
  choice.filter(isObject).find(({ type }) => type !== 'null');

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
