/** An endpoint: a route, which is a kind of work in a client dialect. */
import type { DialectId } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { UsageSource } from '../kinds/usage.ts';

/** Where a kind of work is found. */
interface Route {
  /** The route without prefixes; ledger and logs use it. */
  readonly route: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Language of answers and errors. */
  readonly dialect: DialectId;
  /** Whether answers stream, where the path and not the body says so. */
  readonly stream?: boolean;
  /** Prefixes and aliases under which clients know the route; `{id}`, `{item}` and `{rest}` capture (`{rest}` takes slashes too: a model, most often). */
  readonly paths: readonly string[];
}

/** What a path asks for. */
export type Endpoint = WorkEndpoint | CountEndpoint;

/** Work whose dialect says all about its bodies, or which has none. */
export interface WorkEndpoint extends Route {
  readonly kind: 'generate' | 'compact' | 'models' | 'stored-response' | 'conversation' | 'liveliness' | 'readiness';
}

/** Counts the input tokens of a request that is not made. */
export interface CountEndpoint extends Route {
  readonly kind: 'count';
  /** The body as a request of the dialect. Throws `invalid_request` where it lacks what to count. */
  requestOf(body: JsonObject): JsonObject;
  /** The body of the answer. */
  render(count: TokenCount): JsonObject;
}

/** How many input tokens a request has. */
export interface TokenCount {
  readonly tokens: number;
  /** The model as the client named it, and as the provider does. */
  readonly asked: string;
  readonly model: string;
  /** The provider, whoever counted. */
  readonly provider: string;
  /** Who counted: the provider, the model's own tokenizer here, or nobody. */
  readonly source: UsageSource;
}

/** An endpoint found by its path. */
export interface Match {
  readonly endpoint: Endpoint;
  /** Model named by the path, decoded. */
  readonly model?: string;
  /** Id of another thing named by the path, decoded. */
  readonly id?: string;
  /** Id of a thing inside of that, decoded. */
  readonly item?: string;
}
