import { composeOnAws } from '../aws.ts';
import { createAdminHandler } from './handler.ts';

/** Entry of the admin bundle. */
export const handler = createAdminHandler(composeOnAws().management);
