/**
 * The canonical form of `generate`: text generation by a chat model, whatever the wire format on either side.
 *
 * It is nobody's wire format. Three honesty rules: (a) fields we do not model travel in `extensions[dialect]` and return only to
 * the same dialect; (b) opaque items (signatures, encrypted reasoning) are parts of their own, tagged with their origin; (c)
 * whatever a dialect cannot say becomes a `Warning`, never silence.
 */
import type { GatewayError } from '../errors.ts';
import type { JsonObject } from './json.ts';
import type { Usage } from './usage.ts';

/** The wire formats we speak. */
export type DialectId =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-completions'
  | 'anthropic-messages'
  | 'gemini'
  | 'bedrock-converse'
  | 'bedrock-invoke'
  | 'cohere-chat'
  | 'ollama-chat'
  | 'openai-kin'
  | 'replicate'
  | 'text-generation';

/** Something a dialect could not carry. Shown as a response header, a log field and on the exchange. */
export interface Warning {
  /** `dropped`: not sent. `changed`: sent as something near. */
  readonly kind: 'dropped' | 'changed';
  /** Field as the client wrote it: `logit_bias`, `messages[2].content[0]`. */
  readonly field: string;
  /** One sentence: what happened and why. */
  readonly reason: string;
}

/** Fields without a neutral meaning, kept for the dialect they came from. */
export type Extensions = Partial<Record<DialectId, JsonObject>>;

/** A mark that the prompt up to here may be cached by the provider. */
export interface CacheMark {
  readonly ttl?: '5m' | '1h';
}

/** Where bytes of an image, document or audio clip are. */
export type MediaSource =
  | { readonly type: 'base64'; readonly mediaType: string; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'file'; readonly id: string; readonly origin: DialectId }
  /** Plain text given as a document. */
  | { readonly type: 'text'; readonly text: string };

/** Where a sentence came from. Positions are UTF-16 offsets into the text part that carries it. */
export interface Citation {
  readonly url?: string;
  readonly title?: string;
  readonly citedText?: string;
  readonly start?: number;
  readonly end?: number;
  /** The item as its dialect wrote it, for that dialect and for clients that want everything. */
  readonly origin: DialectId;
  readonly raw: JsonObject;
}

/** Text, with the sources it names. */
export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  readonly citations?: readonly Citation[];
  readonly cache?: CacheMark;
  readonly extensions?: Extensions;
}
/** A picture. */
export interface ImagePart {
  readonly type: 'image';
  readonly source: MediaSource;
  /** OpenAI's resolution hint: `low`, `high`, `auto`. */
  readonly detail?: string;
  readonly cache?: CacheMark;
  readonly extensions?: Extensions;
}
/** A sound clip. */
export interface AudioPart {
  readonly type: 'audio';
  readonly source: MediaSource;
  /** `wav`, `mp3`, ... */
  readonly format?: string;
  /** Id of a clip the provider keeps, and its transcript (OpenAI audio output). */
  readonly id?: string;
  readonly transcript?: string;
  readonly expiresAt?: number;
  readonly extensions?: Extensions;
}
/** A file the model reads: PDF, text, ... */
export interface DocumentPart {
  readonly type: 'document';
  readonly source: MediaSource;
  /** File name or title. */
  readonly title?: string;
  readonly context?: string;
  /** True when the model is asked to cite it. */
  readonly citations?: boolean;
  readonly cache?: CacheMark;
  readonly extensions?: Extensions;
}
/** The model's reasoning. `signature` and `data` are opaque proofs of the provider: they must come back unchanged. */
export interface ReasoningPart {
  readonly type: 'reasoning';
  readonly text: string;
  /** Signature over `text` (Anthropic thinking, OpenRouter details). */
  readonly signature?: string;
  /** Encrypted reasoning without readable text (Anthropic `redacted_thinking`). */
  readonly data?: string;
  /** Provider items in their own shape that must survive (OpenRouter `reasoning_details`). */
  readonly details?: readonly JsonObject[];
  /** Dialect that produced the proofs; a part without one is plain text. */
  readonly origin?: DialectId;
}
/** A call of a function by the model. `arguments` is JSON text exactly as the model wrote it; empty means `{}`. */
export interface ToolCallPart {
  readonly type: 'tool-call';
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  /** OpenAI custom tools take free text instead of JSON. */
  readonly custom?: boolean;
  /** Proof that belongs to the call (Gemini thought signature through an OpenAI-like API). */
  readonly signature?: string;
  readonly cache?: CacheMark;
  /** Fields beside the call that its dialect wants back. */
  readonly extensions?: Extensions;
}
/** What a tool call came to. */
export interface ToolResultPart {
  readonly type: 'tool-result';
  readonly callId: string;
  readonly parts: readonly (TextPart | ImagePart | DocumentPart | OpaquePart)[];
  readonly isError?: boolean;
  readonly cache?: CacheMark;
  readonly extensions?: Extensions;
}
/** Words with which the model declines. */
export interface RefusalPart {
  readonly type: 'refusal';
  readonly text: string;
}
/** A block only its own dialect understands (server tool use and results, search results, container uploads). */
export interface OpaquePart {
  readonly type: 'opaque';
  readonly origin: DialectId;
  readonly value: JsonObject;
}
/** One piece of a message. */
export type Part =
  | TextPart
  | ImagePart
  | AudioPart
  | DocumentPart
  | ReasoningPart
  | ToolCallPart
  | ToolResultPart
  | RefusalPart
  | OpaquePart;

