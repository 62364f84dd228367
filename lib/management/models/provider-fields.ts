/** Fields of `litellm_params` that only some providers have: parts of their addresses, and secrets beside `api_key`. */
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { providers } from '../../providers/index.ts';
import { check, text } from '../input.ts';
import type { SecretValues } from './secret.ts';

/** What a provider's row reads from a deployment, by field name. */
export interface ProviderFields {
  /** Kept with the deployment and shown. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Kept in the secret store, never shown. */
  readonly secrets: SecretValues;
}

/** Longest secret, characters: the JSON of a service account fits. */
const SECRET_LENGTH = 16_384;

/** LiteLLM's reference to an environment variable: `os.environ/OPENAI_API_KEY`. */
export const ENV_PREFIX = 'os.environ/';

const rows = [...providers.values()];

/** Names of secrets that some provider has. */
export const SECRET_FIELDS: ReadonlySet<string> = new Set(rows.flatMap(({ secrets = {} }) => Object.keys(secrets)));

/** Names of parameters that some provider has. */
export const PARAMETER_FIELDS: ReadonlySet<string> = new Set(rows.flatMap(({ parameters = {} }) => Object.keys(parameters)));

/** True for a field that the row of a provider reads. */
export function isProviderField(provider: string, name: string): boolean {
  const { parameters = {}, secrets = {} } = providers.get(provider) ?? {};
  return Object.hasOwn(parameters, name) || Object.hasOwn(secrets, name);
}

/**
 * The fields of a provider's row in `litellm_params`. Numbers count as text; JSON may be given as an object.
 *
 * @throws GatewayError `invalid_request` that names the field; the value of a secret is not repeated.
 */
export function providerFields(params: JsonObject, provider: string): ProviderFields {
  const row = providers.get(provider);
  const present = (names: object | undefined): (readonly [string, unknown])[] =>
    Object.keys(names ?? {}).flatMap((name) =>
      params[name] === undefined || params[name] === null ? [] : [[name, params[name]] as const],
    );
  return {
    parameters: Object.fromEntries(
      present(row?.parameters).map(([name, value]) => {
        const written = typeof value === 'number' ? String(value) : value;
        return [name, check(text(2048), written, `litellm_params.${name}`)];
      }),
    ),
    secrets: Object.fromEntries(
      present(row?.secrets).map(([name, value]) => [name, secretText(value, `litellm_params.${name}`)]),
    ),
  };
}

function secretText(value: unknown, param: string): string {
  const written = typeof value === 'object' ? JSON.stringify(value) : value;
  if (typeof written === 'string' && written.startsWith(ENV_PREFIX)) {
    const fault = `${param}: expected the value itself; a reference to the environment is possible in a config file only`;
    throw new GatewayError('invalid_request', fault, { param });
  }
  if (typeof written === 'string' && written !== '' && written.length <= SECRET_LENGTH) return written;
  throw new GatewayError('invalid_request', `${param}: expected a text of 1 to ${SECRET_LENGTH} characters`, { param });
}
