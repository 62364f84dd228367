/** JSON values of providers and clients, read without trust: what has the wrong type is absent. */
import { isObject, type JsonObject } from '../kinds/json.ts';

/** A string with something in it. */
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** A finite number. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** The JSON objects of a list; nothing when it is no list. */
export const objectsOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** Fields of `object` that are not in `known` and hold something; undefined when there are none. */
export function unknownFields(object: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  let rest: JsonObject | undefined;
  for (const key in object) {
    const value = object[key];
    if (known.has(key) || value === null || value === undefined || value === '') continue;
    rest ??= {};
    rest[key] = value;
  }
  return rest;
}

const ABSENT = {};

/** A field of an object literal that is absent when its value is. */
export const present = <Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } =>
  value === undefined ? ABSENT : ({ [name]: value } as { readonly [Key in Name]?: Value });

const DATA_URL = /^data:([^;,]*)((?:;[^;,]+)*?);base64,([\s\S]*)$/i;

/** Media type and base64 text of a data URL; undefined when it is none, or not base64. */
export function readDataUrl(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  const match = DATA_URL.exec(url);
  const [, mediaType, parameters, data] = match ?? [];
  if (!mediaType || data === undefined) return undefined;
  return { mediaType: mediaType + (parameters ?? ''), data };
}

/** A base64 data URL. */
export const dataUrl = (mediaType: string, data: string): string => `data:${mediaType};base64,${data}`;
