/** Jobs: calls that are answered at once and done later. */
import { GatewayError } from '../errors.ts';
import { parseObject, type JsonObject } from '../kinds/json.ts';
import type { Answer } from '../transport/http.ts';
import type { FollowContext, FollowingCall } from './provider.ts';

/** Largest answer about a job, bytes. */
const ANSWER_LIMIT = 64 * 1024 * 1024;

/** Milliseconds before a job is asked about for the first time, and at most between two times. */
const FIRST_MS = 250;
const MOST_MS = 2_000;

/** Failures in a row after which a job counts as lost. */
const PATIENCE = 4;

/**
 * The JSON object of an answer.
 *
 * @throws GatewayError `upstream` when it is none.
 */
export async function jsonOf(answer: Answer): Promise<JsonObject> {
  const value = parseObject(Buffer.from(await answer.bytes(ANSWER_LIMIT)).toString('utf8'));
  if (value !== undefined) return value;
  throw new GatewayError('upstream', 'The provider answered with something that is not a JSON object.');
}

/**
 * Asks about a job until it is over, in growing intervals. A failure that may pass is borne a few times: the job goes on meanwhile.
 *
 * @throws GatewayError what the provider said last, or when nobody waits any more.
 */
export async function untilOver(
  asked: FollowingCall,
  isOver: (job: JsonObject) => boolean,
  { send, wait }: Pick<FollowContext, 'send' | 'wait'>,
): Promise<JsonObject> {
  let failures = 0;
  for (let pause = FIRST_MS; ; pause = Math.min(MOST_MS, pause * 1.5)) {
    await wait(pause);
    try {
      const job = await jsonOf(await send(asked));
      if (isOver(job)) return job;
      failures = 0;
    } catch (thrown) {
      const passes = thrown instanceof GatewayError && thrown.retryable;
      failures += 1;
      if (!passes || failures >= PATIENCE) throw thrown;
    }
  }
}