/** `tool` messages hold tool results; a dialect without that role puts them where it keeps them. */
export interface Message {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  readonly parts: readonly Part[];
  /** Name of the participant. */
  readonly name?: string;
  readonly extensions?: Extensions;
}

/** A function the client runs. */
export interface FunctionTool {
  readonly type: 'function';
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments; absent means no arguments. */
  readonly parameters?: JsonObject;
  readonly strict?: boolean;
  readonly cache?: CacheMark;
  readonly extensions?: Extensions;
}
/** A tool the provider runs itself, or of a shape only one dialect has. */
export interface ProviderTool {
  readonly type: 'provider';
  readonly origin: DialectId;
  readonly value: JsonObject;
}
/** Something the model may call. */
export type Tool = FunctionTool | ProviderTool;

/** Whether the model may, must or must not call tools, or which one it must. */
export type ToolChoice = { readonly type: 'auto' | 'none' | 'required' } | { readonly type: 'tool'; readonly name: string };

/** Form of the answer. `json-schema` is native where the upstream has it and a forced tool where it has not. */
export type OutputFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json' }
  | {
      readonly type: 'json-schema';
      readonly name: string;
      readonly description?: string;
      readonly schema: JsonObject;
      readonly strict?: boolean;
    };

/** How the next token is drawn, and where to stop. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
  /** Number of alternative answers; 1 when absent. */
  readonly choices?: number;
  readonly stop?: readonly string[];
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
}

/** How much the model may think. `effort` is a word of the field, `budgetTokens` a cap; either, both or none. */
export interface Reasoning {
  readonly effort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  readonly budgetTokens?: number;
  /** `adaptive`: the model decides; `enabled`/`disabled`: said by the client. */
  readonly mode?: 'enabled' | 'disabled' | 'adaptive';
  /** Whether readable reasoning is wanted (Anthropic `display`). */
  readonly display?: 'summarized' | 'omitted';
}

/** A request of any client, decoded. */
export interface GenerateRequest {
  /** Model name as the client wrote it; routing replaces it. */
  readonly model: string;
  readonly messages: readonly Message[];
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  /** False forbids more than one tool call in an answer. */
  readonly parallelToolCalls?: boolean;
  readonly output?: OutputFormat;
  readonly sampling: Sampling;
  /** Cap on output tokens, reasoning included. */
  readonly maxOutputTokens?: number;
  readonly reasoning?: Reasoning;
  readonly stream: boolean;
  /** The client asked for usage in the stream (Anthropic clients always get it). */
  readonly includeUsage: boolean;
  readonly serviceTier?: string;
  /** End user as the client names it. */
  readonly user?: string;
  readonly metadata?: JsonObject;
  /** A cache mark on the request as a whole (Anthropic top-level `cache_control`). */
  readonly cache?: CacheMark;
  readonly extensions: Extensions;
}

