/**
 * A provider is a row: where it is, how to sign, which dialects it speaks, its quirks. Everything is data but two optional
 * functions, for providers whose address or signature needs more.
 */
import type { ReasoningField } from '../dialects/dialect.ts';
import type { DialectId } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { Headers } from '../transport/message.ts';

/** How a credential travels. `optional`: the provider may be called without one. */
export type Auth =
  | { readonly type: 'bearer'; readonly optional?: boolean }
  /** A named header; `prefix` stands before the key (`Key `, `Token `). */
  | { readonly type: 'header'; readonly name: string; readonly prefix?: string; readonly optional?: boolean }
  | { readonly type: 'none' };

/** One API of a provider. */
export interface Api {
  readonly dialect: DialectId;
  /** Appended to the base; segments the base already ends with are not repeated. */
  readonly path: string;
}

/** What a row's functions may use. Filled from the deployment. */
export interface Address {
  /** Base URL, checked: the deployment's `apiBase`, the row's environment variable, or the row's `base`. */
  readonly base: string;
  readonly model: string;
  readonly apiVersion?: string;
  readonly api: Api;
  readonly stream: boolean;
}

/** One edit of an encoded body, from the closed vocabulary of `quirks.ts`. */
export type Quirk = (body: JsonObject, model: string) => JsonObject;

/** A row. */
export interface Provider {
  /** LiteLLM's slug: `together_ai`. */
  readonly id: string;
  readonly name: string;
  /** Base URL; absent when the operator must give one. */
  readonly base?: string;
  /** Environment variables of the credential, tried in order. */
  readonly envKeys: readonly string[];
  /** Environment variables of the base URL, tried in order. */
  readonly envBases: readonly string[];
  readonly auth: Auth;
  /** APIs for `generate`; the client's own dialect is preferred, else the first. */
  readonly generate: readonly Api[];
  /** The provider's own counter of input tokens, when it has one. */
  readonly count?: Api;
  readonly headers?: Headers;
  /** Applied to the body in order, translated or passed through. */
  readonly quirks?: readonly Quirk[];
  /** How models give JSON by schema when the catalog does not say; default `native`. */
  readonly structuredOutput?: 'native' | 'tool';
  /** True where the OpenAI-like API reads Anthropic's `cache_control` marks; most refuse or ignore them. */
  readonly cacheMarks?: boolean;
  /** Where the OpenAI-like API takes back the reasoning of earlier turns; absent where it takes none. */
  readonly reasoningField?: ReasoningField;
  readonly url?: (address: Address) => string;
  /** `variable`: the environment variable the credential came from, when it came from one. */
  readonly sign?: (headers: Record<string, string>, credential: string, variable?: string) => void;
  /** Header that names the account to charge: the deployment's `organization`. */
  readonly organizationHeader?: string;
  /** Environment variable of the API version. */
  readonly envVersion?: string;
  /** Address of the provider's documentation of this API. */
  readonly docs: string;
  /** Day the facts were last checked: `2026-11-22`. */
  readonly checked: string;
}
