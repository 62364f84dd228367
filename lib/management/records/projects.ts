/** Projects, between a team and its keys: `/project/...`. */
import * as z from 'zod/mini';
import type { Project } from '../../domain/organization.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isViewer, managesTeam, ownKey, requireRight, seesTeam } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { chosen, edited } from '../changes.ts';
import { check, flag, freeObject, names, ownerId, ownerIds, text } from '../input.ts';
import { LIMIT_FIELDS, limitRow, withLimits } from '../limit-fields.ts';
import { keptAfter, readBody } from '../fields.ts';
import { changeOne, createOne, deleteOne, historyRow, readOne, type RecordKind } from './record-kind.ts';
import { askedPart, each, newEntity, newId, notFound, ownedBy, PAGING, select, sifted, type Query } from './records.ts';
import { requireFresh, requireWithin } from '../people/scoping.ts';
import { limitedRow } from '../standing.ts';

/** The body of `/project/new` and `/project/update`. */
export const projectBody = z.object({
  ...LIMIT_FIELDS,
  project_id: z.nullish(ownerId()),
  project_alias: z.nullish(text()),
  description: z.nullish(text(1024)),
  team_id: z.nullish(ownerId()),
  models: z.nullish(names),
  tags: z.nullish(ownerIds),
  blocked: z.nullish(flag),
  metadata: z.nullish(freeObject),
});

const row = (project: Project, now: number): JsonObject => ({
  project_id: project.id,
  project_alias: project.alias ?? null,
  description: project.description ?? null,
  team_id: project.teamId ?? null,
  models: project.models,
  tags: project.tags,
  blocked: project.blocked,
  metadata: project.metadata,
  ...limitRow(project, now),
  ...project.kept,
  ...historyRow(project),
});

const PROJECT: RecordKind<Project> = {
  name: 'project',
  idField: 'project_id',
  store: ({ projects }) => projects,
  row,
  scope: ({ id }) => ({ kind: 'project', id }),
};

const answer = async (deps: ManagementDeps, project: Project): Promise<JsonObject> => ({
  ...row(project, deps.now()),
  ...(await limitedRow(deps, 'project', project)),
});

const changed = (project: Project, body: z.infer<typeof projectBody>, kept: JsonObject, now: number): Project =>
  edited(withLimits(project, body, now), {
    kept: undefined,
    ...keptAfter(project.kept, kept),
    alias: chosen(body.project_alias, project.alias),
    description: chosen(body.description, project.description),
    teamId: chosen(body.team_id, project.teamId),
    models: chosen(body.models, project.models) ?? [],
    tags: chosen(body.tags, project.tags) ?? [],
    blocked: chosen(body.blocked, project.blocked) ?? false,
    metadata: chosen(body.metadata, project.metadata) ?? {},
  });

/** Projects belong to whoever manages their team; those without a team to proxy admins. */
async function requireManager(deps: ManagementDeps, caller: Caller, { teamId }: Pick<Project, 'teamId'>): Promise<void> {
  const team = teamId === undefined ? undefined : await deps.teams.get(teamId, { fresh: true });
  const manages = await managesTeam(deps, caller, team ?? { id: '' });
  requireRight(manages, 'manage projects of this team');
  if (teamId !== undefined && team === undefined) throw notFound('team', teamId);
}

/** Refuses a project that would exceed its team. */
async function requireWithinTeam(deps: ManagementDeps, project: Project): Promise<void> {
  const record = project.teamId === undefined ? undefined : await deps.teams.get(project.teamId, { fresh: true });
  if (record !== undefined) await requireWithin(deps, { name: 'team', record }, project);
}

/**
 * `POST /project/new`. Without `project_id` one is made.
 *
 * @throws GatewayError `invalid_request`, `permission`, `not_found` for its team, `conflict`
 */
export async function newProject(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields, kept } = readBody(projectBody, body);
  const entity = { ...newEntity(deps, caller), id: fields.project_id ?? newId(deps) };
  const blank: Project = { ...entity, metadata: {}, models: [], tags: [], blocked: false, budgetAnchor: entity.createdAt };
  const project = changed(blank, fields, kept, entity.createdAt);
  await requireManager(deps, caller, project);
  await requireWithinTeam(deps, project);
  await requireFresh(deps, caller, { kind: 'project', id: project.id });
  return answer(deps, await createOne(deps, caller, PROJECT, project));
}