/** Why an answer ended. `raw` beside it is the provider's own word. */
export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'refusal' | 'pause' | 'error' | 'other';

/** Log probabilities of output tokens, in OpenAI's shape (the only dialect that has them). */
export type Logprobs = JsonObject;

/**
 * One event of an answer. `choice` numbers alternatives from 0; `block` numbers the parts of a choice from 0 in order of first
 * appearance, and each block belongs to one kind of part. Starts and ends pair up; deltas of several blocks may interleave.
 */
export type GenerateEvent =
  | {
      readonly type: 'start';
      readonly id?: string;
      readonly model?: string;
      /** Seconds since the epoch. */
      readonly created?: number;
      readonly extensions?: Extensions;
    }
  | { readonly type: 'text-start'; readonly choice: number; readonly block: number }
  | {
      readonly type: 'text-delta';
      readonly choice: number;
      readonly block: number;
      readonly text: string;
    }
  | { readonly type: 'text-end'; readonly choice: number; readonly block: number }
  | { readonly type: 'refusal-delta'; readonly choice: number; readonly block: number; readonly text: string }
  | { readonly type: 'reasoning-start'; readonly choice: number; readonly block: number; readonly origin?: DialectId }
  | { readonly type: 'reasoning-delta'; readonly choice: number; readonly block: number; readonly text: string }
  | {
      readonly type: 'reasoning-end';
      readonly choice: number;
      readonly block: number;
      readonly signature?: string;
      readonly data?: string;
      readonly details?: readonly JsonObject[];
      /** Origin of the proofs, where the start did not know it yet. */
      readonly origin?: DialectId;
    }
  | {
      readonly type: 'tool-call-start';
      readonly choice: number;
      readonly block: number;
      readonly id: string;
      readonly name: string;
      readonly custom?: boolean;
    }
  | { readonly type: 'tool-call-delta'; readonly choice: number; readonly block: number; readonly arguments: string }
  | {
      readonly type: 'tool-call-end';
      readonly choice: number;
      readonly block: number;
      readonly signature?: string;
      readonly extensions?: Extensions;
    }
  | { readonly type: 'citation'; readonly choice: number; readonly block: number; readonly citation: Citation }
  /** A whole image or audio part made by the model. */
  | { readonly type: 'media'; readonly choice: number; readonly block: number; readonly part: ImagePart | AudioPart }
  | { readonly type: 'opaque'; readonly choice: number; readonly block: number; readonly part: OpaquePart }
  | { readonly type: 'logprobs'; readonly choice: number; readonly logprobs: Logprobs }
  /** Cumulative; may come several times; the last figure of each class counts. */
  | { readonly type: 'usage'; readonly usage: Usage }
  | {
      readonly type: 'finish';
      readonly choice: number;
      readonly reason: FinishReason;
      readonly raw?: string;
      readonly stopSequence?: string;
      readonly extensions?: Extensions;
    }
  /** The provider failed in the middle of a stream that began well. Nothing follows. */
  | { readonly type: 'error'; readonly error: GatewayError };

/** One alternative of an answer. */
export interface Choice {
  readonly index: number;
  readonly parts: readonly Part[];
  readonly finish: FinishReason;
  readonly raw?: string;
  readonly stopSequence?: string;
  readonly logprobs?: Logprobs;
  readonly extensions?: Extensions;
}

/** A whole answer: the fold of its events. */
export interface GenerateResponse {
  readonly id?: string;
  readonly model?: string;
  readonly created?: number;
  readonly choices: readonly Choice[];
  readonly usage?: Usage;
  readonly extensions?: Extensions;
  /** Set when the events ended in an error; the choices hold what came before it. */
  readonly error?: GatewayError;
}
