/** `GET /model/settings`: what a deployment of each provider may say of itself, read off the providers' rows. */
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { providers } from '../../providers/index.ts';
import type { Parameter, Provider } from '../../providers/provider.ts';
import { requireViewer } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { ENV_PREFIX } from './provider-fields.ts';

/** A field of `litellm_params` in LiteLLM's words: `value` is what may stand there, or what counts where nothing does. */
const field = (name: string, description: string, value: string | null = null): JsonObject => ({
  field_name: name,
  field_type: 'string',
  field_description: description,
  field_value: value,
});

const sentences = (...parts: readonly (string | undefined)[]): string => parts.filter((part) => part !== undefined).join(' ');

const variables = (names: readonly string[] | undefined): string | undefined =>
  names === undefined || names.length === 0 ? undefined : `Where nothing is given: ${names.join(', ')} of the environment.`;

function keyOf({ name, auth, envKeys }: Provider): JsonObject | undefined {
  if (auth.type === 'none' && envKeys.length === 0) return undefined;
  const optional = auth.type !== 'none' && auth.optional === true ? 'May be left out.' : undefined;
  const [variable] = envKeys;
  return field(
    'api_key',
    sentences(`Credential of ${name}.`, optional),
    variable === undefined ? null : `${ENV_PREFIX}${variable}`,
  );
}

function baseOf({ base, baseOf: computed, envBases }: Provider): JsonObject {
  const needed = base === undefined && computed === undefined;
  return field('api_base', sentences('Address.', needed ? 'Has to be given.' : undefined, variables(envBases)), base ?? null);
}

const parameter = ([name, { env, fallback }]: [string, Parameter]): JsonObject =>
  field(name, sentences('Parameter of the provider.', variables(env)), fallback ?? null);

const secret = ([name, { env }]: [string, Pick<Parameter, 'env'>]): JsonObject =>
  field(name, sentences('Secret; kept in the secret store and never shown.', variables(env)));

function fieldsOf(row: Provider): readonly JsonObject[] {
  const { takesVersion, envVersion, organizationHeader, parameters = {}, secrets = {} } = row;
  return [
    keyOf(row),
    baseOf(row),
    takesVersion &&
      field('api_version', sentences('Version of the API.', variables(envVersion === undefined ? [] : [envVersion]))),
    organizationHeader && field('organization', 'Account at the provider that is charged.'),
    ...Object.entries(parameters).map(parameter),
    ...Object.entries(secrets).map(secret),
  ].filter((one) => typeof one === 'object');
}

/** Every provider by name, with its fields. */
export async function providerSettings(_deps: ManagementDeps, caller: Caller): Promise<readonly JsonObject[]> {
  requireViewer(caller);
  return [...providers.values()].map((row) => ({ name: row.id, fields: fieldsOf(row) }));
}
