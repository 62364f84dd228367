/** The one object that travels through the onion, and what comes back. */
import type { GatewayError } from './errors.ts';
import type { StoredResponse } from './domain/conversation.ts';
import type { Customer, Tag } from './domain/customer.ts';
import type { VirtualKey } from './domain/key.ts';
import type { LostAttempt } from './domain/ledger-entry.ts';
import type { Deployment } from './domain/model.ts';
import type { Organization, Project } from './domain/organization.ts';
import type { Money } from './domain/money.ts';
import type { Cost, PriceSheet } from './domain/price-types.ts';
import type { Member, Team } from './domain/team.ts';
import type { User } from './domain/user.ts';
import type { GenerateRequest, Warning } from './kinds/generate.ts';
import type { JsonObject } from './kinds/json.ts';
import type { Usage } from './kinds/usage.ts';
import type { HttpReply, HttpRequest } from './transport/message.ts';

/** The owners of a key, as far as there are records of them; limits of shared budgets are filled in. */
export interface Owners {
  readonly team?: Team;
  /** The key's user within its team. */
  readonly member?: Member;
  readonly user?: User;
  readonly project?: Project;
  readonly organization?: Organization;
  /** The key's user within its organization. */
  readonly organizationMember?: Member;
}

/**
 * Who calls. The master key may do everything and has no limits. A caller without a key (a token of an identity provider, an AWS role)
 * has one made for the call, that nothing stores: its hash is made of issuer and subject, so that meters and ledger know it again.
 */
export type Caller =
  | { readonly type: 'master' }
  | ({ readonly type: 'key'; readonly key: VirtualKey; readonly via?: 'token' | 'role' } & Owners);

/** How an answer ended, known after its last byte. */
export interface Outcome {
  /** `aborted`: the client left, or the deadline came. */
  readonly status: 'success' | 'error' | 'aborted';
  /** What the provider served, reported or estimated; absent when nothing was consumed (a refused or failed call). */
  readonly usage?: Usage;
  readonly error?: GatewayError;
  /** Milliseconds from receipt to the first byte of the answer. */
  readonly firstByteMs?: number;
  /** Milliseconds from receipt to the first thing the model wrote; only of answers that are relayed as they come. */
  readonly firstTokenMs?: number;
}

/**
 * A reply has a head and a `done`. What counts (settle, record) hangs on `done`, which resolves exactly once, after the last byte, an
 * abort or an error, and never rejects. A shell awaits it before it lets go of the environment.
 */
export interface Reply extends HttpReply {
  readonly done: Promise<Outcome>;
}

/** A deployment chosen for this call, with what pricing and encoding need of it. */
export interface Target {
  readonly deployment: Deployment;
  /** The provider's name of the model, wildcards filled in. */
  readonly model: string;
  /** Input tokens the model accepts, output tokens it writes; absent when unknown. */
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** True where the provider cannot be told to write less. */
  readonly takesNoCap?: boolean;
  readonly structuredOutput?: 'native' | 'tool';
  readonly supportsReasoning?: boolean;
  readonly supportsAdaptiveThinking?: boolean;
  readonly supportsSampling?: boolean;
  /** Prices of the model here; absent when unknown. */
  readonly sheet?: PriceSheet;
  /** What a usage costs here; absent when the price is unknown, undefined when that of what was used is. */
  readonly price?: (usage: Usage) => Cost | undefined;
}

