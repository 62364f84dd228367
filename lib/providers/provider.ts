/**
 * A provider is a row: where it is, how to sign, which dialects it speaks, its quirks. Everything is data but a few optional
 * functions, for providers whose address or signature needs more.
 */
import type { ReasoningField } from '../dialects/dialect.ts';
import type { DialectId } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { Answer } from '../transport/http.ts';
import type { Headers } from '../transport/message.ts';
import type { Lease, TokenHttp } from '../transport/oauth.ts';

/** How a credential travels. `optional`: the provider may be called without one. */
export type Auth =
  | { readonly type: 'bearer'; readonly optional?: boolean }
  /** A named header; `prefix` stands before the key (`Key `, `Token `). */
  | { readonly type: 'header'; readonly name: string; readonly prefix?: string; readonly optional?: boolean }
  /** HTTP Basic; the key is `user:password`. */
  | { readonly type: 'basic'; readonly optional?: boolean }
  /** A named parameter of the query. */
  | { readonly type: 'query'; readonly name: string; readonly optional?: boolean }
  | { readonly type: 'none' };

/** One API of a provider. */
export interface Api {
  readonly dialect: DialectId;
  /** Which member of a family of wire formats, for dialects that are one. */
  readonly variant?: string;
  /** True where bodies are HTML forms; nested values have no place in them. */
  readonly form?: boolean;
  /**
   * Appended to the base; segments the base already ends with are not repeated. `{model}` and the names of the row's parameters
   * stand for their values, percent-encoded. May end in a query.
   */
  readonly path: string;
  /** The path for streams, where it is another one. */
  readonly streamPath?: string;
  /** A prefix of the model's name that asks for this API and is no part of the name: `responses/`. */
  readonly forcedBy?: string;
  /** The models this API has; absent: all. */
  readonly serves?: (model: string) => boolean;
  /** In place of the row's. */
  readonly quirks?: readonly Quirk[];
  /** True where the provider keeps responses, and takes `previous_response_id` for what it keeps. */
  readonly keepsResponses?: boolean;
  /** The path at which it makes conversations shorter (`response.compaction`), and what the whole address has to look like for that. */
  readonly compaction?: { readonly path: string; readonly at?: RegExp };
  /** Beside the row's. */
  readonly headers?: Headers;
  /**
   * True where the API takes no cap on its output: what is held for a call is then all that the model may write, whatever the client
   * asked for, and no call is made smaller to fit the rest of a budget.
   */
  readonly takesNoCap?: boolean;
  /** True where answers have another shape than the dialect's: they are written anew, also for clients that speak it. */
  readonly answersDiffer?: boolean;
  /** Fields of the body that hold parameters: the parameter's name by that of the field. */
  readonly bodyParameters?: Readonly<Record<string, string>>;
}

/** A provider's own counter of input tokens. */
export interface Counter extends Pick<Api, 'dialect' | 'variant' | 'path' | 'serves' | 'quirks'> {
  /** The counter's name of the model, where it is not that of the API. */
  readonly modelName?: (model: string) => string;
  /** True where only the provider itself has it: servers that speak its API elsewhere are not asked. */
  readonly homeOnly?: boolean;
}

/** What a row's functions may use. Filled from the deployment. */
export interface Address {
  /** Base URL, checked: the deployment's `apiBase`, the row's environment variable, or the row's `base`. */
  readonly base: string;
  readonly model: string;
  readonly apiVersion?: string;
  readonly api: Api;
  readonly stream: boolean;
  /** The path of the API with everything filled in. */
  readonly path: string;
}

/** A part of an address, or of a sign-in, that the operator sets by deployment: account, region, project. */
export interface Parameter {
  /** Environment variables, tried in order where the deployment says nothing. */
  readonly env?: readonly string[];
  /** Value where nobody says anything; absent: it has to be given wherever it is needed. */
  readonly fallback?: string;
}

/** Values by LiteLLM's parameter names. */
export type Values = Readonly<Record<string, string>>;

/** A call that is about to be sent. */
export interface SigningRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** What signing may use. */
export interface AuthContext {
  /** The credential as text; undefined when the deployment has none. */
  readonly credential?: string;
  /** Its fields: those of a JSON object, or the text as `api_key`; completed from the environment where `ambient`. */
  readonly fields: Values;
  /** The row's parameters: the deployment's, else the environment's, else their fallback. */
  readonly parameters: Values;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * True where the address is the row's own, or one from the operator's own files where the row has none. Credentials that nobody gave this deployment (a role, a variable)
   * go nowhere else.
   */
  readonly ambient: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly http: TokenHttp;
  /** A token held for this credential, or what `obtain` brings. `parts` tell tokens of one credential apart. */
  readonly token: <T>(parts: readonly string[], obtain: () => Promise<Lease<T>>) => Promise<T>;
  /** Reads a file; absent for deployments that were added at run time, which must not reach into this machine. */
  readonly readFile?: (path: string) => Promise<string>;
}

