/**
 * Relays a provider's answer to the client: untouched where both speak one dialect, through events where not, and counts what it
 * consumed on the way. A body never throws: a failure after the head becomes the client dialect's error event and a normal end.
 */
import type { ClientSide, Decoding, ReplyContext, StreamDecoder, UpstreamSide } from './dialects/dialect.ts';
import { GatewayError } from './errors.ts';
import type { Exchange, Outcome, Reply, Target } from './exchange.ts';
import { foldEvents, unfold } from './kinds/fold.ts';
import type { GenerateEvent } from './kinds/generate.ts';
import type { Usage } from './kinds/usage.ts';
import { usageOfBroken } from './counting/broken-answer.ts';
import type { Recount } from './counting/recount.ts';
import { Tally, type Estimator } from './tally.ts';
import type { Answer } from './transport/http.ts';
import { codecOf, createStreamWriter, isStreamOf, type Editing, type FrameParser } from './transport/framing.ts';
import type { FrameBatch } from './transport/sse.ts';
import { joined, type Headers, type SseFrame } from './transport/message.ts';

/** What relaying one answer needs. */
export interface Relay {
  readonly exchange: Exchange;
  readonly answer: Answer;
  readonly client: ClientSide;
  readonly upstream: UpstreamSide;
  readonly decoding: Decoding;
  /** Both sides speak one dialect, in which the provider really answers: its bytes go through. */
  readonly passes: boolean;
  readonly context: ReplyContext;
  /** The client did not ask for the usage frames we asked the provider for. */
  readonly hidesUsage: boolean;
  readonly estimator: Estimator;
  /** How much the target may write. */
  readonly limits: Pick<Target, 'maxOutputTokens' | 'takesNoCap'>;
  /** Counts again what could only be estimated, once the stream is over. */
  readonly recount: Recount;
  readonly now: () => number;
  /** Removes what a client must not see from a provider's text. */
  readonly redact: (error: GatewayError) => GatewayError;
}

/** Largest answer that is read whole, bytes. */
const WHOLE_LIMIT = 64 * 1024 * 1024;

const utf8 = new TextEncoder();

const PASSED = /^(x-ratelimit-|anthropic-ratelimit-|x-request-id$|request-id$|openai-(?!organization)|x-groq-|cf-ray$)/;

/** Headers of the provider that clients of LiteLLM look for, under its prefix. */
function providerHeaders(headers: Headers): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name in headers) if (PASSED.test(name)) passed[`llm_provider-${name}`] = headers[name] as string;
  return passed;
}

const isFramed = ({ answer, upstream, exchange }: Relay): boolean =>
  isStreamOf(upstream.framing, answer.headers['content-type'], exchange.generate.stream);

/** The reply for a successful answer (status below 400). */
export async function relay(run: Relay): Promise<Reply> {
  const framed = isFramed(run);
  return framed && run.exchange.generate.stream ? streamed(run) : whole(run, framed);
}

