import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../lib/domain/model.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { maxTokens } from '../../../lib/providers/compatible-row.ts';
import { compatible } from '../../../lib/providers/compatible.ts';
import { bodyEdits, buildCall, chooseApi, faultOfBase, providers } from '../../../lib/providers/index.ts';
import type { Provider } from '../../../lib/providers/provider.ts';
import { deploymentOf } from './deployments.ts';

/** What a provider is sent for a request, by provider and kind: one file each, but for rows without peculiarities, which share one. */
interface Fixture {
  readonly deployment: Partial<Deployment>;
  readonly environment?: Record<string, string>;
  readonly credential?: string;
  readonly body: JsonObject;
  readonly sent: { readonly url: string; readonly headers: Record<string, string>; readonly body: JsonObject };
}

/** Rows that respell every body. */
const FILLING = new Set(['chatgpt', 'manus', 'sagemaker_nova', 'replicate', 'watsonx', 'watsonx_text']);

const folder = join(import.meta.dirname, '../../fixtures/providers');
const rows = [...providers.values()];
const own = rows.filter(({ aliasOf }) => aliasOf === undefined);
const fixtureNames = new Set(readdirSync(folder));
const fixtureOf = (name: string): Fixture => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Fixture;

/** True for a row of which its address says everything: OpenAI's chat API below a base, and a bearer token. */
const isPlain = (row: Provider): boolean =>
  [row.url, row.baseOf, row.sign, row.authorize, row.place, row.headers, row.parameters].every((part) => part === undefined) &&
  row.auth.type === 'bearer' &&
  row.generate[0]?.dialect === 'openai-chat' &&
  row.generate[0].quirks === undefined &&
  (row.quirks ?? []).every((quirk) => quirk === maxTokens);

function sentBy(provider: Provider, fixture: Fixture): Fixture['sent'] {
  const deployment = deploymentOf({ provider: provider.id, ...fixture.deployment });
  const chosen = chooseApi(provider, deployment.model, 'openai-chat');
  if (chosen === undefined) throw new Error(`${provider.id} speaks no dialect`);
  const { api, model } = chosen;
  const parts = { provider, deployment, model, api, environment: fixture.environment ?? {} };
  const stream = fixture.body['stream'] === true;
  const { url, headers } = buildCall({ ...parts, credential: fixture.credential, stream });
  const body = bodyEdits(parts).reduce((edited, quirk) => quirk(edited, model), fixture.body);
  return { url, headers, body };
}

describe('the rows', () => {
  it('are many, each with its own id', () => {
    expect(rows.length).toBeGreaterThan(120);
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
      const places = [...row.base.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const base = row.base.replace(/\{\w+\}/g, 'a1');
      expect(Object.keys(row.parameters ?? {})).toEqual(expect.arrayContaining(places));
      expect(faultOfBase(base)).toBeUndefined();
      expect(base).toMatch(/^https:|^http:\/\/127\.0\.0\.1:/);
      expect(base.endsWith('/')).toBe(false);
    }
    expect(row.docs).toMatch(/^https:/);
    expect(row.checked).toMatch(/^20\d\d-\d\d-\d\d$/);
    expect(row.generate.length).toBeGreaterThan(0);
    for (const { path, streamPath = path } of row.generate) {
      const places = [...`${path}${streamPath}`.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(['model', ...Object.keys(row.parameters ?? {})]).toEqual(expect.arrayContaining(places));
    }
    expect(row.name).not.toBe('');
  });

  it.each(rows.filter(({ auth, authorize }) => auth.type !== 'none' || authorize !== undefined))(
    '$id names the variables of its credential',
    (row) => {
      expect(row.envKeys.length).toBeGreaterThan(0);
      for (const name of [...row.envKeys, ...row.envBases]) expect(name).toMatch(/^[A-Z][A-Z0-9_]+$/);
    },
  );

  it('have a fixture each or share the plain one, and no fixture lacks its row', () => {
    const peculiar = own.filter((row) => !isPlain(row)).map(({ id }) => `${id}.generate.json`);
    const known = new Set(['compatible.generate.json', ...rows.map(({ id }) => `${id}.generate.json`)]);

    expect(peculiar.filter((name) => !fixtureNames.has(name))).toEqual([]);
    expect([...fixtureNames].filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(rows.filter(({ id }) => fixtureNames.has(`${id}.generate.json`)))('$id sends what its fixture says', (row) => {
    const fixture = fixtureOf(`${row.id}.generate.json`);

    expect(sentBy(row, fixture)).toEqual(fixture.sent);
  });

  it.each(own.filter(isPlain))('$id is called as plain rows are', (row) => {
    const fixture = fixtureOf('compatible.generate.json');
    const base = row.base ?? 'https://plain.example/v1';
    const deployment = { ...fixture.deployment, ...(row.base === undefined ? { apiBase: base } : {}) };
    const url = fixture.sent.url.replace('{base}', base).replace('{path}', row.generate[0]?.path ?? '');

    expect(sentBy(row, { ...fixture, deployment })).toEqual({ ...fixture.sent, url });
  });

  it('that are second names have the address and the keys of the first', () => {
    const aliases = rows.filter(({ aliasOf }) => aliasOf !== undefined);

    expect(aliases.length).toBeGreaterThan(3);
    for (const { aliasOf = '', base, auth, envKeys, envBases } of aliases) {
      expect(providers.get(aliasOf)).toMatchObject({ auth, envKeys, envBases, ...(base === undefined ? {} : { base }) });
    }
  });

  it.each(rows)('$id returns the very same body when there is nothing to edit', (row) => {
    const body: JsonObject = {
      model: 'vendor/model',
      messages: [{ role: 'user', content: 'Hi' }],
      temperature: 0.5,
      tools: [{ type: 'function', function: { name: 'f', parameters: { $schema: 'x', additionalProperties: false } } }],
    };

    const api = chooseApi(row, 'vendor/model', 'openai-chat')?.api;
    const edits = api?.quirks ?? row.quirks ?? [];
    for (const quirk of api === undefined || FILLING.has(row.id) ? [] : edits) expect(quirk(body, 'vendor/model')).toBe(body);
  });
});

describe('a new compatible provider', () => {
  it('is one row, and called as the plain fixture says', () => {
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
    const { sent, ...asked } = fixtureOf('compatible.generate.json');

    expect(isPlain(row)).toBe(true);
    expect(sentBy(row, { ...asked, sent })).toEqual({ ...sent, url: 'https://api.acme.example/v1/chat/completions' });
  });
});
