/** Answers as components of the document: JSON Schema 2020-12, and an example that follows from it. */
import * as z from 'zod/mini';
import { isObject, type JsonObject } from '../../../lib/kinds/json.ts';
import { notes } from './fields.ts';

const AT = '#/components/schemas/';

/** The name of a schema as a component; one without a name gets this one. */
export function nameOf(schema: z.ZodMiniType, otherwise: string): string {
  const said = notes.get(schema);
  if (said?.id !== undefined) return said.id;
  notes.add(schema, { ...said, id: otherwise });
  return otherwise;
}

/** A reference to a component. */
export const refTo = (name: string): JsonObject => ({ $ref: AT + name });

/** Every schema that has a name, by it. */
export function components(): Readonly<Record<string, JsonObject>> {
  const { schemas } = z.toJSONSchema(notes, {
    metadata: notes,
    uri: (id) => AT + id,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => tidy(jsonSchema),
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _address, ...schema }]) => [name, schema as JsonObject]),
  );
}

/** Says the same in fewer words: patterns that a format stands for, bounds of the machine, "or null" of a plain type. */
function tidy(schema: z.core.JSONSchema.BaseSchema): void {
  delete schema.propertyNames;
  if (schema.format !== undefined) delete schema.pattern;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  const [one, other, ...more] = schema.anyOf ?? [];
  if (one === undefined || other === undefined || more.length > 0) return;
  const isPlain = typeof one.type === 'string' && one.enum === undefined && one.const === undefined;
  if (other.type !== 'null' || !isPlain) return;
  delete schema.anyOf;
  Object.assign(schema, one, { type: [one.type, 'null'] });
}

/** An answer as a schema describes it: the first example of each field that is always there. */
export function exampleOf(schema: JsonObject, schemas: Readonly<Record<string, JsonObject>>): unknown {
  const { $ref: reference, examples, enum: words, anyOf: choices, type, properties, required, items } = schema;
  if (typeof reference === 'string') return exampleOf(schemas[reference.slice(AT.length)] ?? {}, schemas);
  if (Array.isArray(examples)) return examples[0];
  if ('const' in schema) return schema['const'];
  if (Array.isArray(words)) return words[0];
  if (Array.isArray(choices)) return exampleOf(choices[0] as JsonObject, schemas);
  if (type === 'array') return isObject(items) ? [exampleOf(items, schemas)] : [];
  if (!isObject(properties)) return type === 'object' ? {} : null;
  const names = new Set(required as readonly string[] | undefined);
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => names.has(name))
      .map(([name, field]) => [name, exampleOf(field as JsonObject, schemas)]),
  );
}
