/**
 * The contract of a wire format. One folder per dialect, six files (`wire`, `request`, `response`, `stream`, `error`, `index`),
 * serving both sides: as the client's language (decode request, encode answer) and as the provider's (encode request, decode
 * answer). Formats too poor to be a client's serve the provider's side only, other envelopes of one the client's. A dialect knows how
 * to talk; it never knows to whom.
 */
import type { GatewayError } from '../errors.ts';
import type { DialectId, GenerateEvent, GenerateRequest, GenerateResponse, Warning } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { Usage } from '../kinds/usage.ts';
import type { Headers, SseFrame } from '../transport/message.ts';

/** What the encoder of a request must know of the model it speaks to. All of it comes from the provider row and the catalog. */
export interface UpstreamTarget {
  /** The provider's name of the model. */
  readonly model: string;
  /** Most output tokens the model can write, when known; dialects that demand a cap use it as default. */
  readonly maxOutputTokens?: number;
  /** How the model gives JSON by schema: its own parameter, or a forced tool call. */
  readonly structuredOutput: 'native' | 'tool';
  /** Whether the model reasons; unknown models are taken to. */
  readonly supportsReasoning?: boolean;
  /** Whether the model decides itself how long to think (Anthropic adaptive thinking); unknown models are taken not to. */
  readonly supportsAdaptiveThinking?: boolean;
  /** Whether the model takes temperature, top-p and top-k; unknown models are taken to. */
  readonly supportsSampling?: boolean;
  /** Whether an OpenAI-like API reads `cache_control` marks; others are taken not to, and many refuse the field. */
  readonly cacheMarks?: boolean;
  /** Where an OpenAI-like API wants the reasoning of earlier turns; absent: nowhere, and strict ones refuse such fields. */
  readonly reasoningField?: ReasoningField;
}

/** Fields in which OpenAI-like APIs take back earlier reasoning; `reasoning_details` are OpenRouter's opaque items. */
export type ReasoningField = 'reasoning_content' | 'reasoning' | 'reasoning_details';

/** A request in the provider's language. */
export interface EncodedRequest {
  readonly body: JsonObject;
  /** Headers the dialect needs because of what the request holds (`anthropic-beta`). */
  readonly headers?: Headers;
  /** What the dialect could not say. */
  readonly warnings: readonly Warning[];
  /** Handed to the decoder of the answer. */
  readonly decoding: Decoding;
}

/** What the decoder of an answer must know of its request. */
export interface Decoding {
  /** Name of the tool that was forced to get JSON by schema: its arguments are the text of the answer. */
  readonly jsonTool?: string;
}

/** What an encoder of answers must know. */
export interface ReplyContext {
  /** Model name as the client wrote it. */
  readonly model: string;
  /** Id for the answer where the provider gave none: unique per call. */
  readonly id: string;
  /** Now, in seconds since the epoch, for `created` where the provider gave none. */
  readonly created: number;
  /** Whether the client wants the usage chunk. */
  readonly includeUsage: boolean;
  /** What the client sent beside the neutral fields (`request.extensions[dialect.id]`): some of it decides the shape of the answer. */
  readonly extensions?: JsonObject;
  /** The client's body as it came, for dialects whose answers repeat the settings of the request (OpenAI's Responses). */
  readonly request?: JsonObject;
  /** USD of this usage, for clients that asked for the cost in the usage; undefined when not asked or unknown. */
  readonly costOf?: (usage: Usage) => number | undefined;
  /** Told of everything the client's dialect cannot say. */
  readonly warn: (warning: Warning) => void;
}

/** Turns events into the text of a client's stream, framing included (`event:`/`data:` lines). One per answer. */
export interface StreamEncoder {
  /** Text to send for this event; empty when it needs none. */
  push(event: GenerateEvent): string;
  /** Text that closes the stream (`[DONE]`); closes blocks and reports a missing finish as an error. Called once, also after an error. */
  end(): string;
}

/** Turns frames of a provider's stream into events. One per answer. */
export interface StreamDecoder {
  push(frame: SseFrame): readonly GenerateEvent[];
  /** The socket ended: closes open blocks; a stream without its terminal event yields an `error` event. */
  end(): readonly GenerateEvent[];
}

/** A provider's answer that was no success. */
export interface FailedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * How a stream is cut into frames. A decoder gets every frame as `{event?, data}`, whatever the framing: an NDJSON line is `data`, an AWS
 * event-stream message is its `:event-type` (or `:exception-type`) as `event` and its payload as `data`, an element of a JSON array is
 * `data`. An encoder writes text in its own framing; for `aws-event-stream` it writes one JSON line `{"event", "data"}` per message
 * (`data` an object) and the transport makes the binary frames with their checksums.
 */
export type Framing = 'sse' | 'ndjson' | 'json-array' | 'aws-event-stream';

/** What the route says of a request, for wire formats that name model and streaming in the path. */
export interface Asked {
  readonly model?: string;
  readonly stream?: boolean;
}