/** Events of an answer that was read whole. `onCut` is told of one that lacks its end: a different thing from one that tells an error. */
function decodeWhole(run: Relay, bytes: Uint8Array, framed: boolean, onCut: () => void): readonly GenerateEvent[] {
  if (framed) {
    const parser = codecOf(run.upstream.framing).parser();
    const decoder = run.upstream.decodeStream(run.decoding);
    const events = [...parser.push(bytes), ...parser.end()].flatMap((frame) => decoder.push(frame));
    const last = decoder.end();
    if (last.some(isError) && !events.some(isError)) onCut();
    return [...events, ...last];
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // The page of something in between is no answer of a model; the first half of an answer is.
    if (/^\s*[{[]/.test(text)) onCut();
    throw new GatewayError('upstream', 'The provider answered with something that is not JSON.');
  }
  return run.upstream.decodeResponse(body, run.decoding);
}

const isError = ({ type }: GenerateEvent): boolean => type === 'error';

/** What the whole frames say that arrived of a stream, as far as they can be read. */
function eventsIn({ upstream, decoding }: Relay, arrived: Uint8Array): readonly GenerateEvent[] {
  const events: GenerateEvent[] = [];
  try {
    const decoder = upstream.decodeStream(decoding);
    for (const frame of codecOf(upstream.framing).parser().push(arrived)) events.push(...decoder.push(frame));
  } catch {
    // What broke off may be broken in itself; what came before counts.
  }
  return events;
}

/** Books what a body used that broke off: a retry, or the end of the call, finds it in the exchange. */
function billBroken(
  { exchange, answer, estimator, limits }: Relay,
  arrived: Uint8Array,
  events?: readonly GenerateEvent[],
): void {
  const announced = Number(answer.headers['content-length'] ?? 0);
  const broken = { arrived, announced, ...(events === undefined ? {} : { events }) };
  exchange.billed = usageOfBroken(broken, estimator, exchange.generate, limits);
}

/** Reads the answer to its end, then replies: with the same bytes, translated, or as the stream the client asked for. */
async function whole(run: Relay, framed: boolean): Promise<Reply> {
  const { exchange, answer, client, context } = run;
  const bytes = await answer.bytes(WHOLE_LIMIT, (arrived) =>
    billBroken(run, arrived, framed ? eventsIn(run, arrived) : undefined),
  );
  const firstByteMs = run.now() - exchange.receivedAt;
  const tally = new Tally(run.estimator);
  // Of frames, what they say is counted below in any case.
  const events = decodeWhole(run, bytes, framed, () => billBroken(run, bytes, framed ? [] : undefined));
  tally.take(events);
  const told = tally.usage === undefined ? run.upstream.usageIn?.(answer.headers) : undefined;
  if (told !== undefined) tally.push({ type: 'usage', usage: told });
  // What was not billed may be tried elsewhere; what was has to reach the books, whatever fails from here on.
  if (tally.error !== undefined && !tally.spoke && !isBilled(tally.usage)) throw run.redact(tally.error);
  const usage = tally.settled(tally.error === undefined ? 'success' : 'error');
  const error = tally.error === undefined ? undefined : run.redact(tally.error);
  const outcome: Outcome = {
    status: error === undefined ? 'success' : 'error',
    firstByteMs,
    ...(usage === undefined ? {} : { usage }),
    ...(error === undefined ? {} : { error }),
  };
  const headers = { ...providerHeaders(answer.headers), ...(usage === undefined ? {} : client.usageHeaders?.(usage)) };
  const done = Promise.resolve(outcome);
  exchange.committed = true;
  if (usage !== undefined) exchange.billed = usage;
  if (error !== undefined && !tally.spoke) throw error;
  if (exchange.generate.stream) {
    const encoder = client.encodeStream(context);
    const told = [...unfold(foldEvents([...events, ...tally.missing()]))];
    const text = told.map((event) => encoder.push(redacted(run, event))).join('') + encoder.end();
    return { status: 200, headers: { ...headers, ...streamHeaders(run) }, body: codecOf(framingOf(run)).writer(text), done };
  }
  if (run.passes && !framed && run.decoding.jsonTool === undefined && error === tally.error) {
    return {
      status: answer.status,
      headers: { ...headers, 'content-type': answer.headers['content-type'] ?? 'application/json' },
      body: bytes,
      done,
    };
  }
  if (error !== undefined) throw error;
  const body = utf8.encode(JSON.stringify(client.encodeResponse(foldEvents([...events, ...tally.missing()]), context)));
  return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body, done };
}

/** The framing this client wants its stream in. */
const framingOf = ({ client, exchange }: Relay): string => client.framingFor?.(exchange.request.query) ?? client.framing;

const isBilled = (usage: Usage | undefined): boolean => (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0) > 0;

const streamHeaders = (run: Relay): Record<string, string> => ({
  'content-type': codecOf(framingOf(run)).type,
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
});

/** Replies at the head and relays the stream as it comes. */
function streamed(run: Relay): Reply {
  const { exchange, answer } = run;
  const { promise: done, resolve } = Promise.withResolvers<Outcome>();
  const firstByteMs = run.now() - exchange.receivedAt;
  const tally = new Tally(run.estimator);
  let firstTokenMs: number | undefined;
  let finished = false;
  const finish = (status: Outcome['status'], error?: GatewayError): void => {
    if (finished) return;
    finished = true;
    const usage = tally.settled(status);
    const outcome = {
      status,
      firstByteMs,
      ...(firstTokenMs === undefined ? {} : { firstTokenMs }),
      ...(error === undefined ? {} : { error: run.redact(error) }),
    };
    if (usage === undefined) resolve(outcome);
    else if (usage.source !== 'estimated') resolve({ ...outcome, usage });
    else void run.recount(usage, run.estimator.unreported()).then((better) => resolve({ ...outcome, usage: better }));
  };
  let started = false;
  const left = (): void => {
    if (started) return;
    answer.discard();
    finish('aborted');
  };
  exchange.signal.addEventListener('abort', left, { once: true });

  async function* body(): AsyncGenerator<Uint8Array> {
    started = true;
    let ended = false;
    try {
      const stage = run.passes && run.decoding.jsonTool === undefined ? passing(run, tally) : translating(run, tally);
      for await (const chunk of answer.body) {
        const bytes = stage.push(chunk);
        if (firstTokenMs === undefined && tally.spoke) firstTokenMs = run.now() - exchange.receivedAt;
        if (bytes.length > 0) yield bytes;
      }
      const rest = stage.end();
      if (rest.length > 0) yield rest;
      ended = true;
      finish(tally.error === undefined ? 'success' : 'error', tally.error);
    } catch (thrown) {
      ended = true;
      const error = failure(exchange, thrown);
      finish(exchange.signal.aborted ? 'aborted' : 'error', error);
      if (error.kind !== 'client_closed') yield errorBytes(run, error);
    } finally {
      exchange.signal.removeEventListener('abort', left);
      // The shell stopped reading in the middle: the client is gone.
      if (!ended) {
        answer.discard();
        finish('aborted');
      }
    }
  }

  exchange.committed = true;
  const framing = framingOf(run);
  const framed = framing === run.client.framing ? body() : reframed(body(), run.client.framing, framing);
  return { status: 200, headers: { ...providerHeaders(answer.headers), ...streamHeaders(run) }, body: framed, done };
}

/** The same frames in another framing: what a dialect's encoder wrote, error events included, as this client asked for it. */
async function* reframed(body: AsyncIterable<Uint8Array>, from: string, to: string): AsyncGenerator<Uint8Array> {
  const parser = codecOf(from).parser();
  const writer = createStreamWriter(to);
  const write = (frames: readonly SseFrame[]): Uint8Array =>
    writer.write(frames.map(({ data }) => `data: ${data}\n\n`).join(''));
  for await (const chunk of body) {
    const frames = parser.push(chunk);
    if (frames.length > 0) yield write(frames);
  }
  const rest = parser.end();
  if (rest.length > 0) yield write(rest);
  yield writer.end();
}

/** What to tell of a stream that broke: the reason of our own abort where there was one. */
function failure(exchange: Exchange, thrown: unknown): GatewayError {
  if (!exchange.signal.aborted) return GatewayError.from(thrown);
  const reason: unknown = exchange.signal.reason;
  return reason instanceof GatewayError ? reason : new GatewayError('client_closed', 'The client closed the connection.');
}

/** The event as a client may see it. */
const redacted = ({ redact }: Relay, event: GenerateEvent): GenerateEvent =>
  event.type === 'error' ? { ...event, error: redact(event.error) } : event;

/** The error as the client's stream says it. */
function errorBytes(run: Relay, error: GatewayError): Uint8Array {
  const encoder = run.client.encodeStream({ ...run.context, warn: () => {} });
  const text = encoder.push({ type: 'error', error: run.redact(error) }) + encoder.end();
  return codecOf(run.client.framing).writer(text);
}

/** What becomes of a stream on its way: bytes in, bytes out, which may be none. What one chunk brought leaves as one chunk. */
interface Stage {
  push(chunk: Uint8Array): Uint8Array;
  end(): Uint8Array;
}

const NO_BYTES = new Uint8Array();

/** Same dialect: bytes as they are, while the decoder watches. */
function passing(run: Relay, tally: Tally): Stage {
  const { editing, parser } = codecOf(run.upstream.framing);
  return editing === undefined ? watching(run, parser(), tally) : editingFrames(run, editing, tally);
}

/** Bytes go through as they come. */
function watching(run: Relay, parser: FrameParser, tally: Tally): Stage {
  const decoder = run.upstream.decodeStream(run.decoding);
  return {
    push(chunk) {
      for (const frame of parser.push(chunk)) watch(decoder, frame, tally);
      return chunk;
    },
    end() {
      for (const frame of parser.end()) watch(decoder, frame, tally);
      return lastBytes(run, decoder, tally, { unbroken: tally.error === undefined, tail: NO_BYTES });
    },
  };
}

/** Bytes leave in whole frames, so that an error can follow wherever the provider breaks off. */
function editingFrames(run: Relay, { batcher, text }: Editing, tally: Tally): Stage {
  const decoder = run.upstream.decodeStream(run.decoding);
  const batches = batcher();
  let unreadable = false;
  const ready = (batch: FrameBatch): Uint8Array =>
    edited(batch, (frame) => {
      if (unreadable) return NO_BYTES;
      const before = tally.error;
      watch(decoder, frame, tally);
      const { error } = tally;
      if (error !== undefined && error !== before) {
        // What our own decoder cannot read, no client can; nor is there a way back into the stream.
        unreadable = error.detail.fromUpstream !== true;
        if (unreadable || run.redact(error) !== error) return errorBytes(run, error);
      }
      return substitute(run, frame, text);
    });
  return {
    push: (chunk) => ready(batches.push(chunk)),
    end() {
      // What is left lacks its end: half a frame is an error too, and no client could read it.
      const unbroken = tally.error === undefined;
      return lastBytes(run, decoder, tally, { unbroken, tail: ready(batches.end()) });
    },
  };
}

/** The end of a passed stream: an error that nobody has told yet, or what was left. */
function lastBytes(
  run: Relay,
  decoder: StreamDecoder,
  tally: Tally,
  { unbroken, tail }: { readonly unbroken: boolean; readonly tail: Uint8Array },
): Uint8Array {
  for (const event of decoder.end()) tally.push(event);
  return unbroken && tally.error !== undefined ? errorBytes(run, tally.error) : tail;
}

function watch(decoder: StreamDecoder, frame: SseFrame, tally: Tally): void {
  for (const event of decoder.push(frame)) tally.push(event);
}

/** The bytes of a batch with its substitutes; a frame without one stays as it is. Most batches have none and are not taken apart. */
function edited({ raw, frames, parts }: FrameBatch, substituteOf: (frame: SseFrame) => Uint8Array | undefined): Uint8Array {
  const substitutes = frames.map(substituteOf);
  if (substitutes.every((bytes) => bytes === undefined)) return raw;
  let at = 0;
  return joined(parts().map((part) => (part.frame === undefined ? part.raw : (substitutes[at++] ?? part.raw))));
}

/** What the client gets in the place of a frame: nothing where it did not ask for the usage, the cost where it did ask for that. */
function substitute(run: Relay, frame: SseFrame, textOf: (frame: SseFrame) => string): Uint8Array | undefined {
  if (run.hidesUsage && run.client.passthrough.isUsageFrame(frame)) return NO_BYTES;
  if (run.context.costOf === undefined) return undefined;
  const data = run.client.passthrough.withCost(frame.data, run.context.costOf);
  return data === undefined ? undefined : codecOf(run.client.framing).writer(textOf({ ...frame, data }));
}

/** Different dialects: frames to events to the client's frames. */
function translating(run: Relay, tally: Tally): Stage {
  const parser = codecOf(run.upstream.framing).parser();
  const decoder = run.upstream.decodeStream(run.decoding);
  const encoder = run.client.encodeStream(run.context);
  const { writer } = codecOf(run.client.framing);
  const encode = (events: readonly GenerateEvent[]): string => {
    let text = '';
    for (const event of events) {
      if (tally.error !== undefined) break;
      tally.push(event);
      text += encoder.push(redacted(run, event));
    }
    return text;
  };
  const read = (frames: readonly SseFrame[]): string => {
    let text = '';
    for (const frame of frames) text += encode(decoder.push(frame));
    return text;
  };
  const bytesOf = (text: string): Uint8Array => (text === '' ? NO_BYTES : writer(text));
  return {
    push: (chunk) => bytesOf(read(parser.push(chunk))),
    end() {
      let text = read(parser.end()) + encode(decoder.end());
      for (const event of tally.missing()) text += encoder.push(event);
      return bytesOf(text + encoder.end());
    },
  };
}
