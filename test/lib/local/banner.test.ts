import { expect, it } from 'vitest';
import { banner, example, urlOf } from '../../../lib/local/banner.ts';
import { exampleModel } from '../../../lib/local/example-model.ts';
import { environmentDeployments } from '../../../lib/local/environment.ts';
import type { CatalogModel } from '../../../lib/domain/price-types.ts';
import { aDeployment } from '../../support/exchange.ts';

const run = {
  version: '1.2.3',
  url: 'http://127.0.0.1:4000',
  masterKey: { secret: 'sk-master', origin: 'TOLLGATE_MASTER_KEY' },
  virtualKey: { secret: 'sk-virtual', alias: 'local-dev' },
  model: "it's",
  providers: ['Groq: groq/<model>', 'OpenAI: openai/<model>'],
  state: ['nothing is kept'],
};

it('says where the gateway is, with which keys, and shows an example', () => {
  const lines = banner(run).split('\n');

  expect(lines).toEqual([
    'Tollgate 1.2.3',
    '',
    '  Base URL     http://127.0.0.1:4000',
    '  Master key   sk-master  (from TOLLGATE_MASTER_KEY)',
    '  Virtual key  sk-virtual  (local-dev)',
    '  Providers    Groq: groq/<model>',
    '               OpenAI: openai/<model>',
    '  State        nothing is kept',
    '',
    ...example(run.url, 'sk-virtual', "it's").map((line) => `  ${line}`),
    '',
  ]);
  expect(lines[11]).toContain(String.raw`model: 'it\'s'`);
});

it('shows no example without a model to call', () => {
  expect(banner({ ...run, model: undefined })).not.toContain('import');
});

it.each([
  ['127.0.0.1', 'http://127.0.0.1:80'],
  ['0.0.0.0', 'http://127.0.0.1:80'],
  ['::', 'http://[::1]:80'],
  ['::1', 'http://[::1]:80'],
  ['localhost', 'http://localhost:80'],
])('prints an address to call for %s', (host, url) => {
  expect(urlOf(host, 80)).toBe(url);
});

const catalog = {
  list: (provider?: string) =>
    Promise.resolve([
      { name: `${provider}/embedder`, mode: 'embedding' },
      { name: `${provider}/talker`, mode: 'chat' },
    ] as CatalogModel[]),
};

it('calls a model with a name of its own first, one that has its key and can chat', async () => {
  const deployments = [
    aDeployment({ id: '1', modelName: 'no-key', credential: { type: 'env', name: 'NOBODY' } }),
    aDeployment({ id: '2', modelName: 'vectors', info: { mode: 'embedding' } }),
    aDeployment({ id: '3', modelName: 'openai/*', model: '*' }),
    aDeployment({ id: '4', modelName: 'mine' }),
  ];

  expect(await exampleModel(deployments, catalog, {})).toBe('mine');
  expect(await exampleModel(deployments.slice(0, 1), catalog, {})).toBe('no-key');
});

it('calls a well-known model behind a wildcard, by its bare name where that works', async () => {
  const of = (environment: Record<string, string>): Promise<string | undefined> =>
    exampleModel(environmentDeployments(environment).deployments, catalog, environment);

  expect(await of({ OPENAI_API_KEY: 'sk' })).toBe('gpt-4o-mini');
  expect(await of({ GROQ_API_KEY: 'gsk' })).toBe('groq/llama-3.1-8b-instant');
  expect(await of({ OLLAMA_API_BASE: 'http://127.0.0.1:11434', DEEPINFRA_API_KEY: 'di' })).toBe('deepinfra/talker');
});

it('names none where there is none', async () => {
  const odd = aDeployment({ modelName: 'my-*', model: 'fixed-*' });

  expect(await exampleModel([odd], catalog, {})).toBeUndefined();
});
