/** What a config file says that is not acted upon, gathered so that each matter is one line. */

/** Places by matter. */
export interface Notes {
  /** A key with a meaning we do not support yet. */
  unsupported(key: string, place: string): void;
  /** A variable that is named but not set. */
  missing(variable: string, place: string): void;
  /** Anything else, already a line. */
  add(line: string): void;
  /** All of it, one line a matter. */
  lines(): readonly string[];
}

const PLACES_SHOWN = 3;

/** An empty collection. */
export function createNotes(): Notes {
  const keys = new Map<string, string[]>();
  const variables = new Map<string, string[]>();
  const others: string[] = [];
  const gather = (matters: Map<string, string[]>, matter: string, place: string): void => {
    matters.set(matter, [...(matters.get(matter) ?? []), place]);
  };
  return {
    unsupported: (key, place) => gather(keys, key, place),
    missing: (variable, place) => gather(variables, variable, place),
    add: (line) => void others.push(line),
    lines() {
      const named = [...keys].map(([key, places]) => `${key} (${list(places)})`);
      return [
        ...(named.length === 0 ? [] : [`not supported yet, and ignored: ${named.join(', ')}`]),
        ...[...variables].map(([variable, places]) => `environment variable ${variable} is not set (${list(places)})`),
        ...others,
      ];
    },
  };
}

function list(places: readonly string[]): string {
  const more = places.length - PLACES_SHOWN;
  return `${places.slice(0, PLACES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
