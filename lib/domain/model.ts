/** Models as the operator offers them: a name for clients (`modelName`) over one or more deployments at providers. */
import type { PriceOverride } from './price-types.ts';

/** Where the credential of a deployment is. The value itself is never part of a stored deployment. */
export type CredentialRef =
  /** An entry of the secret store, by name. */
  | { readonly type: 'secret'; readonly name: string }
  /** An environment variable (local runs and LiteLLM's `os.environ/NAME`). */
  | { readonly type: 'env'; readonly name: string }
  /** A value from a config file on this machine; lives in memory only. */
  | { readonly type: 'value'; readonly value: string }
  | { readonly type: 'none' };

/** One way to reach a model: a provider, its name for the model, and parameters. LiteLLM's `model_list` entry. */
export interface Deployment {
  readonly id: string;
  /** Name clients call; a wildcard (`openai/*`, `*`) stands for many. */
  readonly modelName: string;
  /** Row id: `openai`, `together_ai`, ... */
  readonly provider: string;
  /** The provider's name of the model; for a wildcard, `*` is replaced by what the client's name had there. */
  readonly model: string;
  readonly credential: CredentialRef;
  readonly apiBase?: string;
  readonly apiVersion?: string;
  readonly organization?: string;
  /** Values of the provider row's own parameters, by LiteLLM's names: `aws_region_name`, `vertex_project`. No secrets. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly weight?: number;
  /** Milliseconds for the whole answer. */
  readonly timeoutMs?: number;
  /** Milliseconds until the first byte of a stream. */
  readonly streamTimeoutMs?: number;
  readonly extraHeaders?: Readonly<Record<string, string>>;
  /** Fields merged into every body sent (LiteLLM `extra_body`). */
  readonly extraBody?: Readonly<Record<string, unknown>>;
  /** Parameters not to send (LiteLLM `additional_drop_params`). */
  readonly dropParams?: readonly string[];
  readonly maxRetries?: number;
  readonly price?: PriceOverride;
  /** Catalog name to take prices and limits from, when the model's own name is not in the catalog (LiteLLM `base_model`). */
  readonly baseModel?: string;
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** Free facts shown by `/model/info`. */
  readonly info: Readonly<Record<string, unknown>>;
  readonly source: 'config' | 'store' | 'env' | 'demo';
  readonly createdAt?: number;
  readonly updatedAt?: number;
  readonly rev?: number;
}
