/** Tries the plan's targets in turn until one answers. Stops at the first byte handed out: a second answer would be a second bill. */
import type { LostAttempt } from '../domain/ledger-entry.ts';
import { GatewayError } from '../errors.ts';
import type { Exchange, Target } from '../exchange.ts';
import { outputPaidBy } from './demand.ts';
import type { Policy } from './policy.ts';

/** How retries behave. */
export interface RetryDeps {
  /** Repeats after the first attempt. */
  readonly retries: number;
  readonly now: () => number;
  /** Uniform in [0, 1): jitter. */
  readonly random: () => number;
  /** Resolves after that many milliseconds, or early when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const CLAMPED = 'x-tollgate-clamped-output-tokens';

/** Longest wait before a repeat, milliseconds. A provider that asks for more is not waited for. */
const LONGEST_WAIT = 4_000;

/** Milliseconds a provider asks us to wait: seconds or a date in `retry-after`. */
function askedWait(error: GatewayError, now: number): number | undefined {
  const value = error.detail.retryAfter;
  if (value === undefined) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** Repeats retryable failures on the next target of the plan, at once where there is another one, else after a growing pause. */
export function retry(deps: RetryDeps): Policy {
  return async function retryPolicy(exchange, next) {
    for (let attempt = 0; ; attempt++) {
      const target = exchange.plan[attempt % exchange.plan.length];
      if (target === undefined) throw new GatewayError('internal', 'The plan of this request has no target.');
      exchange.target = target;
      try {
        return await next();
      } catch (thrown) {
        const error = GatewayError.from(thrown);
        const most = target.deployment.maxRetries ?? deps.retries;
        if (!error.retryable || exchange.committed || attempt >= most || exchange.signal.aborted) throw error;
        const anotherIsLeft = attempt + 1 < exchange.plan.length;
        const pause = anotherIsLeft ? 0 : (askedWait(error, deps.now()) ?? 250 * 2 ** attempt * (0.75 + deps.random() / 2));
        if (pause > LONGEST_WAIT || deps.now() + pause >= exchange.deadline) throw error;
        if (!lose(exchange, error, exchange.plan[(attempt + 1) % exchange.plan.length])) throw error;
        if (pause > 0) await deps.sleep(pause, exchange.signal);
      }
    }
  };
}

/**
 * Notes what the attempt that just failed may be billed at, and lowers the output of the next one to what the rest of the hold pays for.
 * False where the rest pays for no useful answer: the hold is all that was asked of the budgets. Then the client has to call anew.
 */
function lose(exchange: Exchange, error: GatewayError, next: Target | undefined): boolean {
  const { target, billed: usage, admission } = exchange;
  if (usage === undefined || target === undefined || next === undefined) return true;
  const cost = target.price?.(usage)?.total;
  const attempt: LostAttempt = {
    provider: target.deployment.provider,
    model: target.model,
    deploymentId: target.deployment.id,
    error: error.kind,
    usage,
    ...(cost === undefined ? {} : { cost }),
  };
  if (admission?.held !== undefined) {
    if (cost === undefined) return false;
    const spent = exchange.lost.reduce((sum, lost) => sum + (lost.cost ?? 0n), cost);
    const output = outputPaidBy(exchange, next, admission.held - spent, admission.clampedOutputTokens);
    if (output === undefined) return false;
    if (Number.isFinite(output)) {
      const headers = { ...admission.headers, [CLAMPED]: String(output) };
      exchange.admission = { ...admission, clampedOutputTokens: output, headers };
    }
  }
  exchange.lost.push(attempt);
  delete exchange.billed;
  return true;
}
