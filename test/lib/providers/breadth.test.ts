/** Whether every provider that is asked for has a row. Reads a list that lies beside the project; skipped, with a line, where it does not. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NOT_HERE } from '../../../lib/providers/matrix.ts';
import { parseModel, providers } from '../../../lib/providers/index.ts';

interface Wanted {
  readonly slug: string;
  readonly endpoints: readonly string[];
  readonly in_seed?: boolean;
  readonly seed_columns?: readonly string[];
}

const LIST = join(import.meta.dirname, '../../../../shared/data/providers.json');
const isThere = existsSync(LIST);
if (!isThere) console.warn(`skipped: ${LIST} is not there`);
const wanted = isThere ? (JSON.parse(readFileSync(LIST, 'utf8')) as { readonly providers: readonly Wanted[] }).providers : [];

const CHAT = new Set(['/chat/completions', '/messages', '/responses']);

/** True for a row, or for a prefix of models that one of its APIs has: `azure_ai/agents`. */
function isCallable(slug: string): boolean {
  if (providers.has(slug)) return true;
  const [id = '', ...rest] = slug.split('/');
  return (providers.get(id)?.generate ?? []).some(({ forcedBy }) => forcedBy === `${rest.join('/')}/`);
}

const lacking = (rows: readonly Wanted[]): string[] =>
  rows.map(({ slug }) => slug).filter((slug) => !isCallable(slug) && NOT_HERE[slug] === undefined);

describe.skipIf(!isThere)('the providers that are asked for', () => {
  it('are all here that have an API, where they must be', () => {
    const mandatory = wanted.filter((row) => row.in_seed === true && row.seed_columns?.some((column) => CHAT.has(column)));

    expect(mandatory.length).toBeGreaterThan(80);
    expect(lacking(mandatory)).toEqual([]);
    expect(mandatory.filter(({ slug }) => NOT_HERE[slug] !== undefined).map(({ slug }) => slug)).toEqual([
      'auto_router',
      'deepgram',
      'elevenlabs',
      'topaz',
    ]);
  });

  it('are all here that chat', () => {
    expect(
      lacking(
        wanted.filter(({ endpoints }) => endpoints.includes('chat_completions') || endpoints.includes('text_completion')),
      ),
    ).toEqual([]);
  });

  it('are found by LiteLLM’s names of models', () => {
    expect(parseModel('azure_ai/agents/asst_1')).toEqual({ provider: 'azure_ai', model: 'agents/asst_1' });
    expect(parseModel('replicate/meta/llama-3')).toEqual({ provider: 'replicate', model: 'meta/llama-3' });
  });
});
