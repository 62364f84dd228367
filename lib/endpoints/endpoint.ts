/** An endpoint: a route, which is a kind of work in a client dialect. */
import type { DialectId } from '../kinds/generate.ts';

/** What a path asks for. */
export interface Endpoint {
  /** The route without prefixes; ledger and logs use it. */
  readonly route: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly kind: 'generate' | 'models' | 'stored-response' | 'response-tokens' | 'liveliness' | 'readiness';
  /** Language of answers and errors. */
  readonly dialect: DialectId;
  /** Whether answers stream, where the path and not the body says so. */
  readonly stream?: boolean;
  /** Prefixes and aliases under which clients know the route; `{model}`, `{id}` and `{rest}` capture (`{rest}` takes slashes too). */
  readonly paths: readonly string[];
}

/** An endpoint found by its path. */
export interface Match {
  readonly endpoint: Endpoint;
  /** Model named by the path, decoded. */
  readonly model?: string;
  /** Id of another thing named by the path, decoded. */
  readonly id?: string;
}
