/** What README and docs name has to be there: settings, routes, scripts, files, headings. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../functions/admin/routes.ts';
import { endpoints } from '../lib/endpoints/index.ts';
import { ENV } from '../lib/env.ts';

const root = resolve(import.meta.dirname, '..');
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesIn('docs')];

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}

const read = (page: string): string => readFileSync(join(root, page), 'utf8');
/** What the pages hold of a form: its first group, and where it stands. */
const named = (form: RegExp, among = pages): { readonly name: string; readonly page: string }[] =>
  among.flatMap((page) => [...read(page).matchAll(form)].map(([, name = '']) => ({ name, page })));

/** The page of settings. */
const settingsPage = (): string => `# Settings
Variables of the environment, beside the keys of [providers](providers.md). Deployed, the stacks set those of tables, bucket and
secrets; others are given as \`npm run deploy -- -c NAME=value\` ([deploy](../guides/deploy.md)). Locally \`npm start -- --help\` names those of the emulators.

| variable | meaning |
| --- | --- |
${Object.entries(ENV)
  .map(([name, meaning]) => `| \`${name}\` | ${meaning.replaceAll('|', '\\|')} |`)
  .join('\n')}
`;

/** A path without the names of what stands for something: `/key/{}/regenerate`. */
const shapeOf = (path: string): string => path.replaceAll(/\{[^}]*\}|<[^>]*>/g, '{}');

/** The paths of a cell that names several at once: `/tag/dau\|wau`, `/key\|team/spend/report`. */
const eachOf = (path: string): string[] =>
  path
    .split('/')
    .reduce<string[]>((before, part) => part.split('\\|').flatMap((one) => before.map((path) => `${path}/${one}`)), [''])
    .map((path) => path.slice(1));

/** Headings as links name them. */
const anchorsOf = (page: string): string[] =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('the docs', () => {
  it('list every setting; else renew the page with npm test -- test/docs.test.ts -u', async () => {
    await expect(settingsPage()).toMatchFileSnapshot('../docs/reference/settings.md');
  });

  it('name no setting that is not read', () => {
    const ofTests = ['TOLLGATE_EXPLORE', 'TOLLGATE_RECORDINGS'];

    expect(named(/\b(TOLLGATE_[A-Z0-9_]+)/g).filter(({ name }) => !(name in ENV) && !ofTests.includes(name))).toEqual([]);
  });

  it('name no script that is not in package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: object };

    expect(named(/\bnpm run ([\w:]+)/g).filter(({ name }) => !(name in scripts))).toEqual([]);
  });

  it('name no route of management that does not exist', () => {
    const paths = [...ROUTES.map(({ path }) => path), ...endpoints.flatMap((endpoint) => endpoint.paths)].map(shapeOf);
    const first = new Set(paths.map((path) => path.split('/')[1]));
    const exists = (shape: string): boolean =>
      paths.includes(shape) || (shape.endsWith('/*') && paths.some((path) => path.startsWith(shape.slice(0, -1))));
    const form = /`(?:(?:GET|POST|PUT|PATCH|DELETE) )?(\/(?:\{[^}]*\}|<[^>]*>|[^`\s?{<])+)[^`]*`/g;

    const unknown = named(form, ['README.md', ...filesIn('docs/guides')]).filter(({ name }) =>
      eachOf(shapeOf(name)).some((shape) => first.has(shape.split('/')[1]) && !exists(shape)),
    );

    expect(unknown).toEqual([]);
  });

  it('link to files and headings that exist', () => {
    const broken = named(/\]\(((?!https?:|mailto:)[^)\s]+)\)/g).filter(({ name, page }) => {
      const [path = '', anchor] = name.split('#');
      const target = path === '' ? page : relative(root, resolve(root, dirname(page), path));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });

    expect(broken).toEqual([]);
  });
});
