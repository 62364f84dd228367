/**
 * The provider matrix: what every row says, as a table. `node lib/providers/matrix.ts` prints it, `--write` renews
 * `docs/reference/providers.md`, which is generated from it.
 */
import { writeFileSync } from 'node:fs';
import { providers } from './index.ts';
import type { Auth, Provider } from './provider.ts';

const HEADINGS = ['Provider', 'Id', 'Speaks', 'Address', 'Sign-in', 'Variables', 'Parameters', 'Checked'] as const;

const code = (text: string): string => `\`${text}\``;
const list = (texts: readonly string[]): string => texts.map(code).join(' ');

function authText({ auth, authorize, secrets = {} }: Provider): string {
  const own = authorize === undefined ? [] : ['own', ...Object.keys(secrets).map(code)];
  return [...(auth.type === 'none' && own.length > 0 ? [] : [schemeText(auth)]), ...own].join(', ');
}

function schemeText(auth: Auth): string {
  const optional = auth.type !== 'none' && auth.optional === true ? ' (optional)' : '';
  switch (auth.type) {
    case 'header':
      return `${code(auth.prefix === undefined ? auth.name : `${auth.name}: ${auth.prefix.trim()}`)}${optional}`;
    case 'query':
      return `query ${code(auth.name)}${optional}`;
    case 'bearer':
    case 'basic':
    case 'none':
      return `${auth.type}${optional}`;
  }
}

/** The dialects of a row, with the model prefix that asks for one. */
const speaksText = ({ generate }: Provider): string =>
  [
    ...new Set(generate.map(({ dialect, forcedBy }) => code(forcedBy === undefined ? dialect : `${forcedBy}… ${dialect}`))),
  ].join(' ');

const cellsOf = (row: Provider): readonly string[] => [
  `[${row.name}](${row.docs})`,
  code(row.id),
  row.aliasOf === undefined ? speaksText(row) : `as ${code(row.aliasOf)}: ${speaksText(row)}`,
  row.base === undefined ? 'yours' : code(row.base),
  authText(row),
  list([...row.envKeys, ...row.envBases]),
  list(Object.keys(row.parameters ?? {})),
  row.verified === false ? `${row.checked}, unverified` : row.checked,
];

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** The table in Markdown, one row for each provider. */
export const matrixTable = (): string =>
  [line(HEADINGS), line(HEADINGS.map(() => '---')), ...[...providers.values()].map((row) => line(cellsOf(row)))].join('\n');

/** The page `docs/reference/providers.md`. */
export function matrixPage(): string {
  const rows = [...providers.values()];
  const unverified = rows.filter(({ verified }) => verified === false).length;
  return `# Providers

Generated from the rows in \`lib/providers\` by \`npm run providers -- --write\`; a test fails when it is stale.

A model is named \`<id>/<model>\`. *Speaks*: wire formats in the order they are preferred; a client that speaks one of them is passed
through, others are translated. A prefix such as \`responses/…\` in the model's name asks for that format. *Address*: the default base
URL, which \`api_base\` or the variable that ends in \`_BASE\` replaces; \`yours\`: it has to be given. *Sign-in*: how the key travels;
\`own\`: signatures or tokens, from the fields named. *Parameters*: fields of \`litellm_params\` beside the common ones.

${rows.length} providers; ${unverified} of them are marked *unverified*: their address or sign-in could not be checked against anything
published.

${matrixTable()}

## Not here

Names that LiteLLM ticks for chat, and that have no API which could answer:

${Object.entries(NOT_HERE)
  .map(([name, reason]) => `- ${code(name)}: ${reason}`)
  .join('\n')}
`;
}

/**
 * Names that LiteLLM ticks for chat, and why there is nothing to call: looked for in its code, in the providers' documentation and in
 * public code on 2026-11-28.
 */
export const NOT_HERE: Readonly<Record<string, string>> = {
  auto_router: 'LiteLLM’s own choice between models, no provider.',
  cursor: 'an API for agents that work on repositories in the background; it answers with no text to a conversation.',
  deepgram: 'speech; LiteLLM’s code has transcription only, and its address for chat does not exist (404).',
  elevenlabs: 'speech; LiteLLM’s code has transcription and speech only.',
  monet: 'a name without code or address.',
  topaz: 'pictures; LiteLLM’s code has variations of pictures only.',
};

const PAGE = new URL('../../docs/reference/providers.md', import.meta.url);

if (import.meta.main) {
  const [flag] = process.argv.slice(2);
  if (flag === '--write') writeFileSync(PAGE, matrixPage());
  else if (flag === undefined) console.log(matrixTable());
  else {
    console.error(
      'Usage: npm run providers [-- --write]: prints the table of providers, or renews docs/reference/providers.md.',
    );
    process.exitCode = flag === '--help' ? 0 : 1;
  }
}
