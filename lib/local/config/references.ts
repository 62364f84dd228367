/** LiteLLM's `os.environ/NAME`: a value that is in the environment. */

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'os.environ/';

/** The variable a value refers to; undefined when it is a plain value. */
export const referenceOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.startsWith(PREFIX) ? value.slice(PREFIX.length).trim() : undefined;

/** The value of a variable; an empty one counts as not set. */
export const variable = (environment: Environment, name: string): string | undefined => environment[name] || undefined;

/**
 * The value with every reference in it replaced; what refers to nothing is left out.
 *
 * @param onMissing told the name and the path of each variable that is not set.
 */
export function resolveReferences(
  value: unknown,
  environment: Environment,
  onMissing: (name: string, path: readonly (string | number)[]) => void,
  path: readonly (string | number)[] = [],
): unknown {
  const name = referenceOf(value);
  if (name !== undefined) {
    const found = variable(environment, name);
    if (found === undefined) onMissing(name, path);
    return found;
  }
  const inner = (child: unknown, key: string | number): unknown =>
    resolveReferences(child, environment, onMissing, [...path, key]);
  if (Array.isArray(value)) return value.map(inner).filter((child) => child !== undefined);
  if (value === null || typeof value !== 'object') return value;
  const resolved = Object.entries(value).map(([key, child]) => [key, inner(child, key)] as const);
  return Object.fromEntries(resolved.filter(([, child]) => child !== undefined));
}
