import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../lib/domain/model.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { compatible } from '../../../lib/providers/compatible.ts';
import { buildCall, faultOfBase, providers } from '../../../lib/providers/index.ts';
import type { Provider } from '../../../lib/providers/provider.ts';
import { deploymentOf } from './deployments.ts';

/** What a provider is sent for a request, by provider and kind: one file each. */
interface Fixture {
  readonly deployment: Partial<Deployment>;
  readonly environment?: Record<string, string>;
  readonly credential?: string;
  readonly body: JsonObject;
  readonly sent: { readonly url: string; readonly headers: Record<string, string>; readonly body: JsonObject };
}

const folder = join(import.meta.dirname, '../../fixtures/providers');
const rows = [...providers.values()];

function sentBy(provider: Provider, fixture: Fixture): Fixture['sent'] {
  const [api] = provider.generate;
  if (api === undefined) throw new Error(`${provider.id} speaks no dialect`);
  const deployment = deploymentOf({ provider: provider.id, ...fixture.deployment });
  const { url, headers } = buildCall({
    provider,
    deployment,
    model: deployment.model,
    credential: fixture.credential,
    api,
    stream: fixture.body['stream'] === true,
    environment: fixture.environment ?? {},
  });
  const body = (provider.quirks ?? []).reduce((edited, quirk) => quirk(edited, deployment.model), fixture.body);
  return { url, headers, body };
}

describe('the rows', () => {
  it('are many, each with its own id', () => {
    expect(rows.length).toBeGreaterThan(35);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    expect([...providers.keys()]).toEqual(rows.map(({ id }) => id));
  });

  it('of the long tail are written in alphabetical order', () => {
    const ids = compatible.map(({ id }) => id);

    expect(ids).toEqual(ids.toSorted());
  });

  it.each(rows)('$id has a sound address, documentation, and a date', (row) => {
    if (row.base === undefined) expect(row.envKeys.length + row.envBases.length > 0 || row.auth.type === 'none').toBe(true);
    else {
      expect(faultOfBase(row.base)).toBeUndefined();
      expect(row.base).toMatch(/^https:|^http:\/\/127\.0\.0\.1:/);
      expect(row.base.endsWith('/')).toBe(false);
    }
    expect(row.docs).toMatch(/^https:/);
    expect(row.checked).toMatch(/^20\d\d-\d\d-\d\d$/);
    expect(row.generate.length).toBeGreaterThan(0);
    expect(row.name).not.toBe('');
  });

  it.each(rows.filter(({ auth }) => auth.type !== 'none'))('$id names the variables of its credential', (row) => {
    expect(row.envKeys.length).toBeGreaterThan(0);
    for (const name of [...row.envKeys, ...row.envBases]) expect(name).toMatch(/^[A-Z][A-Z0-9_]+$/);
  });

  it('have a fixture for each kind, and no fixture lacks its row', () => {
    const names = rows.map(({ id }) => `${id}.generate.json`);

    expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
  });

  it.each(rows)('$id sends what its fixture says', (row) => {
    const fixture = JSON.parse(readFileSync(join(folder, `${row.id}.generate.json`), 'utf8')) as Fixture;

    expect(sentBy(row, fixture)).toEqual(fixture.sent);
  });

  it.each(rows)('$id returns the very same body when there is nothing to edit', (row) => {
    const body: JsonObject = {
      model: 'vendor/model',
      messages: [{ role: 'user', content: 'Hi' }],
      temperature: 0.5,
      tools: [{ type: 'function', function: { name: 'f', parameters: { $schema: 'x', additionalProperties: false } } }],
    };

    for (const quirk of row.quirks ?? []) expect(quirk(body, 'vendor/model')).toBe(body);
  });
});

describe('a new compatible provider', () => {
  it('is one row', () => {
    const row: Provider = {
      id: 'acme',
      name: 'Acme',
      base: 'https://api.acme.example/v1',
      envKeys: ['ACME_API_KEY'],
      envBases: [],
      auth: { type: 'bearer' },
      generate: [{ dialect: 'openai-chat', path: '/chat/completions' }],
      docs: 'https://acme.example/docs',
      checked: '2026-11-22',
    };
    const body = { model: 'a1', messages: [] };

    expect(sentBy(row, { deployment: { model: 'a1' }, credential: 'k', body, sent: { url: '', headers: {}, body } })).toEqual({
      url: 'https://api.acme.example/v1/chat/completions',
      headers: { authorization: 'Bearer k' },
      body,
    });
  });
});