/** A further call for an answer: its address, and all of its headers. */
export interface FollowingCall {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Headers;
}

/** What following an answer may use. */
export interface FollowContext {
  /** The call that was answered, as it was sent, signed. */
  readonly sent: SigningRequest;
  /** The client wants a stream. */
  readonly stream: boolean;
  /**
   * Sends a call that belongs to this answer and ends with it.
   *
   * @throws GatewayError as the first call does, in the provider's words for a status of 400 or more.
   */
  readonly send: (call: FollowingCall) => Promise<Answer>;
  /** Resolves after that many milliseconds; throws when nobody waits for the answer any more. */
  readonly wait: (ms: number) => Promise<void>;
  /** Sends a call whose answer, or failure, changes nothing: to end a job that nobody waits for. Has a time limit of its own. */
  readonly sendLast: (call: FollowingCall) => void;
}

/** What signing in by a person may use. */
export interface SignInContext {
  readonly parameters: Values;
  readonly http: TokenHttp;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
  /** Tells the person what to do. */
  readonly tell: (line: string) => void;
}

/** One edit of an encoded body, from the closed vocabulary of `quirks.ts`. */
export type Quirk = (body: JsonObject, model: string) => JsonObject;

/** A row. */
export interface Provider {
  /** LiteLLM's slug: `together_ai`. */
  readonly id: string;
  readonly name: string;
  /** Base URL; absent when the operator must give one. Names of parameters in braces stand for their values. */
  readonly base?: string;
  /** Environment variables of the credential, tried in order. */
  readonly envKeys: readonly string[];
  /** Environment variables of the base URL, tried in order. */
  readonly envBases: readonly string[];
  readonly auth: Auth;
  /** APIs for `generate`; the client's own dialect is preferred, else the first. */
  readonly generate: readonly Api[];
  /** The provider's own counters of input tokens; the first that serves the model is asked. */
  readonly count?: readonly Counter[];
  readonly headers?: Headers;
  /** Applied to the body in order, translated or passed through. */
  readonly quirks?: readonly Quirk[];
  /** How models give JSON by schema when the catalog does not say; default `native`. */
  readonly structuredOutput?: 'native' | 'tool';
  /** True where the OpenAI-like API reads Anthropic's `cache_control` marks; most refuse or ignore them. */
  readonly cacheMarks?: boolean;
  /** Where the OpenAI-like API takes back the reasoning of earlier turns; absent where it takes none. */
  readonly reasoningField?: ReasoningField;
  /** What a deployment may or must say beyond the common fields. */
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** Secrets beside `api_key`: kept as fields of one JSON object, with the environment variables they may come from. */
  readonly secrets?: Readonly<Record<string, Pick<Parameter, 'env'>>>;
  /** Takes apart a model name that also says where to call it: `us-east-1/<model>`. */
  readonly place?: (model: string) => { readonly model: string; readonly parameters: Values };
  readonly url?: (address: Address) => string;
  /** The base where nobody gave one, for rows whose host depends on parameters in more than their spelling. */
  readonly baseOf?: (parameters: Values) => string;
  /** `variable`: the environment variable the credential came from, when it came from one. */
  readonly sign?: (headers: Record<string, string>, credential: string, variable?: string) => void;
  /**
   * Headers that need the whole request or an exchange of tokens, added to those of `auth`. Called right before each attempt.
   *
   * @throws GatewayError where the credential cannot work.
   */
  readonly authorize?: (request: SigningRequest, context: AuthContext) => Promise<Headers>;
  /**
   * A person signs in on another device. Brings the credential that the row reads, to be kept under the first of `envKeys`.
   *
   * @throws GatewayError when nobody signs in, or the provider refuses.
   */
  readonly signIn?: (context: SignInContext) => Promise<string>;
  /**
   * Turns the provider's first answer (a success) into the one its dialect reads: waits for a job that was submitted, opens the
   * stream it names, unpacks an envelope. From here on the call is taken to be billed: when this throws, nothing is tried again
   * and the books show an estimate. Credentials go to no other host than that of `sent`.
   *
   * @throws GatewayError
   */
  readonly follow?: (answer: Answer, context: FollowContext) => Promise<Answer>;
  /** Header that names the account to charge: the deployment's `organization`. */
  readonly organizationHeader?: string;
  /** True where addresses carry a version of the API. */
  readonly takesVersion?: true;
  /** Environment variable of the API version. */
  readonly envVersion?: string;
  /** Address of the provider's documentation of this API. */
  readonly docs: string;
  /** Day the facts were last checked: `2026-11-22`. */
  readonly checked: string;
  /** False where address or sign-in could not be checked against anything published. */
  readonly verified?: false;
  /** The name under which the catalog lists its models, where it is not the id. */
  readonly catalog?: string;
  /** The row that this one is another name or another way of, with the same address and the same keys. */
  readonly aliasOf?: string;
}
