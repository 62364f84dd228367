/** A route of the management API: where it is, who may call it, what it takes, and what answers. */
import type { ZodMiniType } from 'zod/mini';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import type { Audience } from '../../lib/management/rights.ts';
import type { AdminCall, OpenCall } from './call.ts';

/** Verbs of the management API. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the API's description says of a route. */
export interface Described {
  readonly summary: string;
  /** Names of query parameters. */
  readonly query?: readonly string[];
  /** The JSON body. */
  readonly body?: ZodMiniType;
}

/** One route. `open` ones need no key; where they are `guarded`, what they are asked with is looked at in its place. */
export type AdminRoute = {
  readonly method: Method;
  /** `{name}` stands for one segment. */
  readonly path: string;
} & Described &
  (
    | { readonly open: true; readonly guarded?: true; readonly answer: (deps: ManagementDeps, call: OpenCall) => unknown }
    | { readonly open?: never; readonly guarded?: never; readonly who: Audience; readonly answer: Answer }
  );

/** What answers a call. */
export type Answer = (deps: ManagementDeps, call: AdminCall) => Promise<unknown>;

const route =
  (method: Method) =>
  (path: string, who: Audience, described: Described | string, answer: Answer): AdminRoute => ({
    method,
    path,
    who,
    ...(typeof described === 'string' ? { summary: described } : described),
    answer,
  });

/** Routes by verb: path, audience, summary (or a whole description), answer. */
export const get = route('GET');
export const post = route('POST');
export const put = route('PUT');
export const patch = route('PATCH');
export const del = route('DELETE');
