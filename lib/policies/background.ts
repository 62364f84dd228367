/**
 * Answers that are made after the client got their id (`background: true`). The call itself is an ordinary one, always streamed, inside
 * its hold: it goes on in the reply's `done`, for which every shell waits after the last byte. The store tells clients how it stands.
 * One small item there says how it ended: the first word counts, the maker's or the client's, and it says so to both.
 */
import type { Ending, StoredResponse } from '../domain/conversation.ts';
import { GatewayError } from '../errors.ts';
import type { Background, Exchange, Outcome, Reply, Turn } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import { describeError } from '../log.ts';
import { EventLog, Live } from './background-events.ts';
import { readerOf, storedOf, type ConversationDeps } from './conversation.ts';
import { outcomeOfFailure } from './outcome.ts';
import { onlyWhere, type Next, type Policy } from './policy.ts';

/** Follows the stream of a response and keeps count of what it says. */
export interface Follower {
  /** Reads a part of the stream; gives it back as the client may see it. The event that ends the response is held back. */
  push(chunk: Uint8Array): Uint8Array;
  /** The stream is over: what was held back, or the event that says what happened instead. */
  end(ending: Ending): Uint8Array;
  /** The response as it stands. */
  readonly response: JsonObject;
  /** The response as it ended. */
  final(ending: Ending): JsonObject;
  /** The provider's id of the response, where there is one. */
  readonly upstreamId: string | undefined;
}

/** What work in the background needs. */
export interface BackgroundDeps extends Pick<ConversationDeps, 'store' | 'ttlMs' | 'now' | 'log'> {
  /** Follows the answer to this exchange. */
  readonly follow: (exchange: Exchange) => Follower;
  /** The stream of an answer that has just begun, or that failed before it did. */
  readonly told: (exchange: Exchange, error?: GatewayError) => Uint8Array;
  /** Resolves after that many milliseconds, or early when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

/** How often the maker asks whether anybody still wants the response, milliseconds. */
const WATCH_MS = 1_000;
/** After its deadline a call may still settle and store for this long, milliseconds; one that did neither by then is lost. */
const LAST_WORDS_MS = 30_000;
/** Pauses before the store is asked again to keep an ending, milliseconds. */
const PAUSES = [200, 1_000];

/** Answers at once, and makes the response while the client is away. */
export function background(deps: BackgroundDeps): Policy {
  return onlyWhere(isInBackground, async function backgroundPolicy(exchange, next) {
    const { turn } = exchange;
    if (turn?.background === undefined) return next();
    const follower = deps.follow(exchange);
    follower.push(deps.told(exchange));
    const { response } = follower;
    const draft: StoredResponse = {
      ...recordOf(deps, exchange, turn, response),
      runsUntil: exchange.deadline + LAST_WORDS_MS,
    };
    const log = new EventLog((part, bytes) => deps.store.append(draft, part, bytes));
    await Promise.all([deps.store.begin(draft), deps.store.put(draft)]);
    exchange.life.outlive();
    exchange.generate = { ...exchange.generate, stream: true };
    const { background: asked } = turn;
    const live = asked.streams ? { live: new Live(), log } : {};
    return work({ deps, exchange, turn, background: asked, follower, id: draft.id, ...live }, next);
  });
}

const isInBackground = ({ turn }: Exchange): boolean => turn?.background !== undefined;

interface Work {
  readonly deps: BackgroundDeps;
  readonly exchange: Exchange;
  readonly turn: Turn;
  readonly background: Background;
  readonly follower: Follower;
  readonly id: string;
  /** Where the events go, for a client that reads along. */
  readonly live?: Live;
  readonly log?: EventLog;
}

/** Starts the call and answers beside it. The money waits for the call alone, the end of a live stream for the store too. */
function work(run: Work, next: Next): Reply {
  const { background: asked, follower, live } = run;
  const first = live ?? once(Buffer.from(JSON.stringify(follower.response)));
  const over = new AbortController();
  void watch(run, over.signal);
  const done = make(run, next);
  const close = async (): Promise<void> => {
    await done;
    over.abort();
    const last = await keepEnding(run);
    live?.push(last);
    live?.end();
  };
  asked.kept = close();
  const type = live === undefined ? 'application/json' : 'text/event-stream';
  const headers = { 'content-type': type, ...(live === undefined ? {} : { 'cache-control': 'no-cache' }) };
  return { status: 200, headers, body: first, done };
}

/** Makes the response. Never throws: what goes wrong is told in the response. */
async function make({ deps, exchange, follower, live, log }: Work, next: Next): Promise<Outcome> {
  const tell = (bytes: Uint8Array): void => {
    live?.push(bytes);
    log?.push(bytes);
  };
  try {
    const reply = await next();
    const { body } = reply;
    const chunks = body instanceof Uint8Array ? [body] : body;
    for await (const chunk of chunks) tell(follower.push(chunk));
    return await reply.done;
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    if (error.kind !== 'client_closed') tell(follower.push(deps.told(exchange, error)));
    return outcomeOfFailure(exchange, error);
  }
}

/** Stores the events, and ends the work once the client cancelled or deleted the response. A store that fails is asked again. */
async function watch({ deps, exchange, id, log }: Work, over: AbortSignal): Promise<void> {
  const { store, sleep, now } = deps;
  for (;;) {
    await sleep(WATCH_MS, over);
    if (over.aborted) return;
    const fate = await store.fate(id, readerOf(exchange, now())).catch(() => 'open' as const);
    // A deleted response gets no more events.
    if (fate === 'open') {
      await log?.flush().catch(() => {});
      continue;
    }
    exchange.life.end(new GatewayError('client_closed', 'The response was cancelled.'));
    return;
  }
}

/**
 * Stores how it ended, events first: whoever sees the end finds them all. Gives the last of them. Never throws: a response that cannot be
 * stored reads as failed once its time is over.
 */
async function keepEnding(run: Work): Promise<Uint8Array> {
  const { deps, exchange, turn, follower, id, log } = run;
  const { store, now } = deps;
  try {
    const ending = await insist(run, () => store.decide(id, 'finished', readerOf(exchange, now())));
    // Deleted: nobody wants to know.
    if (ending === undefined) return follower.end('cancelled');
    const last = follower.end(ending);
    log?.push(last);
    const told = await insist(run, async () => log?.flush()).then(
      () => ({}),
      // The response matters more than the way it came about: without all of its events it has none.
      () => ({ streamed: false }),
    );
    const { upstreamId } = follower;
    const record = { ...recordOf(deps, exchange, turn, follower.final(ending)), ...told };
    await insist(run, () => store.put(upstreamId === undefined ? record : { ...record, upstreamId }));
    return last;
  } catch (error) {
    deps.log('error', 'a response made in the background could not be kept', { id: exchange.id, error: describeError(error) });
    return follower.end('finished');
  }
}

function recordOf(deps: BackgroundDeps, exchange: Exchange, turn: Turn, response: JsonObject): StoredResponse {
  const found = { id: String(response['id']), response, bytes: JSON.stringify(response).length };
  const streamed = turn.background?.streams === true ? { streamed: true } : {};
  return { ...storedOf(deps, exchange, turn, found), ...streamed };
}

async function insist<T>({ deps, exchange }: Work, step: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      const pause = PAUSES[attempt];
      if (pause === undefined || deps.now() > exchange.deadline) throw error;
      await deps.sleep(pause);
    }
  }
}

/** Known in full, but not what `admit` waits for: its outcome is still to come. */
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
