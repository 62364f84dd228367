/** Whose a customer or a tag is, as bodies and rows say it; Tollgate's own fields. */
import * as z from 'zod/mini';
import type { Belonging } from '../../domain/customer.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { chosen } from '../changes.ts';
import { GatewayError } from '../../errors.ts';
import { ownerId } from '../input.ts';
import { referredOrganization } from '../people/scoping.ts';

/** Fields of bodies; null makes a record everybody's again. */
export const BELONGING_FIELDS = { team_id: z.nullish(ownerId()), organization_id: z.nullish(ownerId()) } as const;

interface Fields {
  readonly team_id?: string | null | undefined;
  readonly organization_id?: string | null | undefined;
}

/**
 * Refuses owners that do not exist: nobody could name the record then.
 *
 * @throws GatewayError `invalid_request`
 */
export async function requireOwners(
  deps: ManagementDeps,
  { team_id: team, organization_id: organization }: Fields,
): Promise<void> {
  if (typeof team === 'string' && (await deps.teams.get(team, { fresh: true })) === undefined) {
    throw new GatewayError('invalid_request', `team_id: team not found: '${team}' does not exist`, { param: 'team_id' });
  }
  if (typeof organization === 'string') await referredOrganization(deps, organization);
}

/** The owners after a change. */
export const belongingAfter = (
  { teamId, organizationId }: Belonging,
  fields: Fields,
): { readonly [K in keyof Belonging]: string | undefined } => ({
  teamId: chosen(fields.team_id, teamId),
  organizationId: chosen(fields.organization_id, organizationId),
});

/** The owners as rows have them. */
export const belongingRow = ({ teamId, organizationId }: Belonging): JsonObject => ({
  team_id: teamId ?? null,
  organization_id: organizationId ?? null,
});
