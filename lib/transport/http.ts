/**
 * The client for calls to providers: undici below, own deadlines, plain objects above.
 *
 * No time limit lies between the chunks of an answer (models think for minutes): the caller's `signal` is the deadline.
 */
import { Readable, pipeline } from 'node:stream';
import { GatewayError } from '../errors.ts';
import { Incoming, type AnswerHead, type CallLimits } from './http-answer.ts';
import type { Headers } from './message.ts';
import { createAgent, type Agent } from './undici.ts';

/** A call to a provider. Times in milliseconds. */
export interface HttpCall {
  /** Absolute, http or https. */
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers: Headers;
  readonly body?: Uint8Array | string;
  /** Ends the call at any moment. Its reason is what the call throws, when that is a `GatewayError`; else `client_closed`. */
  readonly signal?: AbortSignal;
  readonly connectTimeoutMs?: number;
  /** From when the connection stands until the headers of the answer are in; bounds connecting as well. */
  readonly headersTimeoutMs?: number;
  /**
   * The call must not begin to go out at or after this moment, milliseconds since the epoch by the client's clock: a process that was
   * suspended wakes up without a timer having fired.
   */
  readonly notAfter?: number;
  /** Sent once at most, so that whoever counts its tries knows of each: never again by the client itself. */
  readonly once?: true;
  /** Told before this throws, when the call went out and no answer began: nobody knows what became of it. */
  readonly onUnanswered?: () => void;
}

/** What a provider answered, whatever the status. Exactly one of `body`, `bytes` and `discard` is used, once. */
export interface Answer extends AnswerHead {
  /** Bytes as they come, decompressed. Throws `GatewayError` when the connection breaks before the end. */
  readonly body: AsyncIterable<Uint8Array>;
  /**
   * The whole body.
   *
   * @param onBroken told what came, before this throws
   * @throws GatewayError `upstream` when it is longer than `limit` bytes; what `body` throws.
   */
  bytes(limit: number, onBroken?: (arrived: Uint8Array) => void): Promise<Uint8Array>;
  /** Gives up the body and closes its connection. */
  discard(): void;
}

/** Sends calls over kept connections. */
export interface HttpClient {
  /**
   * Resolves when the headers are in.
   *
   * @throws GatewayError `upstream`, `timeout`, `client_closed`, or the reason of the signal.
   */
  send(call: HttpCall): Promise<Answer>;
  /** Waits for open calls and closes all connections. */
  close(): Promise<void>;
}

/** Settings of a client; times in milliseconds. */
export interface HttpClientOptions {
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** How long an idle connection is trusted; default 4,000. */
  readonly keepAliveMs?: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * A client. Connections are kept for `keepAliveMs`; after a longer pause by the wall clock all are replaced, because a frozen
 * Lambda environment misses their end. A kept connection that breaks before any byte of the answer is tried once more, except for
 * calls that are sent `once`.
 */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { connectTimeoutMs = 10_000, keepAliveMs = 4_000, now = Date.now } = options;
  let agent = createAgent({ connectTimeoutMs, keepAliveMs });
  let lastUsed = now();

  const touch = (): void => {
    lastUsed = now();
  };

  function freshAgent(): Agent {
    const pause = now() - lastUsed;
    touch();
    if (pause <= keepAliveMs) return agent;
    void agent.close();
    agent = createAgent({ connectTimeoutMs, keepAliveMs });
    return agent;
  }

  return {
    async send(call) {
      const first = dispatch(freshAgent(), call, { onEnd: touch, now });
      try {
        return answerOf(await first.head, first);
      } catch (error) {
        if (call.once === true || !first.repeatable) throw lost(call, first, error);
        const second = dispatch(agent, call, { onEnd: touch, now });
        try {
          return answerOf(await second.head, second);
        } catch (again) {
          throw lost(call, second, again);
        }
      }
    },
    close: () => agent.close(),
  };
}

/** The error of a call without an answer, once it was told whether it went out. */
function lost({ onUnanswered }: HttpCall, { sent }: Incoming, error: unknown): unknown {
  if (sent) onUnanswered?.();
  return error;
}

