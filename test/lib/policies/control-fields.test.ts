import { describe, expect, it } from 'vitest';
import type { Warning } from '../../../lib/kinds/generate.ts';
import { withoutControls } from '../../../lib/policies/control-fields.ts';

const run = (body: Record<string, unknown>) => {
  const warnings: Warning[] = [];
  return { ...withoutControls(body, (warning) => warnings.push(warning)), warnings };
};

describe('fields for the gateway', () => {
  it('leave a body without any alone', () => {
    const body = { model: 'm', messages: [] };
    expect(run(body).body).toBe(body);
  });

  it('never reach a provider, and say so when they are not supported yet', () => {
    const { body, removed, warnings } = run({ model: 'm', fallbacks: ['n'], drop_params: true });
    expect(body).toEqual({ model: 'm' });
    expect(removed).toEqual(['fallbacks', 'drop_params']);
    expect(warnings).toMatchObject([{ kind: 'dropped', field: 'fallbacks' }]);
  });

  it.each(['api_base', 'base_url', 'api_key', 'custom_llm_provider', 'litellm_credential_name'])(
    'may not name an address or a credential: %s',
    (field) => {
      expect(() => run({ model: 'm', [field]: 'http://169.254.169.254' })).toThrow(
        expect.objectContaining({ status: 400, detail: { param: field } }),
      );
    },
  );

  it('are harmless when they say nothing', () => {
    expect(run({ model: 'm', api_base: null })).toMatchObject({ body: { model: 'm' }, warnings: [] });
  });
});
