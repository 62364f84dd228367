/** `GET /model_group/info`: models by the name that clients call, over all deployments behind it. */
import type { Deployment } from '../../domain/model.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { modelRow } from './model-answer.ts';

/** Figures of a group: the most of any deployment, as LiteLLM has it. */
const HIGHEST = ['max_input_tokens', 'max_output_tokens', 'input_cost_per_token', 'output_cost_per_token'];

/** Figures of a group: of all deployments together. */
const SUMMED = ['tpm', 'rpm'];

/**
 * The groups a caller may call, by name.
 *
 * @param name only that one
 * @throws GatewayError `not_found` for a name that is not offered to the caller
 */
export async function modelGroups(deps: ManagementDeps, caller: Caller, name: string | undefined): Promise<JsonObject> {
  const groups = new Map<string, Deployment[]>();
  for (const deployment of await deps.offeredTo(caller)) {
    if (name !== undefined && deployment.modelName !== name) continue;
    groups.set(deployment.modelName, [...(groups.get(deployment.modelName) ?? []), deployment]);
  }
  if (name !== undefined && groups.size === 0) {
    throw new GatewayError('not_found', `model_group not found: '${name}' is not among the models you may call.`, {
      type: 'not_found_error',
      param: 'model_group',
    });
  }
  return { data: await Promise.all([...groups].map(([group, deployments]) => groupRow(deps, group, deployments))) };
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
    is_public_model_group: false,
  };
}

const highest = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values));
const total = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
