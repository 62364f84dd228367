/** Records of owners as they are when nothing was said of them. */
import type { Team } from '../../lib/domain/team.ts';

export const PLAIN_TEAM = {
  models: [],
  aliases: {},
  tags: [],
  blocked: false,
  memberPermissions: [],
  accessGroups: [],
} as const satisfies Partial<Team>;
