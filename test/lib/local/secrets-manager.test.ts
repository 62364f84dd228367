import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BatchGetSecretValueCommand,
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  type ListSecretsCommandInput,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SecretsManager, startSecretsManager } from '../../../lib/local/secrets-manager.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 10, 22);

let folder: string;
let clock: number;
let emulator: SecretsManager;
let client: SecretsManagerClient;

const connect = (accessKeyId = 'local'): SecretsManagerClient =>
  new SecretsManagerClient({
    endpoint: emulator.url,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey: 'unused' },
  });

async function open(options: { file?: string; accessKeyId?: string } = {}): Promise<void> {
  emulator = await startSecretsManager({ ...options, now: () => clock });
  client = connect();
}

async function close(): Promise<void> {
  client.destroy();
  await emulator.close();
}

const file = (): string => join(folder, 'secrets.json');
const valueOf = async (SecretId: string, VersionStage?: string): Promise<string | undefined> =>
  (await client.send(new GetSecretValueCommand({ SecretId, VersionStage }))).SecretString;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-secrets-'));
  clock = START;
  await open();
});

afterEach(async () => {
  await close();
  rmSync(folder, { recursive: true, force: true });
});

describe('values and versions', () => {
  it('gives back what was stored, by name, ARN and partial ARN', async () => {
    const { ARN = '', VersionId } = await client.send(
      new CreateSecretCommand({ Name: 'tollgate/openai', SecretString: 'one' }),
    );

    expect(ARN).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:tollgate\/openai-[A-Za-z0-9]{6}$/);
    const read = await client.send(new GetSecretValueCommand({ SecretId: ARN }));
    expect(read).toMatchObject({ ARN, Name: 'tollgate/openai', SecretString: 'one', VersionId, VersionStages: ['AWSCURRENT'] });
    expect(read.CreatedDate).toEqual(new Date(START));
    expect(await valueOf(ARN.slice(0, -7))).toBe('one');
  });

  it('keeps binary values apart from text', async () => {
    const bytes = Uint8Array.from([0, 255, 16, 128]);
    await client.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary: bytes }));

    const read = await client.send(new GetSecretValueCommand({ SecretId: 'bytes' }));

    expect(Buffer.from(read.SecretBinary ?? [])).toEqual(Buffer.from(bytes));
    expect(read.SecretString).toBeUndefined();
  });

  it('moves AWSCURRENT to the new version and AWSPREVIOUS to the one before', async () => {
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one' }));
    await client.send(new PutSecretValueCommand({ SecretId: 'key', SecretString: 'two' }));
    await client.send(new UpdateSecretCommand({ SecretId: 'key', SecretString: 'three', Description: 'rotated' }));

    expect(await valueOf('key')).toBe('three');
    expect(await valueOf('key', 'AWSPREVIOUS')).toBe('two');
    const { VersionIdsToStages = {}, Description } = await client.send(new DescribeSecretCommand({ SecretId: 'key' }));
    expect(new Set(Object.values(VersionIdsToStages).flat())).toEqual(new Set(['AWSCURRENT', 'AWSPREVIOUS']));
    expect(Description).toBe('rotated');
  });

  it('gives labels of the caller to a version and leaves AWSCURRENT where it is', async () => {
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one' }));
    const put = await client.send(
      new PutSecretValueCommand({ SecretId: 'key', SecretString: 'two', VersionStages: ['AWSPENDING'] }),
    );

    expect(put.VersionStages).toEqual(['AWSPENDING']);
    expect(await valueOf('key')).toBe('one');
    expect(await valueOf('key', 'AWSPENDING')).toBe('two');
    const mismatch = client.send(
      new GetSecretValueCommand({ SecretId: 'key', VersionId: put.VersionId, VersionStage: 'AWSCURRENT' }),
    );
    await expect(mismatch).rejects.toMatchObject({ name: 'InvalidRequestException' });
  });

  it('counts a repeated request once and refuses its token for another value', async () => {
    const ClientRequestToken = randomUUID();
    const create = { Name: 'key', SecretString: 'one', ClientRequestToken };
    const first = await client.send(new CreateSecretCommand(create));
    const again = await client.send(new CreateSecretCommand(create));
    const put = await client.send(new PutSecretValueCommand({ SecretId: 'key', SecretString: 'one', ClientRequestToken }));

    expect(again).toMatchObject({ ARN: first.ARN, VersionId: ClientRequestToken });
    expect(put.VersionId).toBe(ClientRequestToken);
    const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId: 'key' }));
    expect(VersionIdsToStages).toEqual({ [ClientRequestToken]: ['AWSCURRENT'] });
    const reused = client.send(new PutSecretValueCommand({ SecretId: 'key', SecretString: 'two', ClientRequestToken }));
    await expect(reused).rejects.toMatchObject({ name: 'ResourceExistsException' });
  });

  it('recognises a repeated request whose version has lost its labels', async () => {
    const ClientRequestToken = randomUUID();
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one', ClientRequestToken }));
    await client.send(new PutSecretValueCommand({ SecretId: 'key', SecretString: 'two' }));
    await client.send(new PutSecretValueCommand({ SecretId: 'key', SecretString: 'three' }));
    await client.send(new UpdateSecretCommand({ SecretId: 'key', SecretString: 'one', ClientRequestToken }));

    expect(await valueOf('key')).toBe('three');
  });

  it('updates a description and leaves the value alone', async () => {
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one' }));

    const updated = await client.send(
      new UpdateSecretCommand({ SecretId: 'key', Description: 'for tests', KmsKeyId: 'alias/k' }),
    );

    expect(updated.VersionId).toBeUndefined();
    expect(await client.send(new DescribeSecretCommand({ SecretId: 'key' }))).toMatchObject({
      Description: 'for tests',
      KmsKeyId: 'alias/k',
    });
    expect(await valueOf('key')).toBe('one');
  });
});

