/** Arguments of a function call that arrive in pieces (`partialArgs`, Vertex AI's streamed function call arguments). */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { textOf } from '../values.ts';

/** Longest list a path may make. Paths come from outside: one index must not make a list of a million holes. */
const LONGEST = 10_000;

/** A step of a path: a name, or a position in a list. */
type Step = string | number;

/** `$.items[0].name` as steps; undefined for a path that is none of these. */
function stepsOf(path: string): readonly Step[] | undefined {
  const rest = path.replace(/^\$/, '');
  const steps: Step[] = [];
  let length = 0;
  for (const [whole, name, position, quoted] of rest.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']*)'\]/g)) {
    length += whole.length;
    const step = name ?? quoted ?? Number(position);
    if (step === '__proto__' || (typeof step === 'number' && step >= LONGEST)) return undefined;
    steps.push(step);
  }
  return length === rest.length && steps.length > 0 ? steps : undefined;
}

/** The value of a piece; `null` is a value too. */
const valueOf = (piece: JsonObject): unknown => piece.stringValue ?? piece.numberValue ?? piece.boolValue ?? null;

type Holder = Record<Step, unknown>;

const isHolder = (value: unknown): value is Holder => isObject(value) || Array.isArray(value);

/** Puts a piece (`{jsonPath, stringValue | numberValue | boolValue | nullValue}`) where it belongs; pieces of one string join. */
export function setPartial(args: JsonObject, piece: JsonObject): void {
  const steps = stepsOf(textOf(piece.jsonPath) ?? '');
  const last = steps?.at(-1);
  if (steps === undefined || last === undefined) return;
  let holder: Holder = args;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    const known = holder[step];
    const next: Holder = isHolder(known) ? known : typeof steps[index + 1] === 'number' ? ([] as unknown as Holder) : {};
    holder[step] = next;
    holder = next;
  }
  const before = holder[last];
  const value = valueOf(piece);
  holder[last] = typeof before === 'string' && typeof value === 'string' ? before + value : value;
}
