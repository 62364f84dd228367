/** `/receipts/...` */
import { receiptKeys, receiptOf } from '../../../lib/management/spend/receipt.ts';
import { get, type AdminRoute } from '../route.ts';

/** Routes of receipts. Whoever has one can check it: the public keys are open to all. */
export const RECEIPT_ROUTES: readonly AdminRoute[] = [
  {
    method: 'GET',
    path: '/receipts/keys',
    open: true,
    summary: 'Public keys of receipts (JWKS).',
    answer: (deps) => receiptKeys(deps),
  },
  get('/receipts/{id}', 'own', 'Signed receipt of a call.', (deps, { caller, param }) => receiptOf(deps, caller, param('id'))),
];
