import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { providers } from '../../../lib/providers/index.ts';
import { matrixPage, matrixTable } from '../../../lib/providers/matrix.ts';

describe('the provider matrix', () => {
  it('has a line for each provider, all of the same width', () => {
    const lines = matrixTable().split('\n');

    expect(lines).toHaveLength(providers.size + 2);
    expect(new Set(lines.map((line) => line.split(' | ').length)).size).toBe(1);
  });

  it('says how keys travel, what the parameters are, and what is not verified', () => {
    const lines = matrixTable().split('\n');
    const lineOf = (id: string) => lines.find((line) => line.includes(`| \`${id}\` |`)) ?? '';

    expect(lineOf('openai')).toContain('| bearer |');
    expect(lineOf('anthropic')).toContain('| `x-api-key` |');
    expect(lineOf('oobabooga')).toContain('`authorization: Token` (optional)');
    expect(lineOf('bedrock')).toMatch(/bearer \(optional\), own, `aws_access_key_id`.*`aws_region_name`/);
    expect(lineOf('openai')).toContain('`openai-chat` `responses/… openai-responses`');
    expect(lineOf('veniceai')).toContain('as `venice`');
    expect(lineOf('matterai')).toContain('unverified');
  });

  it('says which names of LiteLLM have no API to call, none of which is a row', () => {
    const [, section = ''] = matrixPage().split('## Not here');
    const names = [...section.matchAll(/^- `([^`]+)`/gm)].map(([, name = '']) => name);

    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => providers.has(name))).toEqual([]);
  });

  it('is what docs/reference/providers.md says; else renew it with npm run providers -- --write', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/providers.md'), 'utf8');

    expect(page).toBe(matrixPage());
  });
});
