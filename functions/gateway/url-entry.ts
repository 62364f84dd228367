import { createCors } from '../../lib/transport/cors.ts';
import { createDynamoClient } from '../../lib/stores/dynamodb/index.ts';
import { composeOnAws } from '../aws.ts';
import { openToPages } from './pages.ts';
import { createUrlHandler } from './url.ts';

/** The largest request a function URL takes, bytes. */
const MAX_BODY_BYTES = 6_291_456;

const { gateway, env, log } = composeOnAws(createDynamoClient);

/** Entry of the function URL bundle. */
export const handler = createUrlHandler({
  service: openToPages(gateway, createCors(env.TOLLGATE_CORS_ORIGINS)),
  log,
  maxBodyBytes: env.TOLLGATE_MAX_BODY_BYTES ?? MAX_BODY_BYTES,
});
