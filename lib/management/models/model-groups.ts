/** Models by the name that clients call, over all deployments behind it: for a caller, and those that everybody may see. */
import * as z from 'zod/mini';
import type { Deployment } from '../../domain/model.ts';
import { deploymentsFor, isForAll } from '../../domain/offer.ts';
import { PUBLIC_MODELS } from '../../domain/public-models.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { actorOf, requireAdmin } from '../access.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, names } from '../input.ts';
import { writeRecord } from '../records/records.ts';
import { modelRow } from './model-answer.ts';

/** Figures of a group: the most of any deployment, as LiteLLM has it. */
const HIGHEST = ['max_input_tokens', 'max_output_tokens', 'input_cost_per_token', 'output_cost_per_token'];

/** Figures of a group: of all deployments together. */
const SUMMED = ['tpm', 'rpm'];

/**
 * `GET /model_group/info`: the groups a caller may call, by name.
 *
 * @param name only that one
 * @throws GatewayError `not_found` for a name that is not offered to the caller
 */
export async function modelGroups(deps: ManagementDeps, caller: Caller, name: string | undefined): Promise<JsonObject> {
  const offered = await deps.offeredTo(caller);
  const wanted = name === undefined ? offered : offered.filter(({ modelName }) => modelName === name);
  if (name !== undefined && wanted.length === 0) {
    throw new GatewayError('not_found', `model_group not found: '${name}' is not among the models you may call.`, {
      type: 'not_found_error',
      param: 'model_group',
    });
  }
  return { data: await groupRows(deps, wanted) };
}

/**
 * `GET /public/model_hub`: the groups that were made public, with what `/model_group/info` says of them. Deployments of teams are no part of
 * them, whatever their names.
 */
export async function publicGroups(deps: ManagementDeps): Promise<readonly JsonObject[]> {
  const shown = await deps.publicNames();
  if (shown.length === 0) return [];
  return groupRows(
    deps,
    deploymentsFor(await deps.deployments(), null).filter(({ modelName }) => shown.includes(modelName)),
  );
}

/** The body of `/model_group/make_public`. */
export const publicBody = z.looseObject({ model_groups: names });

/**
 * `POST /model_group/make_public`: these groups are public, and no others.
 *
 * @throws GatewayError `invalid_request` for a name under which nothing is offered to all
 */
export async function makePublic(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const shown = [...new Set(check(publicBody, body).model_groups)];
  const offered = new Set(deploymentsFor(await deps.deployments(), null).map(({ modelName }) => modelName));
  const unknown = shown.filter((name) => !offered.has(name));
  if (unknown.length > 0) {
    const fault = `model_groups: no deployment for all is called ${unknown.join(', ')}; GET /model_group/info lists the names`;
    throw new GatewayError('invalid_request', fault, { param: 'model_groups' });
  }
  const record = { store: deps.publicModels, kind: 'list of public models', id: PUBLIC_MODELS };
  const written = await writeRecord(deps, actorOf(caller), record, () => ({ names: shown }));
  deps.onChange?.();
  await audit(deps, caller, {
    action: 'updated',
    kind: 'public models',
    id: PUBLIC_MODELS,
    before: { model_groups: written?.before?.names ?? [] },
    after: { model_groups: shown },
  });
  return {
    message: 'Successfully updated public model groups',
    public_model_groups: shown,
    updated_by: actorOf(caller),
  };
}

async function groupRows(deps: ManagementDeps, deployments: readonly Deployment[]): Promise<readonly JsonObject[]> {
  const shown = new Set(await deps.publicNames());
  const groups = Map.groupBy(deployments, ({ modelName }) => modelName);
  return Promise.all(
    [...groups].map(async ([group, members]) => ({
      ...(await groupRow(deps, group, members)),
      is_public_model_group: shown.has(group) && members.some(isForAll),
    })),
  );
}

async function groupRow(deps: ManagementDeps, group: string, deployments: readonly Deployment[]): Promise<JsonObject> {
  const infos = await Promise.all(
    deployments.map(async (deployment) => {
      const { model_info: info } = modelRow(deployment, await deps.facts(deployment, deployment.model));
      return isObject(info) ? info : {};
    }),
  );
  const numbers = (field: string): readonly number[] =>
    infos.flatMap(({ [field]: value }) => (typeof value === 'number' ? [value] : []));
  const abilities = [...new Set(infos.flatMap((info) => Object.keys(info).filter((field) => field.startsWith('supports_'))))];
  return {
    model_group: group,
    providers: [...new Set(deployments.map(({ provider }) => provider))],
    mode: infos.map(({ mode }) => mode).find((mode) => mode !== null && mode !== undefined) ?? null,
    ...Object.fromEntries(HIGHEST.map((field) => [field, highest(numbers(field))])),
    ...Object.fromEntries(SUMMED.map((field) => [field, total(numbers(field))])),
    ...Object.fromEntries(abilities.map((field) => [field, infos.some(({ [field]: value }) => value === true)])),
    supported_openai_params: null,
  };
}

const highest = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));
const total = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
