/**
 * The vocabulary of answers: fields with their units and an example each. Answers are described for `/openapi.json` alone, by a part that is
 * loaded when somebody asks for it; tests hold every real answer against what is published.
 */
import * as z from 'zod/mini';

/** What is said of a schema besides its type. One with an `id` is a component of the document, and referred to by it. */
export interface Note {
  readonly id?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

/** Every schema there is something to say of. */
export const notes = z.registry<Note>();

/** A schema with something said of it. */
export function note<T extends z.ZodMiniType>(schema: T, said: Note): T {
  notes.add(schema, said);
  return schema;
}

/** A shape that answers share: a component by this name. Nothing but its fields may be there. */
export const component = <S extends z.core.$ZodLooseShape>(id: string, description: string, shape: S) =>
  note(z.strictObject(shape), { id, description });

/** An object of exactly these fields. */
export const object = z.strictObject;
/** One of several, or null. */
export const orNull = z.nullable;
/** A field that may be missing. */
export const optional = z.optional;
/** A list. */
export const list = z.array;

const whole = () => z.int().check(z.nonnegative());

/** Text. */
export const text = (description: string, example: string) => note(z.string(), { description, examples: [example] });
/** One of these words. */
export const word = <const T extends readonly [string, ...string[]]>(description: string, words: T) =>
  note(z.enum(words), { description, examples: [words[0]] });
/** An amount as a JSON number. */
export const usd = (description: string, example = 0.42) =>
  note(z.number(), { description: `${description}, USD.`, examples: [example] });
/** An amount as exact decimal text. */
export const exactUsd = (description: string, example = '0.42') =>
  note(z.string(), { description: `${description}, USD as exact decimal text.`, examples: [example] });
/** A number of tokens. */
export const tokens = (description: string, example = 1200) =>
  note(whole(), { description: `${description}, tokens.`, examples: [example] });
/** A number of things. */
export const count = (description: string, example = 3) => note(whole(), { description, examples: [example] });
/** A stretch of time. */
export const ms = (description: string, example = 830) =>
  note(whole(), { description: `${description}, milliseconds.`, examples: [example] });
/** A moment. */
export const moment = (description: string, example = '2026-11-22T12:00:00.000Z') =>
  note(z.iso.datetime(), { description: `${description}, ISO 8601 in UTC.`, examples: [example] });
/** A day. */
export const day = (description: string, example = '2026-11-22') =>
  note(z.iso.date(), { description: `${description}, a day in UTC.`, examples: [example] });
/** Yes or no. */
export const flag = (description: string, example = false) => note(z.boolean(), { description, examples: [example] });
/** A list of names. */
export const names = (description: string, ...examples: readonly string[]) =>
  note(z.array(z.string()), { description, examples: [examples] });
/** Facts that their owner chose; nothing is said of what is in them. */
export const facts = (description: string, example: Readonly<Record<string, unknown>> = {}) =>
  note(z.record(z.string(), z.unknown()), { description, examples: [example] });
/** A map from names to one kind of value. */
export const map = <T extends z.ZodMiniType>(description: string, value: T) =>
  note(z.record(z.string(), value), { description });
/** Anything at all. */
export const anything = (description: string, example: unknown = null) =>
  note(z.unknown(), { description, examples: [example] });
/** A field that is always null, kept for clients that read it. */
export const nothing = (description: string) => note(z.null(), { description });

/** Hash of a key: SHA-256 of its secret in hex. */
export const hash = (description: string) =>
  text(description, '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08');
/** What a call says of itself. */
export const message = (example: string) => text('For people.', example);

/** Statuses that routes document beside those that follow from what they take. */
export type Refusal = 401 | 404 | 409 | 503;

/** What a route answers. */
export interface Answered {
  readonly ok: z.ZodMiniType;
  readonly refusals: readonly Refusal[];
}

/** What routes answer, by verb and path: `GET /key/info`. */
export type Answers = Readonly<Record<string, Answered>>;

/** An answer, and the refusals that are not a matter of course. */
export const answers = (ok: z.ZodMiniType, ...refusals: readonly Refusal[]): Answered => ({ ok, refusals });
