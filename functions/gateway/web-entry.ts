/** Entry of the Web Function bundle: runs as a program, listens where Lambda says. */
import { readWebEndpoint } from '../../lib/env.ts';
import { createDynamoClient } from '../../lib/stores/dynamodb/index.ts';
import { createCors } from '../../lib/transport/cors.ts';
import { composeOnAws } from '../aws.ts';
import { openToPages } from './pages.ts';
import { supervise } from './supervision.ts';
import { startWeb } from './web.ts';

const MAX_BODY_BYTES = 33_554_432;
/** Below the 64 that the platform sends to one environment, so that the refusal is ours and says when to come again. */
const MAX_CONCURRENT = 60;

const { gateway, env, log } = composeOnAws(createDynamoClient);
const server = await startWeb({
  ...readWebEndpoint(),
  service: openToPages(gateway, createCors(env.TOLLGATE_CORS_ORIGINS)),
  log,
  maxBodyBytes: env.TOLLGATE_MAX_BODY_BYTES ?? MAX_BODY_BYTES,
  maxConcurrent: MAX_CONCURRENT,
  forwarded: true,
});
supervise(server, log);
