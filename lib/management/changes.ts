/** Fields that change a record: what was given, what stays, what goes. */

/** The new value, the old one where nothing was said, nothing where null was said. */
export const chosen = <T>(given: T | null | undefined, old: T | undefined): T | undefined =>
  given === undefined ? old : (given ?? undefined);

/** An object without its undefined fields. */
export type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, so that an absent field is missing. */
export const defined = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;

/** A record with fields changed; those that changed to nothing are gone from it. */
export const edited = <T extends object>(record: T, changes: { readonly [K in keyof T]?: T[K] | undefined }): T =>
  defined({ ...record, ...changes }) as T;