describe('refusals', () => {
  it.each([
    ['an unknown secret', new GetSecretValueCommand({ SecretId: 'nobody' }), 'ResourceNotFoundException'],
    ['a secret without a value', new GetSecretValueCommand({ SecretId: 'empty' }), 'ResourceNotFoundException'],
    [
      'an unknown version',
      new GetSecretValueCommand({ SecretId: 'key', VersionId: randomUUID() }),
      'ResourceNotFoundException',
    ],
    ['a taken name', new CreateSecretCommand({ Name: 'key', SecretString: 'two' }), 'ResourceExistsException'],
    ['a name with a blank', new CreateSecretCommand({ Name: 'a b', SecretString: 'one' }), 'ValidationException'],
    [
      'two values at once',
      new PutSecretValueCommand({ SecretId: 'key', SecretString: 'two', SecretBinary: Uint8Array.of(1) }),
      'InvalidParameterException',
    ],
    ['no value', new PutSecretValueCommand({ SecretId: 'key' }), 'InvalidRequestException'],
    ['65537 bytes', new PutSecretValueCommand({ SecretId: 'key', SecretString: 'x'.repeat(65_537) }), 'ValidationException'],
    ['a window of 3 days', new DeleteSecretCommand({ SecretId: 'key', RecoveryWindowInDays: 3 }), 'InvalidParameterException'],
    [
      'a window and none',
      new DeleteSecretCommand({ SecretId: 'key', RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true }),
      'InvalidParameterException',
    ],
    ['a foreign page token', new ListSecretsCommand({ NextToken: 'bm9ib2R5' }), 'InvalidNextTokenException'],
    ['a page of 101', new ListSecretsCommand({ MaxResults: 101 }), 'InvalidParameterException'],
    ['neither list nor filter', new BatchGetSecretValueCommand({}), 'InvalidParameterException'],
  ])('answers %s with the error of the service', async (_, command, name) => {
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one' }));
    await client.send(new CreateSecretCommand({ Name: 'empty' }));

    const refused = client.send(command as GetSecretValueCommand);

    await expect(refused).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });
    await expect(refused).rejects.toThrow(/\w/);
    expect(await valueOf('key')).toBe('one');
  });

  it('answers what is no operation, or no JSON, in the protocol of the service', async () => {
    const send = async (target: string, body: string): Promise<unknown> => {
      const answer = await fetch(emulator.url, { method: 'POST', headers: { 'x-amz-target': target }, body });
      return { status: answer.status, ...((await answer.json()) as object) };
    };

    expect(await send('secretsmanager.RotateSecret', '{}')).toMatchObject({ status: 400, __type: 'UnknownOperationException' });
    expect(await send('DynamoDB.GetItem', '{}')).toMatchObject({ status: 400, __type: 'UnknownOperationException' });
    expect(await send('secretsmanager.GetSecretValue', '{"SecretId"')).toMatchObject({ __type: 'SerializationException' });
    expect(await send('secretsmanager.GetSecretValue', 'x'.repeat(1_048_577))).toMatchObject({ __type: 'ValidationException' });
  });

  it('lets only the access key in that it was started with', async () => {
    await close();
    await open({ accessKeyId: 'AKIDLOCAL' });
    await expect(client.send(new ListSecretsCommand({}))).rejects.toMatchObject({ name: 'UnrecognizedClientException' });

    const known = connect('AKIDLOCAL');

    expect((await known.send(new ListSecretsCommand({}))).SecretList).toEqual([]);
    known.destroy();
  });
});

