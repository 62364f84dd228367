/** Runs a row's `follow`: what lies between a provider's first answer and the one that its dialect reads. */
import type { UpstreamSide } from '../dialects/dialect.ts';
import { GatewayError } from '../errors.ts';
import type { Answer, HttpClient } from '../transport/http.ts';
import type { FollowContext, FollowingCall, Provider, SigningRequest } from './provider.ts';

/** What following needs of the process. */
export interface FollowerDeps {
  readonly http: HttpClient;
  /** Resolves after that many milliseconds, or early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** An answer to follow. */
export interface Followed {
  readonly provider: Provider;
  /** A success. */
  readonly answer: Answer;
  /** The call it answers. */
  readonly sent: SigningRequest;
  readonly stream: boolean;
  /** Ends everything: the client left, or the deadline came. */
  readonly signal: AbortSignal;
  /** Reads the provider's errors. */
  readonly upstream: Pick<UpstreamSide, 'decodeError'>;
}

/** The answer that the dialect reads; the very one given for rows that need no following. */
export type Follower = (followed: Followed) => Promise<Answer>;

/** Largest error body read, bytes. */
const ERROR_LIMIT = 256 * 1024;

/** Time limit of a call that nobody waits for, milliseconds. */
const LAST_LIMIT_MS = 5_000;

/** A follower. */
export function createFollower({ http, sleep }: FollowerDeps): Follower {
  return async function follow({ provider, answer, sent, stream, signal, upstream }) {
    if (provider.follow === undefined) return answer;
    const context: FollowContext = {
      sent,
      stream,
      async send(call) {
        const next = await http.send({ ...call, signal });
        if (next.status < 400) return next;
        const body = await next.bytes(ERROR_LIMIT).catch(() => new Uint8Array());
        throw upstream.decodeError({ status: next.status, headers: next.headers, body });
      },
      async wait(ms) {
        signal.throwIfAborted();
        await sleep(ms, signal);
        signal.throwIfAborted();
      },
      sendLast: (call) => void sendAway(http, call),
    };
    return provider.follow(answer, context);
  };
}

async function sendAway(http: HttpClient, call: FollowingCall): Promise<void> {
  try {
    (await http.send({ ...call, signal: AbortSignal.timeout(LAST_LIMIT_MS) })).discard();
  } catch {
    // Nobody waits for it.
  }
}

/** An answer with another body: bytes that are there, or that come. `ended`: told when nobody reads on. */
export function answerOf(
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
  type: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
  ended: () => void = () => {},
): Answer {
  const { 'content-length': _length, 'content-encoding': _encoding, ...kept } = headers;
  const read = async (limit: number): Promise<Uint8Array> => {
    if (body instanceof Uint8Array) return body;
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of body) {
      size += part.length;
      if (size > limit) throw new GatewayError('upstream', `The answer of the provider is longer than ${limit} bytes.`);
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
  return {
    status,
    headers: { ...kept, 'content-type': type },
    body: body instanceof Uint8Array ? once(body) : body,
    bytes: read,
    discard: ended,
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
