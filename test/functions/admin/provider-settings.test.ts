import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../lib/providers/build-call.ts';
import { providers } from '../../../lib/providers/index.ts';
import type { Api, Provider } from '../../../lib/providers/provider.ts';
import { aDeployment } from '../../support/exchange.ts';
import { createAdmin } from './support.ts';

interface Row {
  readonly name: string;
  readonly fields: readonly { readonly field_name: string; readonly field_value: string | null }[];
}

async function settings(): Promise<readonly Row[]> {
  const { body } = await createAdmin().call('GET', '/model/settings');
  return body['value'] as readonly Row[];
}

const fieldsOf = (rows: readonly Row[], name: string) =>
  Object.fromEntries(
    (rows.find((row) => row.name === name)?.fields ?? []).map(({ field_name, field_value }) => [field_name, field_value]),
  );

/** An address that carries no version by itself, as the row's documentation writes it; any will do for most. */
const HOSTS: Readonly<Record<string, string>> = { azure_ai: 'https://resource.services.ai.azure.com' };

/** Whether any address of a row is another one for another version. */
function readsVersion(provider: Provider): boolean {
  const parameters = Object.fromEntries(Object.keys(provider.parameters ?? {}).map((name) => [name, 'value']));
  const at = (api: Api, apiVersion: string): string => {
    const apiBase = HOSTS[provider.id] ?? 'https://host.example';
    const deployment = aDeployment({ provider: provider.id, apiBase, apiVersion, parameters });
    return addressOf({ provider, deployment, model: 'some-model', api, stream: false, environment: {} });
  };
  return provider.generate.some((api) => at(api, '2030-01-01') !== at(api, '2031-01-01'));
}

describe('/model/settings', () => {
  it('has a row for every provider, with no field twice', async () => {
    const rows = await settings();
    expect(rows.map(({ name }) => name)).toEqual([...providers.keys()]);
    for (const { name, fields } of rows) {
      const names = fields.map(({ field_name }) => field_name);
      expect(names, name).toEqual([...new Set(names)]);
    }
  });

  it('says what a deployment of a provider takes', async () => {
    const rows = await settings();
    expect(fieldsOf(rows, 'openai')).toEqual({
      api_key: 'os.environ/OPENAI_API_KEY',
      api_base: 'https://api.openai.com/v1',
      organization: null,
    });
    expect(fieldsOf(rows, 'azure')).toMatchObject({ api_version: null, tenant_id: null, client_secret: null });
    expect(fieldsOf(rows, 'watsonx')).toMatchObject({ watsonx_region_name: 'us-south', token: null });
  });

  it('tells of a version where addresses have one, and nowhere else', async () => {
    const told = (await settings()).flatMap(({ name, fields }) =>
      fields.some(({ field_name }) => field_name === 'api_version') ? [name] : [],
    );
    expect(told).toEqual([...providers.values()].filter(readsVersion).map(({ id }) => id));
  });

  it('names no field that a deployment of the provider may not have', async () => {
    const admin = createAdmin();
    for (const { name, fields } of await settings()) {
      const given = Object.fromEntries(
        fields.map(({ field_name, field_value }) => [
          field_name,
          field_name === 'api_base' ? 'https://host.example' : field_name === 'api_key' ? 'sk-1' : (field_value ?? 'value'),
        ]),
      );
      const body = { model_name: 'm', litellm_params: { ...given, model: `${name}/some-model` } };
      const { status, body: answer } = await admin.call('POST', '/model/new', { body });
      expect(status, `${name}: ${JSON.stringify(answer)}`).toBe(200);
    }
  });
});
