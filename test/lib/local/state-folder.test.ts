import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { markOf } from '../../../lib/local/process-identity.ts';
import { openStateFolder } from '../../../lib/local/state-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tollgate-folder-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

it('makes a folder that only its owner can read, with a word on what it is', () => {
  const folder = openStateFolder(join(root, 'deep', 'state'));
  folder.write('master-key', 'sk-1');

  expect(statSync(folder.path).mode & 0o777).toBe(0o700);
  expect(statSync(folder.file('master-key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(folder.file('README'), 'utf8')).toMatch(/^State of a local Tollgate/);
  expect(folder.read('master-key')).toBe('sk-1');
  expect(folder.read('virtual-key')).toBeUndefined();
});

it('lets one Tollgate in at a time', () => {
  const other = spawn('sleep', ['60']);
  const folder = openStateFolder(join(root, 'state'));
  writeFileSync(folder.file('owner.json'), JSON.stringify(markOf(other.pid ?? 0)));

  expect(() => openStateFolder(folder.path)).toThrow(`${folder.path} is in use by another Tollgate (process ${other.pid})`);

  other.kill();
});

it('takes over from one that is gone, whatever has its number now', () => {
  const folder = openStateFolder(join(root, 'state'));
  writeFileSync(folder.file('owner.json'), JSON.stringify({ pid: 1, identity: 'another time' }));
  openStateFolder(folder.path).close();
  writeFileSync(folder.file('owner.json'), 'half a f');

  openStateFolder(folder.path).close();

  expect(existsSync(folder.file('owner.json'))).toBe(false);
});

it('says in one line that a file is in its place', () => {
  const path = join(root, 'file');
  writeFileSync(path, '');

  expect(() => openStateFolder(path)).toThrow(`cannot keep state in ${path}: a file is in its place; choose another folder`);
  expect(() => openStateFolder(join(path, 'state'))).toThrow('a file is in its place');
});

it('says in one line which file cannot be read or written', () => {
  const folder = openStateFolder(join(root, 'state'));
  mkdirSync(folder.file('master-key'));

  expect(() => folder.read('master-key')).toThrow(/^cannot keep state in \S+\/master-key: a file is in its place/);
  expect(() => folder.write('master-key', 'sk-1')).toThrow(/^cannot keep state in \S+\/master-key: a file is in its place/);
  expect(existsSync(folder.file('master-key.new'))).toBe(false);
});