/** What was held for the call. */
export interface Admission {
  /** 1e-12 USD held; absent when no scope has a budget. */
  readonly held?: Money;
  /** Meters in which that was held. */
  readonly heldIn?: readonly string[];
  /** Most output tokens the hold pays for, when that is less than the request could have used. */
  readonly clampedOutputTokens?: number;
  /** Response headers that state limits and what remains of them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A turn of a conversation that the gateway may keep. */
export interface Turn {
  /** The body as the client sent it; `exchange.body` and `exchange.generate` hold the earlier turns too. */
  readonly asSent: JsonObject;
  /** What this turn adds. */
  readonly added: readonly JsonObject[];
  /** The response that the client goes on from. */
  readonly previous?: StoredResponse;
  /** The conversation that this turn is added to, and the parts it goes on from. */
  readonly conversation?: { readonly head: StoredResponse; readonly parts: readonly StoredResponse[]; readonly bytes: number };
  /** Deployment whose provider alone can read a compaction in the conversation. */
  readonly sealedBy?: string;
  /** Deployment whose provider keeps everything that `asSent` refers to, and takes it as it is. */
  readonly keptBy?: string;
  /** What that provider is sent, where it is not `asSent`: it may know the earlier response by another id. */
  readonly forKeeper?: JsonObject;
  /** Set when the answer is made after the client got its id. */
  readonly background?: Background;
}

/** A conversation that is to be made shorter, and not gone on with. */
export interface Compaction {
  /** The request for a summary, for models of providers that do not compact themselves. */
  readonly summarizing: JsonObject;
  /** What stays of the conversation word for word. */
  readonly kept: readonly JsonObject[];
  /** The provider that is called compacts itself. */
  native: boolean;
}

/** An answer that is made in the background. */
export interface Background {
  /** The client wants to read along. */
  readonly streams: boolean;
  /** Resolves once the outcome is in the store; set when the work begins. A shell must not let go before. */
  kept?: Promise<void>;
}

/** How long a request lives. */
export interface Life {
  /** From here on the work goes on when the client leaves. */
  outlive(): void;
  /** Ends the work: aborts the exchange's signal with this reason. */
  end(reason: GatewayError): void;
}

/** One request on its way. Policies fill it in from the outside to the inside. */
export interface Exchange {
  /** Call id, unique: 26 characters, time-ordered. */
  readonly id: string;
  readonly request: HttpRequest;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Moment by which the last byte must be out; the shell's limit less a margin. */
  readonly deadline: number;
  /** Aborts when the client left (where the shell can tell) or the deadline passed. */
  readonly signal: AbortSignal;
  readonly life: Life;
  /** Client route without prefixes: `/v1/chat/completions`. */
  readonly route: string;
  /** Id of the client's dialect. */
  readonly dialect: string;
  /** The parsed body, without the fields that are meant for the gateway. */
  body: JsonObject;
  /** Those fields: bytes that pass through lose them too. */
  removed: readonly string[];
  /** The decoded request. */
  generate: GenerateRequest;
  caller?: Caller;
  /** The customer the call is for, as named, and its record where there is one. */
  endUser?: string;
  customer?: Customer;
  /** Of the key, its team and project, and of the request; without repeats. */
  tags: readonly string[];
  /** Records of those tags that have limits or models. */
  tagged: readonly Tag[];
  /** The client's own name for a run of calls. */
  sessionId?: string;
  /** Model name after aliases. */
  modelName: string;
  /** Set for requests that may go on from an earlier one, or be gone on from. */
  turn?: Turn;
  /** Set for requests that make a conversation shorter. */
  compaction?: Compaction;
  /** Deployments to try, in order; filled by `route`. */
  plan: readonly Target[];
  /** The one being tried, or that answered. */
  target?: Target;
  /** Dialect spoken to the target. */
  upstreamDialect?: string;
  /** True when the provider keeps the response too, under the id that the client gets. */
  keptUpstream?: boolean;
  admission?: Admission;
  /** Tries at admission so far: each makes its holds under ids of its own. */
  admissions: number;
  /** What a provider bills of a call that comes to nothing: reported, or estimated where nobody waited for the answer. */
  billed?: Usage;
  /** Earlier attempts of that sort, of a call that was tried again. */
  readonly lost: LostAttempt[];
  readonly warnings: Warning[];
  /** Calls made to providers. */
  attempts: number;
  /** True once a byte of the answer was handed out: no retry after that. */
  committed: boolean;
}
