/** One log line per request, after its last byte. Ids, names and figures; never content, never a header. */
import type { Log } from '../log.ts';
import type { Policy } from './policy.ts';

/** Logs each request when it is over. */
export function record(log: Log, now: () => number): Policy {
  return async function recordPolicy(exchange, next) {
    const reply = await next();
    const done = reply.done.then((outcome) => {
      const caller = exchange.caller;
      log(outcome.status === 'error' && reply.status >= 500 ? 'warn' : 'info', 'request', {
        id: exchange.id,
        route: exchange.route,
        status: reply.status,
        outcome: outcome.status,
        durationMs: now() - exchange.receivedAt,
        attempts: exchange.attempts,
        ...(exchange.lost.length === 0 ? {} : { lost: exchange.lost.length }),
        ...(exchange.modelName === '' ? {} : { model: exchange.modelName }),
        ...(exchange.target === undefined ? {} : { deployment: exchange.target.deployment.id }),
        ...(outcome.firstByteMs === undefined ? {} : { firstByteMs: outcome.firstByteMs }),
        ...(outcome.firstTokenMs === undefined ? {} : { firstTokenMs: outcome.firstTokenMs }),
        ...(caller === undefined ? {} : { key: caller.type === 'key' ? (caller.key.alias ?? caller.key.name) : 'master' }),
        ...(outcome.error === undefined ? {} : { error: outcome.error.kind }),
        ...(exchange.warnings.length === 0 ? {} : { warnings: exchange.warnings.map((w) => `${w.kind} ${w.field}`) }),
      });
      return outcome;
    });
    return { ...reply, done };
  };
}
