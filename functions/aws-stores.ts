/** Settings, log and stores as every Lambda function gets them: from its environment. Opens no connection. */
import { readEnv, type Env } from '../lib/env.ts';
import { createLog, type Log } from '../lib/log.ts';
import { open, type Dynamo } from '../lib/stores/dynamodb/index.ts';
import type { Stores } from '../lib/stores/stores.ts';

/** What all functions share. */
export interface Ground {
  readonly env: Env;
  readonly log: Log;
  readonly stores: Stores;
}

/**
 * @param client of the tables
 * @throws Error when a variable is wrong: the function does not start, and its log says which and why.
 */
export function openOnAws(client: Dynamo): Ground {
  const env = readEnv();
  const log = createLog(env.TOLLGATE_LOG_LEVEL);
  const stores = open(client, {
    registry: env.TOLLGATE_REGISTRY_TABLE,
    meters: env.TOLLGATE_METERS_TABLE,
    ledger: env.TOLLGATE_LEDGER_TABLE,
    totals: env.TOLLGATE_TOTALS_TABLE,
  });
  return { env, log, stores };
}
