/** The routes of the management API: which function answers where. Paths and verbs are LiteLLM's. */
import type { JsonObject } from '../../lib/kinds/json.ts';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import type { AdminRoute } from './route.ts';
import { COST_ROUTES } from './routes/costs.ts';
import { INVITATION_ROUTES } from './routes/invitations.ts';
import { KEY_ROUTES } from './routes/keys.ts';
import { MAPPING_ROUTES } from './routes/mappings.ts';
import { METRIC_ROUTES } from './routes/metrics.ts';
import { MODEL_ROUTES } from './routes/models.ts';
import { ORGANIZATION_ROUTES } from './routes/organizations.ts';
import { RECEIPT_ROUTES } from './routes/receipts.ts';
import { RECORD_ROUTES } from './routes/records.ts';
import { SPEND_ROUTES } from './routes/spend.ts';
import { READING_ROUTES } from './routes/reading.ts';
import { TAG_ANALYTICS_ROUTES } from './routes/tag-analytics.ts';
import { TEAM_ROUTES } from './routes/teams.ts';
import { USER_ROUTES } from './routes/users.ts';

/** Routes that need no key. */
const OPEN_ROUTES: readonly AdminRoute[] = [
  { method: 'GET', path: '/health/liveliness', open: true, summary: 'Alive?', answer: () => "I'm alive!" },
  { method: 'GET', path: '/health/liveness', open: true, summary: 'Alive?', answer: () => "I'm alive!" },
  { method: 'GET', path: '/health/readiness', open: true, summary: 'Ready to serve?', answer: readiness },
  { method: 'GET', path: '/openapi.json', open: true, summary: 'This description.', answer: description },
];

/** All routes. */
export const ROUTES: readonly AdminRoute[] = [
  ...KEY_ROUTES,
  ...MAPPING_ROUTES,
  ...SPEND_ROUTES,
  ...TAG_ANALYTICS_ROUTES,
  ...METRIC_ROUTES,
  ...RECEIPT_ROUTES,
  ...COST_ROUTES,
  ...MODEL_ROUTES,
  ...USER_ROUTES,
  ...INVITATION_ROUTES,
  ...TEAM_ROUTES,
  ...ORGANIZATION_ROUTES,
  ...RECORD_ROUTES,
  ...READING_ROUTES,
  ...OPEN_ROUTES,
];

/** The document is big and seldom asked for: made on first use, by a part that is loaded for it. */
let described: Promise<JsonObject> | undefined;
function description(): Promise<JsonObject> {
  described ??= import('./openapi.ts').then(({ describeApi }) => describeApi(ROUTES));
  return described;
}

/** Ready means: the registry table answers. A store that does not makes this an error of its own. */
async function readiness(deps: ManagementDeps): Promise<JsonObject> {
  await deps.ready();
  return { status: 'healthy', db: 'connected' };
}

/** Patterns by their first segment: the local server asks for every request, and most are none of management's. */
const PATTERNS = Map.groupBy(
  ROUTES.map((route) => ({ route, pattern: route.path.split('/') })),
  ({ pattern }) => pattern[1],
);

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** Where routes have words: what `/team/new` and `/team/list` stand under. */
const WORDED = new Set(ROUTES.filter(({ path }) => !path.endsWith('}')).map(({ path }) => parentOf(path)));

/** True for `/team/{team_id}`, beside `/team/new`: what stands there may be a word that is no route. */
export const endsAmongWords = ({ path }: AdminRoute): boolean => path.endsWith('}') && WORDED.has(parentOf(path));

/** Routes that begin as a path does, by path. */
export const routesLike = (path: string): readonly AdminRoute[] =>
  (PATTERNS.get(path.slice(1).split('/', 1)[0]) ?? [])
    .map(({ route }) => route)
    .toSorted((one, other) => (one.path < other.path ? -1 : 1));

/** The routes of a path, percent-encoded as sent: one for each verb it knows, none for an unknown path. */
export function routesAt(path: string): readonly AdminRoute[] {
  const candidates = PATTERNS.get(path.slice(1).split('/', 1)[0]);
  if (candidates === undefined) return [];
  const segments = path.replace(/(?<=.)\/$/, '').split('/');
  return candidates
    .filter(({ pattern }) => {
      if (pattern.length !== segments.length) return false;
      return pattern.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]));
    })
    .map(({ route }) => route);
}
