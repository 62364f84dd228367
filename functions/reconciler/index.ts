import { createSdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { openOnAws } from '../aws-stores.ts';
import { createReconciler } from './handler.ts';

/** Entry of the reconciler's bundle. */
export const handler = createReconciler(openOnAws(createSdkClient()));
