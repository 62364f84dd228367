/** Fields that change a record: what was given, what stays, what goes. */

import { defined } from '../kinds/json.ts';

/** The new value, the old one where nothing was said, nothing where null was said. */
export const chosen = <T>(given: T | null | undefined, old: T | undefined): T | undefined =>
  given === undefined ? old : (given ?? undefined);

/** A record with fields changed; those that changed to nothing are gone from it. */
export const edited = <T extends object>(record: T, changes: { readonly [K in keyof T]?: T[K] | undefined }): T =>
  defined({ ...record, ...changes }) as T;
