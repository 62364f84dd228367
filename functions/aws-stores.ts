/** Settings, log and stores as every Lambda function gets them: from its environment. Opens no connection. */
import { readEnv, type Env } from '../lib/env.ts';
import { createLog, type Log } from '../lib/log.ts';
import { createDynamoClient, open } from '../lib/stores/dynamodb/index.ts';
import type { Stores } from '../lib/stores/stores.ts';
import type { HttpClient } from '../lib/transport/http.ts';

/** What all functions share. */
export interface Ground {
  readonly env: Env;
  readonly log: Log;
  readonly stores: Stores;
}

/**
 * @param http the stores' own HTTP client, for functions that make many calls of the database and have one loaded anyway
 * @throws Error when a variable is wrong: the function does not start, and its log says which and why.
 */
export function openOnAws(http?: HttpClient): Ground {
  const env = readEnv();
  const log = createLog(env.TOLLGATE_LOG_LEVEL);
  const stores = open(createDynamoClient(http === undefined ? {} : { http }), {
    registry: env.TOLLGATE_REGISTRY_TABLE,
    meters: env.TOLLGATE_METERS_TABLE,
    ledger: env.TOLLGATE_LEDGER_TABLE,
    totals: env.TOLLGATE_TOTALS_TABLE,
  });
  return { env, log, stores };
}
