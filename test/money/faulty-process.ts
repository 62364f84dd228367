/** A process whose way to the database fails at the requests a test names, in every way in which a request can fail, death included. */
import {
  ConditionalCheckFailedException,
  ProvisionedThroughputExceededException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import { open } from '../../lib/stores/dynamodb/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { clientFor, NAMES } from '../support/dynoxide.ts';

/**
 * What happens to a request. `throttled`, `conflict`: the service refuses it; `dropped`: it times out before it is carried out, `cut`:
 * after; `killed`, `killed-after`: the process dies then, and no later request of it arrives; `outage`: nor do they, but it lives on.
 */
export const FAULTS = ['throttled', 'conflict', 'dropped', 'cut', 'killed', 'killed-after', 'outage'] as const;
/** One of them. */
export type Fault = (typeof FAULTS)[number];

/** A request, counted from 0, and its fault. */
export interface Point {
  readonly at: number;
  readonly fault: Fault;
}

/** A process with a client of its own. */
export interface FaultyProcess {
  readonly stores: Stores;
  /** Requests that it sent, by operation: `UpdateItem`, ... */
  readonly seen: readonly string[];
  /** Points that it came to. */
  readonly met: () => number;
  /** Runs to its end, or to the death of the process. */
  live<T>(work: () => Promise<T>): Promise<T | 'dead'>;
  end(): void;
}

/** Starts one. @param maxAttempts tries of the client: with one, every fault is the gateway's own to mend */
export function startProcess(endpoint: string, points: readonly Point[], maxAttempts: number): FaultyProcess {
  const client = clientFor(endpoint, { maxAttempts, timeoutMs: 20_000 });
  const seen: string[] = [];
  const death = Promise.withResolvers<'dead'>();
  const never = new Promise<never>(() => {});
  let [isDead, isDown, met] = [false, false, 0];
  const die = (): Promise<never> => {
    isDead = true;
    death.resolve('dead');
    return never;
  };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (isDead) return never;
      const at = seen.push((context['commandName'] as string).replace(/Command$/, '')) - 1;
      const fault = points.find((point) => point.at === at)?.fault;
      if (fault !== undefined) met++;
      if (fault === 'outage') isDown = true;
      if (isDown || fault === 'dropped') throw timeOut();
      if (fault === 'throttled') throw new ProvisionedThroughputExceededException({ message: 'too fast', $metadata: {} });
      // Nothing that only reads meets a transaction.
      if (fault === 'conflict' && !/Get|Query|Scan/.test(seen[at] ?? ''))
        throw new TransactionConflictException({ message: 'in conflict', $metadata: {} });
      if (fault === 'killed') return die();
      if (fault !== 'cut' && fault !== 'killed-after') {
        const answer = await next(args);
        return isDead ? never : answer;
      }
      // A failed condition is an answer too, and can be lost as well.
      await next(args).catch((error: unknown) => {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      });
      if (fault === 'killed-after') return die();
      throw timeOut();
    },
    { step: 'finalizeRequest', priority: 'low', name: 'faults' },
  );
  return {
    stores: open(client, NAMES),
    seen,
    met: () => met,
    live: (work) => Promise.race([work(), death.promise]),
    end: () => client.destroy(),
  };
}

const timeOut = (): Error => Object.assign(new Error('no answer'), { name: 'TimeoutError' });
