/** The rights of management on one page: who may call which route. */
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';
import { isReadOnly, requireAdmin, requireViewer } from './access.ts';

/** Who may call a route. */
export type Audience =
  /** The master key, and users with the role proxy_admin. */
  | 'admin'
  /** Those, and users with the role proxy_admin_viewer. */
  | 'viewer'
  /** Every key that may manage. The function behind the route narrows it to what is the caller's own (`access.ts`). */
  | 'own'
  /** `own`, for routes that change something: users with a viewer's role are refused. */
  | 'own-change'
  /** Users who see a team: its members, its keys, org admins of its organization. The function behind looks at the team. */
  | 'team-member'
  /** Users who change a team: its admins, org admins of its organization. */
  | 'team-admin'
  /** Members of an organization. */
  | 'org-member'
  /** Org admins of an organization. */
  | 'org-admin';

/** Audiences that change things: a viewer's role is refused at the door. */
const CHANGING: ReadonlySet<Audience> = new Set(['own-change', 'team-admin', 'org-admin']);

/**
 * Checks a call against the audience of its route.
 *
 * @throws GatewayError `permission`
 */
export function requireAudience(audience: Audience, caller: Caller): void {
  if (audience === 'admin') requireAdmin(caller);
  else if (audience === 'viewer') requireViewer(caller);
  else if (CHANGING.has(audience) && isReadOnly(caller)) {
    throw new GatewayError('permission', 'Your role may look at things, not change them.', { type: 'auth_error' });
  }
}