describe('deletion', () => {
  beforeEach(async () => {
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one' }));
  });

  it('hides a deleted secret until it is restored', async () => {
    const { DeletionDate } = await client.send(new DeleteSecretCommand({ SecretId: 'key', RecoveryWindowInDays: 7 }));

    expect(DeletionDate).toEqual(new Date(START + 7 * DAY_MS));
    await expect(valueOf('key')).rejects.toMatchObject({ name: 'InvalidRequestException' });
    const taken = client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'two' }));
    await expect(taken).rejects.toMatchObject({ name: 'InvalidRequestException' });
    const described = await client.send(new DescribeSecretCommand({ SecretId: 'key' }));
    expect(described.DeletedDate).toEqual(DeletionDate);

    await client.send(new RestoreSecretCommand({ SecretId: 'key' }));
    expect(await valueOf('key')).toBe('one');
  });

  it('forgets a secret when its recovery window ends', async () => {
    await client.send(new DeleteSecretCommand({ SecretId: 'key' }));
    clock += 30 * DAY_MS;

    await expect(client.send(new RestoreSecretCommand({ SecretId: 'key' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'two' }));
    expect(await valueOf('key')).toBe('two');
  });

  it('forgets a secret at once when told to, and says so twice', async () => {
    const force = new DeleteSecretCommand({ SecretId: 'key', ForceDeleteWithoutRecovery: true });
    await client.send(force);
    await client.send(force);

    await expect(valueOf('key')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('listing', () => {
  beforeEach(async () => {
    for (const [Name, Description, stage] of [
      ['prod/openai', 'Production key of OpenAI', 'prod'],
      ['prod/groq', 'Production key of Groq', 'prod'],
      ['test/openai', 'Key for tests', 'test'],
    ] as const) {
      clock += 1000;
      await client.send(
        new CreateSecretCommand({
          Name,
          Description,
          SecretString: `value of ${Name}`,
          Tags: [{ Key: 'stage', Value: stage }],
        }),
      );
    }
  });

  const names = async (input: ListSecretsCommandInput): Promise<(string | undefined)[]> =>
    ((await client.send(new ListSecretsCommand(input))).SecretList ?? []).map((secret) => secret.Name);

  it.each([
    ['name', ['prod/'], ['prod/groq', 'prod/openai']],
    ['name', ['PROD/'], []],
    ['name', ['!prod/'], ['test/openai']],
    ['description', ['production'], ['prod/groq', 'prod/openai']],
    ['tag-key', ['stage'], ['test/openai', 'prod/groq', 'prod/openai']],
    ['tag-value', ['test'], ['test/openai']],
    ['all', ['OPENAI'], ['test/openai', 'prod/openai']],
    ['primary-region', ['us-'], []],
  ] as const)('filters by %s %j', async (Key, Values, expected) => {
    expect(await names({ Filters: [{ Key, Values: [...Values] }] })).toEqual(expected);
  });

  it('sorts by what the caller says, the newest first otherwise', async () => {
    await valueOf('prod/openai');

    expect(await names({})).toEqual(['test/openai', 'prod/groq', 'prod/openai']);
    expect(await names({ SortBy: 'name', SortOrder: 'asc' })).toEqual(['prod/groq', 'prod/openai', 'test/openai']);
    expect((await names({ SortBy: 'last-accessed-date' }))[0]).toBe('prod/openai');
  });

  it('pages through everything once', async () => {
    const seen: (string | undefined)[] = [];
    let NextToken: string | undefined;
    do {
      const answer = await client.send(new ListSecretsCommand({ MaxResults: 2, NextToken }));
      seen.push(...(answer.SecretList ?? []).map((secret) => secret.Name));
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);

    expect(seen).toEqual(['test/openai', 'prod/groq', 'prod/openai']);
  });

  it('shows deleted secrets only when asked', async () => {
    await client.send(new DeleteSecretCommand({ SecretId: 'prod/groq' }));

    expect(await names({})).not.toContain('prod/groq');
    expect(await names({ IncludePlannedDeletion: true })).toContain('prod/groq');
  });

  it('reads many values at once and reports those it cannot', async () => {
    const listed = await client.send(new BatchGetSecretValueCommand({ SecretIdList: ['test/openai', 'nobody'] }));
    const filtered = await client.send(new BatchGetSecretValueCommand({ Filters: [{ Key: 'name', Values: ['prod/'] }] }));

    expect(listed.SecretValues?.map((entry) => entry.SecretString)).toEqual(['value of test/openai']);
    expect(listed.Errors).toMatchObject([{ SecretId: 'nobody', ErrorCode: 'ResourceNotFoundException' }]);
    expect(filtered.SecretValues?.map((entry) => entry.Name)).toEqual(['prod/groq', 'prod/openai']);
  });

  it('adds, replaces and removes tags', async () => {
    const SecretId = 'prod/groq';
    await client.send(
      new TagResourceCommand({
        SecretId,
        Tags: [
          { Key: 'stage', Value: 'live' },
          { Key: 'team', Value: 'core' },
        ],
      }),
    );
    await client.send(new UntagResourceCommand({ SecretId, TagKeys: ['team'] }));

    const { Tags } = await client.send(new DescribeSecretCommand({ SecretId }));
    expect(Tags).toEqual([{ Key: 'stage', Value: 'live' }]);
  });
});

describe('the file', () => {
  it('keeps secrets over a restart, readable by its owner alone', async () => {
    await close();
    await open({ file: file() });
    await client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one', Tags: [{ Key: 'a', Value: 'b' }] }));
    await client.send(new PutSecretValueCommand({ SecretId: 'key', SecretString: 'two' }));
    const before = await client.send(new DescribeSecretCommand({ SecretId: 'key' }));
    await close();
    await open({ file: file() });

    const after = await client.send(new DescribeSecretCommand({ SecretId: 'key' }));

    expect({ ...after, $metadata: undefined }).toEqual({ ...before, $metadata: undefined });
    expect(await valueOf('key', 'AWSPREVIOUS')).toBe('one');
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  it('is not overwritten when it holds something else', async () => {
    writeFileSync(file(), '{"secrets": 1}');

    await expect(startSecretsManager({ file: file() })).rejects.toThrow(`${file()} is not a file of secrets`);
  });

  it('shows no change that could not be written', async () => {
    await close();
    const gone = join(folder, 'gone', 'secrets.json');
    await open({ file: gone });

    const failed = client.send(new CreateSecretCommand({ Name: 'key', SecretString: 'one' }));

    await expect(failed).rejects.toMatchObject({ name: 'InternalServiceError', $metadata: { httpStatusCode: 500 } });
    expect((await client.send(new ListSecretsCommand({}))).SecretList).toEqual([]);
  });
});
