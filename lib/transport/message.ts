/**
 * The smallest HTTP vocabulary: what a shell hands to the gateway and what it gets back. Plain objects and Node buffers; WHATWG
 * `Request`, `Response` and streams cost five times the CPU and stay off this path.
 */

/** Lower-case header names; repeated headers are comma-joined, as both Lambda shells deliver them. */
export type Headers = Readonly<Record<string, string>>;

/**
 * Who signed a request, as AWS checked it (`requestContext.authorizer.iam` of a function URL with `AWS_IAM`). A shell takes it from its
 * platform alone, never from a header.
 */
export interface IamIdentity {
  /** `arn:aws:sts::123456789012:assumed-role/app/session`, `arn:aws:iam::123456789012:user/ann`. */
  readonly userArn: string;
  readonly accountId: string;
  readonly callerId: string;
  readonly principalOrgId?: string;
}

/** One request as a shell received it. */
export interface HttpRequest {
  /** Upper case: `POST`. */
  readonly method: string;
  /** Path as sent, still percent-encoded, without the query: `/v1/chat/completions`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** Raw bytes; empty when there was no body. */
  readonly body: Uint8Array;
  /** Address of the peer, when the shell knows it. */
  readonly ip?: string;
  /** Who signed it; only a shell whose platform checks signatures sets it. */
  readonly iam?: IamIdentity;
}

/** Bytes of a reply: all at once, or as they come. An iterable never throws; it ends with the error event of its dialect. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** What a shell writes to its socket. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** True for a body that arrives over time. */
export const isStream = (body: Body): body is AsyncIterable<Uint8Array> => !(body instanceof Uint8Array);

/** One server-sent event, as `transport/sse` cuts it from bytes. */
export interface SseFrame {
  /** The `event:` line; absent when there was none. */
  readonly event?: string;
  /** The `data:` lines, joined by newlines. */
  readonly data: string;
}

/** Bytes of several parts as one; of a single part, that part itself. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
