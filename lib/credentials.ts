/** The value behind a credential reference. */
import type { CredentialRef } from './domain/model.ts';
import { GatewayError } from './errors.ts';
import { isObject } from './kinds/json.ts';
import type { SecretStore } from './stores/secrets.ts';

/** The key inside a secret: the field `api_key` of a JSON object, or the whole text. */
export function keyInSecret(text: string): string | undefined {
  if (!text.trimStart().startsWith('{')) return text.trim();
  const value: unknown = JSON.parse(text);
  const key = isObject(value) ? value['api_key'] : undefined;
  return typeof key === 'string' ? key : undefined;
}

/**
 * A resolver of credentials. `environment` serves `env` references. `whole`: the provider's row reads fields of the secret itself, so
 * a JSON object comes back as it is.
 *
 * Throws GatewayError `internal` with an operator's hint when a reference leads nowhere; the text names the reference, never a value.
 */
export function createCredentials(
  secrets: SecretStore,
  environment: Readonly<Record<string, string | undefined>>,
): (ref: CredentialRef, options?: { readonly fresh?: boolean; readonly whole?: boolean }) => Promise<string | undefined> {
  const missing = (what: string): GatewayError =>
    new GatewayError(
      'internal',
      `The credential of this model is missing: ${what}. The operator of this gateway has to add it.`,
      { code: 'credential_missing' },
    );
  return async (ref, options) => {
    switch (ref.type) {
      case 'none':
        return undefined;
      case 'value':
        return ref.value;
      case 'env': {
        const value = environment[ref.name];
        if (value === undefined || value === '') throw missing(`environment variable ${ref.name} is not set`);
        return value;
      }
      case 'secret': {
        const text = await secrets.get(ref.name, options);
        const value = text === undefined || options?.whole === true ? text : keyInSecret(text);
        if (value === undefined) throw missing(`secret ${ref.name} does not exist or holds no api_key`);
        return value;
      }
    }
  };
}
