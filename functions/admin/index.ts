import { createSdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { composeOnAws } from '../aws.ts';
import { createAdminHandler } from './handler.ts';

/** Entry of the admin bundle. */
export const handler = createAdminHandler(composeOnAws(createSdkClient).management);
