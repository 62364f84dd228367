/**
 * Keeps what was asked and answered, for operators, keys and teams that want it; by default nothing. The answer is copied as it goes by,
 * as much of it as has room, and written after its last byte: the call neither waits for it nor fails with it.
 */
import { keepingOf, withoutContent, withoutSecrets, type Keeping } from '../domain/body.ts';
import { scopeOf } from '../domain/key.ts';
import type { Exchange } from '../exchange.ts';
import { isObject, parseJson } from '../kinds/json.ts';
import { describeError, type Log } from '../log.ts';
import type { BodyStore, KeptBody } from '../stores/bodies.ts';
import type { Policy } from './policy.ts';

/** What the policy needs. */
export interface KeepBodiesDeps {
  /** Absent where there is no place for bodies: then nothing is kept, whatever keys say. */
  readonly store: BodyStore | undefined;
  /** Of the operator: keep bodies where key and team say nothing, and without their words. */
  readonly keep: boolean;
  readonly redact: boolean;
  /** Takes out of a text what has the form of a key. */
  readonly withoutKeys: (text: string) => string;
  readonly log: Log;
}

/** Most of one side that is kept, bytes. */
const MOST_BYTES = 1_048_576;
/** Content types that are text. */
const TEXT = /^(text\/|application\/(json|x-ndjson|.*\+json))/;
/** The field by which a request asks not to be kept. */
const UNLOGGED = 'no-log';

/** Keeps bodies. Outside of everything that makes an answer, errors included. */
export function keepBodies(deps: KeepBodiesDeps): Policy {
  return async function keepBodiesPolicy(exchange, next) {
    const reply = await next();
    const { store } = deps;
    const keeping = store === undefined ? 'none' : keepingFor(deps, exchange);
    if (store === undefined || keeping === 'none') return reply;
    const answer = new Collected();
    const body = reply.body instanceof Uint8Array ? reply.body : answer.following(reply.body);
    if (reply.body instanceof Uint8Array) answer.push(reply.body);
    const asked = new Collected();
    asked.push(exchange.request.body);
    const keptBody = (bytes: Collected, contentType: string | undefined): KeptBody =>
      kept(bytes, contentType, keeping, deps.withoutKeys);
    const done = reply.done.then(async (outcome) => {
      try {
        await store.put({
          id: exchange.id,
          at: exchange.receivedAt,
          keyHash: exchange.caller?.type === 'key' ? scopeOf(exchange.caller.key).id : 'master',
          request: keptBody(asked, exchange.request.headers['content-type']),
          response: keptBody(answer, reply.headers['content-type']),
        });
      } catch (error) {
        deps.log('warn', 'the bodies of a call were not kept', { id: exchange.id, error: describeError(error) });
      }
      return outcome;
    });
    return { ...reply, body, done };
  };
}

/** Strangers have no bodies worth keeping. */
function keepingFor({ keep, redact }: KeepBodiesDeps, exchange: Exchange): Keeping {
  const { caller, removed, request } = exchange;
  if (caller === undefined) return 'none';
  const metadata =
    caller.type === 'key' ? [caller.key.metadata, ...(caller.team === undefined ? [] : [caller.team.metadata])] : [];
  return keepingOf({
    keep,
    redact,
    metadata,
    redactionHeader: request.headers['x-litellm-enable-message-redaction'],
    unlogged: removed.includes(UNLOGGED) && saysUnlogged(request.body),
  });
}

function saysUnlogged(body: Uint8Array): boolean {
  const sent = parseJson(Buffer.from(body).toString());
  return isObject(sent) && sent[UNLOGGED] === true;
}

/** Bytes as they went by: the first of them, and how many there were. */
class Collected {
  bytes = 0;
  readonly #parts: Uint8Array[] = [];

  push(part: Uint8Array): void {
    const room = MOST_BYTES - this.bytes;
    if (room > 0) this.#parts.push(part.subarray(0, room));
    this.bytes += part.length;
  }

  async *following(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of body) {
      this.push(part);
      yield part;
    }
  }

  text(): string {
    return Buffer.concat(this.#parts).toString();
  }

  get isCut(): boolean {
    return this.bytes > MOST_BYTES;
  }
}

/** A side of a call as it is kept: without secrets always, without words where that was asked for. */
function kept(
  body: Collected,
  contentType: string | undefined,
  keeping: Keeping,
  withoutKeys: (text: string) => string,
): KeptBody {
  const facts = {
    ...(contentType === undefined ? {} : { contentType }),
    bytes: body.bytes,
    ...(body.isCut ? { cut: true as const } : {}),
    ...(keeping === 'redacted' ? { redacted: true as const } : {}),
  };
  if (contentType !== undefined && !TEXT.test(contentType)) return facts;
  const text = body.text();
  const json = body.isCut ? undefined : parseJson(text);
  if (json !== undefined) {
    const safe = withoutSecrets(json, withoutKeys);
    return { ...facts, json: keeping === 'redacted' ? withoutContent(safe) : safe };
  }
  // What is no JSON, such as a stream of events, has its words everywhere.
  return keeping === 'redacted' ? facts : { ...facts, text: withoutKeys(text) };
}