/**
 * `POST /project/update`: null clears a field, an absent one stays.
 *
 * @throws GatewayError `invalid_request`, `permission`, `not_found`, `conflict`
 */
export async function updateProject(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields, kept } = readBody(projectBody, body);
  const id = check(ownerId(), fields.project_id, 'project_id');
  const edit = async (project: Project): Promise<Project> => {
    const next = changed(project, fields, kept, deps.now());
    await requireManager(deps, caller, project);
    if (next.teamId !== project.teamId) await requireManager(deps, caller, next);
    await requireWithinTeam(deps, next);
    return next;
  };
  return answer(deps, await changeOne(deps, caller, PROJECT, id, edit));
}

/** A test for the projects a caller may see; each team is looked at once. */
function projectFilter(deps: ManagementDeps, caller: Caller): (project: Project) => Promise<boolean> {
  const seen = new Map<string, Promise<boolean>>();
  const ofTeam = async (id: string): Promise<boolean> => {
    const team = await deps.teams.get(id);
    return team !== undefined && seesTeam(deps, caller, team);
  };
  return async ({ id, teamId }) => {
    if (isViewer(caller) || ownKey(caller)?.projectId === id) return true;
    if (teamId === undefined) return false;
    const known = seen.get(teamId) ?? ofTeam(teamId);
    seen.set(teamId, known);
    return known;
  };
}

/**
 * `GET /project/info?project_id=`.
 *
 * @throws GatewayError `not_found`, also for a project the caller may not see
 */
export async function projectInfo(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  const project = await readOne(deps, PROJECT, check(ownerId(), id, 'project_id'));
  if (!(await projectFilter(deps, caller)(project))) throw notFound('project', project.id);
  return answer(deps, project);
}

/** Query of `/project/list`. */
export const PROJECT_LISTING = ['team_id', ...PAGING];

/** `GET /project/list`: those the caller may see. */
export async function listProjects(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly JsonObject[]> {
  const teamId = query('team_id');
  const asked = await select(deps.projects, (project) => teamId === undefined || project.teamId === teamId);
  const seen = await sifted(asked, projectFilter(deps, caller));
  return each(askedPart(seen, query), (project) => answer(deps, project));
}

/** The body of `/project/delete`. */
export const projectsBody = z.object({ project_ids: names });

/**
 * `DELETE /project/delete`, projects in `project_ids`: once no key names them, since it would be left without the project's limits, and without
 * those of its team where only the project names that. Should a key be made in the same moment, the project is there again.
 *
 * @throws GatewayError `not_found`, `permission`, `invalid_request` naming how many keys there are; then none is deleted
 */
export async function deleteProjects(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<readonly JsonObject[]> {
  const { project_ids: ids } = check(projectsBody, body);
  for (const id of ids) {
    await requireManager(deps, caller, await readOne(deps, PROJECT, id));
    await requireUnnamed(deps, id);
  }
  return each([...new Set(ids)], async (id) => {
    const project = await deleteOne(deps, caller, PROJECT, id);
    try {
      await requireUnnamed(deps, id);
    } catch (error) {
      await createOne(deps, caller, PROJECT, project);
      throw error;
    }
    return row(project, deps.now());
  });
}

/** @throws GatewayError `invalid_request` while keys name the project; records of old secrets only point to keys */
async function requireUnnamed(deps: ManagementDeps, id: string): Promise<void> {
  const keys = await select(ownedBy(deps.keys, { kind: 'project', id }), (key) => key.supersededBy === undefined);
  if (keys.length === 0) return;
  const fault =
    `project_ids: '${id}' has ${keys.length} ${keys.length === 1 ? 'key' : 'keys'}, which would be left without its limits; ` +
    'delete them or give them another project_id, or null, first';
  throw new GatewayError('invalid_request', fault, { param: 'project_ids' });
}
