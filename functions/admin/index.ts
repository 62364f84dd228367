import { createSdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { createCors } from '../../lib/transport/cors.ts';
import { composeOnAws } from '../aws.ts';
import { createAdminHandler } from './handler.ts';
import { openToPages } from './pages.ts';

const { management, env } = composeOnAws(createSdkClient);

/** Entry of the admin bundle. */
export const handler = openToPages(createAdminHandler(management), createCors(env.TOLLGATE_CORS_ORIGINS));
