/**
 * The long tail: providers that speak OpenAI's chat API with a bearer token. One row each, in alphabetical order over the files
 * beside this one; adding a provider is adding a row there. What needs a function of its own has its own file.
 */
import { upToD } from './compatible-0-d.ts';
import { fromEToL } from './compatible-e-l.ts';
import { fromMToP } from './compatible-m-p.ts';
import { fromQ } from './compatible-q-z.ts';
import { completed } from './compatible-row.ts';
import type { Provider } from './provider.ts';

/** The rows, complete. */
export const compatible: readonly Provider[] = [...upToD, ...fromEToL, ...fromMToP, ...fromQ].map(completed);
