/** A client of the database whose calls fail as planned. */
import {
  ConditionalCheckFailedException,
  ProvisionedThroughputExceededException,
  TransactionConflictException,
} from '@aws-sdk/client-dynamodb';
import type { SdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { clientFor } from '../support/dynoxide.ts';

/** How a call of the store fails. `after`: it was carried out, and the answer was lost. */
export const FAULTS = ['before', 'after', 'throttled', 'conflict'] as const;
/** One of them. */
export type Fault = (typeof FAULTS)[number];

const refusalOf = (fault: Fault): Error => {
  const detail = { message: fault, $metadata: {} };
  if (fault === 'throttled') return new ProvisionedThroughputExceededException(detail);
  if (fault === 'conflict') return new TransactionConflictException(detail);
  return Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
};

/** Which calls of a client fail, counted from 0. */
export interface Plan {
  readonly at: number;
  readonly times: number;
  readonly fault: Fault;
}

/** A client whose calls fail as planned. `calls` counts them all. */
export function faultyClient(
  endpoint: string,
  plan: Plan | undefined,
  maxAttempts: number,
): { readonly client: SdkClient; readonly calls: () => number } {
  const client = clientFor(endpoint, { maxAttempts });
  let calls = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      const call = calls++;
      const fails = plan !== undefined && call >= plan.at && call < plan.at + plan.times;
      if (!fails) return next(args);
      if (plan.fault === 'after') {
        // A failed condition is an answer too, and can be lost as well.
        await next(args).catch((error: unknown) => {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
        });
      }
      throw refusalOf(plan.fault);
    },
    { step: 'finalizeRequest', priority: 'low', name: 'faults' },
  );
  return { client, calls: () => calls };
}