/** How a client follows its calls. */
interface Watch {
  readonly onEnd: () => void;
  readonly now: () => number;
}

function dispatch(agent: Agent, call: HttpCall, { onEnd, now }: Watch): Incoming {
  // Before anything listens: what throws here must leave nothing behind.
  const address = addressOf(call);
  const { notAfter } = call;
  const refusal = (): GatewayError | undefined =>
    notAfter === undefined || now() < notAfter
      ? undefined
      : new GatewayError('timeout', 'The time of this call was over before it could be sent to the provider; it was not sent.');
  const limits: CallLimits = {
    refusal,
    signal: call.signal,
    connectTimeoutMs: call.connectTimeoutMs,
    headersTimeoutMs: call.headersTimeoutMs,
    onEnd,
  };
  const incoming = new Incoming(limits);
  if (incoming.failed) return incoming;
  agent.dispatch(
    {
      origin: address.origin,
      path: address.path,
      method: call.method,
      headers: headerList(call.headers),
      body: call.body ?? null,
    },
    incoming,
  );
  return incoming;
}

/** Names and values in turn, which undici reads without asking what kind of object it was given. */
function headerList(headers: Headers): string[] {
  const list = 'accept-encoding' in headers ? [] : ['accept-encoding', 'identity'];
  for (const name in headers) list.push(name, headers[name] as string);
  return list;
}

/** An address as a connection needs it. */
interface Address {
  readonly origin: string;
  readonly path: string;
}

/** Addresses taken apart before, by their text: a process calls few, again and again. None with a query, which may hold a key. */
const addresses = new Map<string, Address>();
const MOST_ADDRESSES = 500;

function addressOf({ url }: HttpCall): Address {
  const known = addresses.get(url);
  if (known !== undefined) return known;
  const parsed = URL.parse(url);
  if (parsed === null) throw new GatewayError('internal', 'The address of the provider is not valid: check api_base.');
  const address = { origin: parsed.origin, path: parsed.pathname + parsed.search };
  if (parsed.search !== '') return address;
  if (addresses.size >= MOST_ADDRESSES) addresses.clear();
  addresses.set(url, address);
  return address;
}

function answerOf(head: AnswerHead, incoming: Incoming): Answer {
  const encoding = head.headers['content-encoding']?.trim().toLowerCase();
  const packed = encoding !== undefined && isCompressed(encoding);
  const body = packed ? decompressed(incoming, encoding) : incoming;
  return {
    status: head.status,
    headers: packed ? withoutLength(head.headers) : head.headers,
    body,
    bytes: (limit, onBroken) => readAll(body, limit, onBroken),
    discard: () => void incoming.return(),
  };
}

async function readAll(
  body: AsyncIterable<Uint8Array>,
  limit: number,
  onBroken?: (arrived: Uint8Array) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > limit) throw new GatewayError('upstream', `The answer of the provider is longer than ${limit} bytes.`);
      chunks.push(chunk);
    }
  } catch (error) {
    onBroken?.(Buffer.concat(chunks));
    throw error;
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}

type Compression = 'gzip' | 'x-gzip' | 'br' | 'deflate';

const isCompressed = (encoding: string): encoding is Compression => ['gzip', 'x-gzip', 'br', 'deflate'].includes(encoding);

/** Some providers compress although we ask them not to. */
async function* decompressed(source: AsyncIterable<Uint8Array>, encoding: Compression): AsyncGenerator<Uint8Array> {
  const { createBrotliDecompress, createGunzip, createInflate } = await import('node:zlib');
  const decoder = encoding === 'br' ? createBrotliDecompress() : encoding === 'deflate' ? createInflate() : createGunzip();
  // The iteration below reports the failure; pipeline only wants to be told where to.
  pipeline(Readable.from(source, { objectMode: false }), decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('upstream', 'The compressed answer of the provider cannot be read.', { cause: error });
  }
}

function withoutLength(headers: Headers): Headers {
  const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers;
  return rest;
}
