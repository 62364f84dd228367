/** The events of a response that was made, or is being made, in the background: for clients that take its stream up again. */
import { isResponseId, runningView, type Reader, type StoredResponse } from '../domain/conversation.ts';
import { GatewayError } from '../errors.ts';
import type { JsonObject } from '../kinds/json.ts';
import { notFound, wrong, type StoredRequest } from './stored-responses.ts';
import type { ConversationStore } from '../stores/conversations.ts';

/** Pause before the store is asked for more events, milliseconds. */
const POLL_MS = 500;

/** What a stream of stored events needs. */
export interface StoredStreamDeps {
  readonly store: ConversationStore;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly now: () => number;
  /** Bytes in, the same bytes in whole frames out, with the number of each event. */
  readonly cutter: () => { push(bytes: Uint8Array): readonly NumberedFrame[] };
}

/** An event of a stream. */
export interface NumberedFrame {
  readonly bytes: Uint8Array;
  readonly number: number;
}

/**
 * The events of a response that was asked for with `stream` and `background`: those there are, and those to come until it is over.
 *
 * @param signal ends the stream: the client left, or the deadline came. It can be taken up again.
 * @throws GatewayError `not_found`; `invalid_request` for a response without events, or a number that is none
 */
export async function streamStored(
  deps: StoredStreamDeps,
  { id, query, reader }: Pick<StoredRequest, 'id' | 'query' | 'reader'>,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const after = Number(query.get('starting_after') ?? -1);
  if (!Number.isInteger(after)) throw wrong('starting_after', 'the number of an event', query.get('starting_after') ?? '');
  const [stored] = isResponseId(id) ? await deps.store.get([id], reader) : [];
  if (stored === undefined) throw notFound(id ?? '');
  if (stored.streamed !== true) {
    const message = 'stream: only a response that was asked for with both background and stream can be streamed again.';
    throw new GatewayError('invalid_request', message, { param: 'stream', code: 'unsupported_parameter' });
  }
  return eventsOf(deps, { stored, after, reader }, signal);
}

/** Whether more events may come: `drained` once those that are stored are all. */
type Progress = 'running' | 'drained' | 'lost';

async function* eventsOf(
  deps: StoredStreamDeps,
  { stored, after, reader }: { readonly stored: StoredResponse; readonly after: number; readonly reader: Reader },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { store, sleep, now } = deps;
  const cutter = deps.cutter();
  let progress: Progress = stored.runsUntil === undefined ? 'drained' : 'running';
  let last = after;
  for (let part = 0; !signal.aborted;) {
    const bytes = await store.eventsAt(stored.id, part, reader).catch(() => 'failed' as const);
    if (bytes instanceof Uint8Array) {
      part++;
      for (const frame of cutter.push(bytes)) {
        if (frame.number <= after) continue;
        last = frame.number;
        yield frame.bytes;
      }
    } else if (bytes === undefined && progress !== 'running') {
      if (progress === 'lost') yield lostEvent(runningView(stored, undefined, now()), last + 1);
      return;
    } else {
      // The events are stored before the end is: once it is there, they are asked for one more time.
      progress = await progressOf(deps, stored, reader).catch(() => 'running' as const);
      if (progress === 'running') await sleep(POLL_MS, signal);
    }
  }
}

/** Asks for the small item first: the record holds a conversation. */
async function progressOf({ store, now }: StoredStreamDeps, stored: StoredResponse, reader: Reader): Promise<Progress> {
  const { id, runsUntil = 0 } = stored;
  const fate = await store.fate(id, reader);
  if (fate === undefined) return 'drained';
  if (fate !== 'open') {
    const [latest] = await store.get([id], reader);
    if (latest?.runsUntil === undefined) return 'drained';
  }
  if (now() < runsUntil) return 'running';
  return fate === 'cancelled' ? 'drained' : 'lost';
}

/** The last event of a response whose maker is lost. */
const lostEvent = (response: JsonObject, number: number): Uint8Array => {
  const event = { type: 'response.failed', sequence_number: number, response };
  return Buffer.from(`event: response.failed\ndata: ${JSON.stringify(event)}\n\n`);
};
