/** The credential of a deployment, wherever it is kept: which values it has, never what they are. */
import type { Deployment } from '../../domain/model.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { requireViewer } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { MASK } from './credentials.ts';
import { noModel } from './models.ts';
import { readSecret } from './secret.ts';

/**
 * `GET /credentials/by_model/{id}`.
 *
 * @throws GatewayError `not_found` for an id that no deployment has
 */
export async function modelCredential(deps: ManagementDeps, caller: Caller, id: string): Promise<JsonObject> {
  requireViewer(caller);
  const deployment = (await deps.deployments()).find((one) => one.id === id);
  if (deployment === undefined) throw noModel(id);
  const fields = [
    ...(await secretFields(deps, deployment)),
    ...(deployment.apiBase === undefined ? [] : ['api_base']),
    ...(deployment.apiVersion === undefined ? [] : ['api_version']),
    ...Object.keys(deployment.parameters ?? {}),
  ];
  return {
    credential_name: `${deployment.modelName}-credential-${id}`,
    credential_values: Object.fromEntries(fields.map((field) => [field, MASK])),
    credential_info: {},
  };
}

async function secretFields(deps: ManagementDeps, { credential }: Deployment): Promise<readonly string[]> {
  switch (credential.type) {
    case 'secret':
      return Object.keys(readSecret((await deps.secrets.get(credential.name)) ?? '{}'));
    case 'env':
      return ['api_key'];
    case 'value':
      return Object.keys(readSecret(credential.value));
    case 'none':
      return [];
    default:
      return credential satisfies never;
  }
}
