/** Who may manage: the master key everything, a virtual key only look at itself. */
import { scopeOf, type VirtualKey } from '../domain/key.ts';
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';

const forbidden = (message: string): GatewayError => new GatewayError('permission', message, { type: 'auth_error' });

/**
 * Lets only the master key pass.
 *
 * @throws GatewayError `permission` for a virtual key.
 */
export function requireMaster(caller: Caller): void {
  if (caller.type !== 'master') {
    throw forbidden('Only the master key may do this. A virtual key may read its own /key/info and /spend/logs.');
  }
}

/**
 * Lets the master key and the key itself pass.
 *
 * @param hash current hash of the key asked for
 * @throws GatewayError `permission` for another virtual key, whether or not the one asked for exists.
 */
export function requireSelf(caller: Caller, hash: string): void {
  if (caller.type !== 'master' && caller.key.hash !== hash) {
    throw forbidden('A virtual key may read only its own figures; ask with the master key.');
  }
}

/** The owner whose ledger a virtual key may see; undefined for the master key, which may see all. */
export const ownScope = (caller: Caller): string | undefined => (caller.type === 'key' ? scopeOf(caller.key).id : undefined);

/** The key of a caller that is not the master. */
export const ownKey = (caller: Caller): VirtualKey | undefined => (caller.type === 'key' ? caller.key : undefined);
