/** The short way against a scripted service: what it sends, what it makes of answers, and what it repeats. */
import type { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  BatchExecuteStatementCommand,
  DeleteItemCommand,
  GetItemCommand,
  isFailedCondition,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '../../../../lib/stores/dynamodb/commands.ts';
import { DYNAMO_HTTP, type DynamoOptions } from '../../../../lib/stores/dynamodb/index.ts';
import { createSdkClient, type SdkClient } from '../../../../lib/stores/dynamodb/sdk-client.ts';
import { createHttpClient } from '../../../../lib/transport/http.ts';
import { signV4 } from '../../../../lib/transport/sigv4.ts';
import { clientFor, sdkClientFor } from '../../../support/dynoxide.ts';
import { cut, refusal, startScriptedDynamo, type ScriptedDynamo } from '../../../support/scripted-dynamo.ts';
import { sendJson, sendText, type Script, type Seen } from '../../../support/upstream.ts';

const NOW = Date.UTC(2026, 10, 28, 12);
const KEYS = { accessKeyId: 'AKID', secretAccessKey: 'secret' };

let service: ScriptedDynamo;
const clients: SdkClient[] = [];
beforeAll(async () => {
  service = await startScriptedDynamo();
});
afterEach(() => {
  vi.unstubAllEnvs();
  service.answer(sendJson({}));
  service.seen.length = 0;
  for (const client of clients.splice(0)) client.destroy();
});
afterAll(() => service.close());

/** A client of the service that takes the short way, and one that is the SDK alone. */
function aClient(over: DynamoOptions = {}): SdkClient {
  const client = clientFor(service.url, { credentials: KEYS, now: () => NOW, ...over });
  clients.push(client);
  return client;
}
function sdkClient(): SdkClient {
  const client = sdkClientFor(service.url, { credentials: KEYS });
  clients.push(client);
  return client;
}

const aGet = () => new GetItemCommand({ TableName: 't', Key: { pk: { S: 'p' } }, ConsistentRead: true });
const aPut = () =>
  new PutItemCommand({
    TableName: 't',
    Item: { pk: { S: 'ä "quoted"\n' }, n: { N: '99999999999999999999999999999999999999' }, yes: { BOOL: true } },
    ConditionExpression: 'attribute_not_exists(pk)',
  });
const anUpdate = () =>
  new UpdateItemCommand({
    TableName: 't',
    Key: { pk: { S: 'p' } },
    UpdateExpression: 'SET #a = :a',
    ExpressionAttributeNames: { '#a': 'a' },
    ExpressionAttributeValues: { ':a': { N: '1' } },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
const aBatch = () =>
  new BatchExecuteStatementCommand({
    Statements: [{ Statement: `INSERT INTO "t" VALUE {'id': ?}`, Parameters: [{ S: 'ä "quoted"\n' }] }],
  });
const aDelete = () => new DeleteItemCommand({ TableName: 't', Key: { pk: { S: 'p' } }, ReturnValues: 'ALL_OLD' });
const aQuery = () =>
  new QueryCommand({
    TableName: 't',
    IndexName: 'i',
    KeyConditionExpression: 'list = :list',
    ExpressionAttributeValues: { ':list': { S: 'key' } },
    ExclusiveStartKey: { pk: { S: 'p' }, at: { N: '1' } },
    ScanIndexForward: false,
    Limit: 10,
  });
const COMMANDS = { aGet, aPut, anUpdate, aDelete, aQuery, aBatch };

const shapeOf = ({ method, path, headers, body }: Seen) => ({
  method,
  path,
  target: headers['x-amz-target'],
  type: headers['content-type'],
  body,
});

describe('a request', () => {
  for (const [name, command] of Object.entries(COMMANDS)) {
    it(`says what the SDK's says (${name})`, async () => {
      await aClient().send(command() as GetItemCommand);
      await sdkClient().send(command() as GetItemCommand);

      const [short, sdk] = service.seen;
      expect(shapeOf(short as Seen)).toEqual(shapeOf(sdk as Seen));
      expect(short?.headers['amz-sdk-invocation-id']).toBeUndefined();
      expect(sdk?.headers['amz-sdk-invocation-id']).toBeDefined();
    });
  }

  it('is signed as it arrives', async () => {
    await aClient({ credentials: { ...KEYS, sessionToken: 'token' } }).send(aPut());

    const { headers, text } = service.seen[0] as Seen;
    const signed = signV4(
      {
        method: 'POST',
        url: `${service.url}/`,
        headers: { 'content-type': headers['content-type'] ?? '', 'x-amz-target': String(headers['x-amz-target']) },
        body: text,
      },
      { keys: { ...KEYS, sessionToken: 'token' }, region: 'us-east-1', service: 'dynamodb', now: NOW },
    );
    expect(headers).toMatchObject(signed);
  });

  it("with bytes goes the SDK's way", async () => {
    await aClient().send(
      new PutItemCommand({ TableName: 't', Item: { pk: { S: 'p' }, doc: { B: new Uint8Array([1, 2, 3]) } } }),
    );

    expect(service.seen[0]?.body).toMatchObject({ Item: { doc: { B: 'AQID' } } });
    expect(service.seen[0]?.headers['amz-sdk-invocation-id']).toBeDefined();
  });

  it("goes where the SDK's rules sent the first one", async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', service.url);
    const client = createSdkClient({ region: 'us-east-1', credentials: KEYS, http: createHttpClient(DYNAMO_HTTP) });
    clients.push(client);

    await client.send(aGet());
    await client.send(aGet());

    expect(service.seen.map(({ headers }) => headers['amz-sdk-invocation-id'] === undefined)).toEqual([false, true]);
    expect(service.seen[1]?.headers.host).toBe(service.seen[0]?.headers.host);
  });
});

describe('an answer', () => {
  const ITEM = {
    pk: { S: 'p' },
    n: { N: '12345678901234567890' },
    list: { L: [{ S: 'a' }, { M: { B: { S: 'an attribute of this name' } } }] },
    bytes: { B: 'AQID' },
    set: { BS: ['AQ==', 'Ag=='] },
  };

  it("is the same as the SDK's, bytes included", async () => {
    service.answer(sendJson({ Item: ITEM, ConsumedCapacity: { TableName: 't', CapacityUnits: 0.5 } }));

    const short = await aClient().send(aGet());
    const sdk = await sdkClient().send(aGet());

    expect({ ...short, $metadata: {} }).toEqual({ ...sdk, $metadata: {} });
    expect(short.Item?.['bytes']?.B).toEqual(new Uint8Array([1, 2, 3]));
    expect(short.$metadata).toMatchObject({ httpStatusCode: 200, attempts: 1 });
  });

  it('of a failed condition is the same exception with the item as it was', async () => {
    service.answer(refusal('ConditionalCheckFailedException', 400, { Item: ITEM }));

    const failures = await Promise.all(
      [aClient(), sdkClient()].map((client) => client.send(anUpdate()).catch((error: unknown) => error)),
    );

    for (const failure of failures) expect(isFailedCondition(failure)).toBe(true);
    const [short, sdk] = failures as ConditionalCheckFailedException[];
    expect(short?.Item).toEqual(sdk?.Item);
    expect(short?.message).toBe(sdk?.message);
    expect(service.seen).toHaveLength(2);
  });

  for (const name of [
    'ValidationException',
    'AccessDeniedException',
    'ResourceNotFoundException',
    'TransactionConflictException',
  ]) {
    it(`that refuses for good is not asked for again (${name})`, async () => {
      service.answer(refusal(name));

      await expect(aClient().send(anUpdate())).rejects.toMatchObject({
        name,
        $fault: 'client',
        $metadata: { httpStatusCode: 400 },
      });
      expect(service.seen).toHaveLength(1);
    });
  }
});

describe('a try that failed', () => {
  const FAULTS: readonly (readonly [string, Script])[] = [
    ['500', refusal('InternalServerError', 500)],
    ['503 with a page of HTML', sendText('<html>busy</html>', 503, 'text/html')],
    ['throttled', refusal('ProvisionedThroughputExceededException')],
    ['cut off before the answer', cut],
    [
      'cut off in the answer',
      (_seen, response) =>
        void (
          response.writeHead(200, { 'content-length': '100' }),
          response.write('{'),
          setImmediate(() => response.destroy())
        ),
    ],
    ['no JSON', sendText('not json', 200, 'text/plain')],
    ['no answer in time', () => {}],
  ];

  for (const [name, fault] of FAULTS) {
    it(`is repeated (${name})`, async () => {
      service.inTurn(fault, sendJson({ Attributes: { a: { N: '1' } } }));

      const { Attributes, $metadata } = await aClient({ timeoutMs: 200 }).send(anUpdate());

      expect(Attributes).toEqual({ a: { N: '1' } });
      expect($metadata.attempts).toBe(2);
      expect(service.seen.map(({ body }) => body)).toEqual([service.seen[0]?.body, service.seen[0]?.body]);
    });
  }

  for (const [way, command] of [
    ['the short way', anUpdate],
    ["the SDK's way", () => new PutItemCommand({ TableName: 't', Item: { pk: { B: new Uint8Array([1]) } } })],
  ] as const) {
    it(`is counted where a kept connection broke it off: it may have got through (${way})`, async () => {
      service.inTurn(sendJson({}), cut, sendJson({}));
      const client = aClient();
      await client.send(aGet());
      await turn(); // until its connection is free

      const { $metadata } = await client.send(command());

      expect($metadata.attempts).toBe(2);
      expect(service.seen).toHaveLength(3);
    });
  }

  it('is repeated only so often', async () => {
    service.answer(refusal('InternalServerError', 500));

    await expect(aClient({ maxAttempts: 2 }).send(anUpdate())).rejects.toMatchObject({
      name: 'InternalServerError',
      $metadata: { attempts: 2 },
    });
    expect(service.seen).toHaveLength(2);
  });

  it('for a wrong clock is repeated with the right one, which is kept', async () => {
    const late = NOW + 3_600_000;
    service.answer((seen, ...rest) =>
      seen.headers['x-amz-date'] === '20261128T130000Z'
        ? sendJson({})(seen, ...rest)
        : refusal('InvalidSignatureException', 400, {}, { date: new Date(late).toUTCString() })(seen, ...rest),
    );
    const client = aClient();

    await Promise.all([client.send(aGet()), client.send(aGet())]);
    await client.send(aGet());

    const [wrong, right] = ['20261128T120000Z', '20261128T130000Z'];
    expect(service.seen.map(({ headers }) => headers['x-amz-date'])).toEqual([wrong, wrong, right, right, right]);
  });

  it('for a wrong signature at the right time is not', async () => {
    service.answer(refusal('InvalidSignatureException', 400, {}, { date: new Date(NOW).toUTCString() }));

    await expect(aClient().send(aGet())).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    expect(service.seen).toHaveLength(1);
  });

  it('for expired credentials is repeated with new ones', async () => {
    let issued = 0;
    const credentials = async () => ({ ...KEYS, accessKeyId: `AKID${issued++}` });
    service.inTurn(refusal('ExpiredTokenException'), sendJson({}));

    await aClient({ credentials }).send(aGet());

    expect(service.seen.map(({ headers }) => /Credential=(\w+)/.exec(headers.authorization ?? '')?.[1])).toEqual([
      'AKID0',
      'AKID1',
    ]);
  });
});

describe('the middleware of a client', () => {
  it('that is not of the SDK sees each try, and may fail it', async () => {
    const client = aClient();
    let tries = 0;
    client.middlewareStack.add(
      (next) => (args) =>
        tries++ === 0 ? Promise.reject(Object.assign(new Error('no'), { name: 'TimeoutError' })) : next(args),
      { step: 'finalizeRequest', priority: 'low', name: 'witness' },
    );

    await client.send(aGet());

    expect(tries).toBe(2);
    expect(service.seen).toHaveLength(1);
  });

  it('lets no more than 64 calls go at once, whichever way they take', async () => {
    const most = service.countOpen();
    const client = aClient();

    await Promise.all(Array.from({ length: 300 }, () => client.send(aGet())));

    expect(most()).toBeLessThanOrEqual(64);
    expect(service.seen).toHaveLength(300);
  });
});
