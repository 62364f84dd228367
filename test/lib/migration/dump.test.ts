import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readDump } from '../../../lib/migration/dump.ts';

const folder = mkdtempSync(join(tmpdir(), 'dump-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

describe('a dump', () => {
  it('is read from CSV as PostgreSQL writes it: NULL is an empty field, an empty text a quoted one', () => {
    const path = file(
      'LiteLLM_TeamTable.csv',
      'team_id,team_alias,models,metadata\nt,"","{a,""b c""}","{""x"": ""1,2""}"\nu,,{},\n',
    );

    expect(readDump([path]).dump.get('TeamTable')).toEqual([
      { team_id: 't', team_alias: '', models: '{a,"b c"}', metadata: '{"x": "1,2"}' },
      { team_id: 'u', team_alias: null, models: '{}', metadata: null },
    ]);
  });

  it('is read from JSON: a list a file, or an object of tables; tables of others are told', () => {
    const one = file('budgettable.json', '[{"budget_id": "b"}]');
    const many = file('all.json', JSON.stringify({ 'public."LiteLLM_UserTable"': [{ user_id: 'u' }], LiteLLM_Config: [] }));

    const { dump, ignored } = readDump([one, many]);

    expect(Object.fromEntries(dump)).toEqual({ BudgetTable: [{ budget_id: 'b' }], UserTable: [{ user_id: 'u' }] });
    expect(ignored).toEqual(['LiteLLM_Config']);
  });

  it('is read from a folder, files of one table together', () => {
    file('parts/LiteLLM_TagTable.csv', 'tag_name\na\n');
    file('parts/litellm_tagtable.json', '[{"tag_name": "b"}]');

    expect(readDump([join(folder, 'parts')]).dump.get('TagTable')).toEqual([{ tag_name: 'a' }, { tag_name: 'b' }]);
  });

  it.each([
    ['a file that is not there', join(folder, 'absent.csv'), /absent\.csv: there is no such file/],
    ['JSON that is none', file('broken.json', '{'), /broken\.json: .*JSON/],
    ['rows that are none', file('rows.json', '{"LiteLLM_TagTable": [1]}'), /LiteLLM_TagTable: expected a list of rows/],
    ['CSV of unequal rows', file('LiteLLM_TagTable2.csv', 'a,b\n1\n'), /LiteLLM_TagTable2\.csv: Invalid Record Length/],
  ])('refuses %s by name', (_, path, message) => {
    expect(() => readDump([path])).toThrow(message);
  });

  it('refuses a folder without files of a dump', () => {
    mkdirSync(join(folder, 'empty'));
    expect(() => readDump([join(folder, 'empty')])).toThrow(/no \.csv or \.json file/);
  });
});