/** What both sides of a wire format have in common. */
interface WireFormat {
  readonly id: DialectId;
  /** Framing of its streams, on both sides. */
  readonly framing: Framing;
}

/** A wire format as the language of clients. */
export interface ClientSide extends WireFormat {
  /** Framing of a client's stream where the query of its request chooses (Gemini's `alt=sse`); absent: `framing`, always. */
  framingFor?(query: URLSearchParams): Framing;
  /**
   * For dialects whose bodies are of several kinds: the dialect that this body is nearest to, whose APIs suit best, and the kind itself,
   * for APIs of this very dialect that take it.
   */
  shapeOf?(body: JsonObject, model: string): { readonly like: DialectId; readonly variant: string };
  /** True where model and streaming are in the path: bodies hold neither. */
  readonly modelInPath?: boolean;

  /** Client -> canonical. Throws `invalid_request` (with `param`) on what is wrong; keeps unknown fields in `extensions`. */
  decodeRequest(body: JsonObject, asked?: Asked): GenerateRequest;
  /**
   * The request as other dialects are to read it: the defaults of this one spelled out, `warn` told of what they cannot say. Absent
   * where nothing needs saying. Throws `invalid_request` for what makes no sense anywhere else.
   */
  forOthers?(request: GenerateRequest, warn: (warning: Warning) => void): GenerateRequest;
  /** Canonical -> client, not streamed. */
  encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject;
  /** Canonical -> client, streamed. */
  encodeStream(context: ReplyContext): StreamEncoder;
  /** Headers in which clients of whole answers look for the usage; absent where its place is in the body. */
  usageHeaders?(usage: Usage): Headers;
  /** The client's error body. The status is `error.status`, unless the dialect renames it (see `statusOf`). */
  encodeError(error: GatewayError, callId: string): JsonObject;

  /** What a passthrough of this dialect must do to stay countable. */
  readonly passthrough: Passthrough;
}

/** A wire format as the language of providers. */
export interface UpstreamSide extends WireFormat {
  /** Canonical -> provider. */
  encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest;
  /** Provider -> canonical, not streamed: the events a stream of the same answer would have had. Throws `upstream` on garbage. */
  decodeResponse(body: unknown, decoding: Decoding): readonly GenerateEvent[];
  /** Provider -> canonical, streamed. */
  decodeStream(decoding: Decoding): StreamDecoder;
  /** What the headers of a whole answer tell of its usage, for APIs whose bodies do not. */
  usageIn?(headers: Headers): Usage | undefined;
  /** A failed answer of a provider, with kind, status, message and retry-after kept. Never throws, whatever the bytes. */
  decodeError(answer: FailedAnswer): GatewayError;

  /** How a provider of this dialect is asked to count; absent where none of them has a counter. */
  readonly counting?: Counting;
}

/** A wire format of `generate` that both clients and providers speak. */
export type Dialect = ClientSide & UpstreamSide;

/** A provider's counter of input tokens: it takes nearly the same body as the API itself. */
export interface Counting {
  /**
   * A request as the counter takes it: counters refuse what only an answer needs. `model`: the provider's name of it; `variant`: which
   * of the dialect's counters, where there are several.
   */
  bodyOf(body: JsonObject, model: string, variant?: string): JsonObject;
  /** True for an error that says the model cannot be counted, which nobody can know before. */
  refusesModel?(error: GatewayError): boolean;
  /** Input tokens in the counter's answer. Throws `upstream` on garbage. */
  tokensOf(answer: unknown): number;
}

/** Same dialect on both sides: the body goes through but for these edits. */
export interface Passthrough {
  /** Request headers of the client that belong to the dialect and go along (`anthropic-beta`). Lower case. */
  readonly headers?: readonly string[];
  /**
   * A request without the reasoning that only another provider understands, which this gateway wrote into its answers: the provider
   * called now would refuse it. Returns the same object when there is none.
   */
  withoutForeignProofs(body: JsonObject, target: Pick<UpstreamTarget, 'reasoningField'>): JsonObject;
  /** Edits a request so that its stream reports usage; returns the same object when nothing is needed. */
  askUsage(body: JsonObject): JsonObject;
  /** True when the client did not ask for the usage that `askUsage` made the provider send: such frames are taken out again. */
  hidesUsage(body: JsonObject): boolean;
  /** True for a frame that only carries usage. Called only for frames of streams where `hidesUsage`. */
  isUsageFrame(frame: SseFrame): boolean;
  /** The same frame data with the cost in its usage, for clients that asked; undefined when the frame has no usage. */
  withCost(data: string, costOf: (usage: Usage) => number | undefined): string | undefined;
  /** Caps the output tokens of a raw body (a clamp near a budget's end). `model`: as the client named it. */
  clampOutput(body: JsonObject, tokens: number, model?: string): JsonObject;
}
