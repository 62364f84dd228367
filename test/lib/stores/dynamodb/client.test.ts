/** The client of a new environment against a scripted service: what it sends without the SDK, and when it hands over. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  GetItemCommand,
  isFailedCondition,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type Command,
  type Dynamo,
} from '../../../../lib/stores/dynamodb/commands.ts';
import type { DynamoOptions } from '../../../../lib/stores/dynamodb/index.ts';
import { LAMBDA, leadingTo, newClientFor } from '../../../support/dynoxide.ts';
import { cut, refusal, startScriptedDynamo, type ScriptedDynamo } from '../../../support/scripted-dynamo.ts';
import { sendJson, sendText, type Script } from '../../../support/upstream.ts';

let service: ScriptedDynamo;
const clients: Dynamo[] = [];
beforeAll(async () => {
  service = await startScriptedDynamo();
});
afterEach(() => {
  service.answer(sendJson({}));
  service.seen.length = 0;
  for (const client of clients.splice(0)) client.destroy();
});
afterAll(() => service.close());

function aClient(over: DynamoOptions = {}): Dynamo {
  const client = newClientFor(service.url, over);
  clients.push(client);
  return client;
}

const aGet = () => new GetItemCommand({ TableName: 't', Key: { pk: { S: 'p' } } });
const aPut = (value: object = { S: 'text' }) =>
  new PutItemCommand({ TableName: 't', Item: { pk: { S: 'p' }, value: value as { S: string } } });
const anUpdate = () =>
  new UpdateItemCommand({ TableName: 't', Key: { pk: { S: 'p' } }, ExpressionAttributeValues: { ':a': { N: '1' } } });
const aQuery = () => new QueryCommand({ TableName: 't', ExpressionAttributeValues: { ':a': { S: 'a' } } });

/** Of each request whether the SDK made it: its own carry an id of the call; its first finds out where requests go. */
const bySdk = (): readonly boolean[] => service.seen.map(({ headers }) => headers['amz-sdk-invocation-id'] !== undefined);

describe('a client of a new environment', () => {
  it('sends what every call needs without the SDK, to the service of its region', async () => {
    const urls: string[] = [];
    const http = leadingTo(service.url);
    const client = aClient({ http: { ...http, send: (call) => (urls.push(call.url), http.send(call)) } });
    service.answer(sendJson({ Item: { pk: { S: 'p' } } }));

    const { Item } = await client.send(aGet());
    for (const command of [aPut(), anUpdate(), aQuery()]) await client.send<Awaited<ReturnType<Dynamo['send']>>>(command);

    expect(Item).toEqual({ pk: { S: 'p' } });
    expect(new Set(urls)).toEqual(new Set(['https://dynamodb.us-east-1.amazonaws.com/']));
    expect(service.seen.map(({ headers }) => headers['x-amz-target'])).toEqual(
      ['GetItem', 'PutItem', 'UpdateItem', 'Query'].map((name) => `DynamoDB_20120810.${name}`),
    );
    expect(bySdk()).toEqual([false, false, false, false]);
    expect(service.seen[0]?.headers.authorization).toContain('Credential=test/');
  });

  for (const [name, command] of [
    ['bytes', aPut({ B: new Uint8Array([1]) })],
    ['another operation', new ScanCommand({ TableName: 't' })],
  ] as readonly (readonly [string, Command])[]) {
    it(`leaves ${name} to the SDK, and everything after it`, async () => {
      const client = aClient();

      await client.send(command);
      await client.send(aGet());

      expect(bySdk()[0]).toBe(true);
      expect(service.seen).toHaveLength(2);
    });
  }

  it('leaves everything to the SDK where the environment does not say where the service is', async () => {
    await aClient({ environment: { ...LAMBDA, AWS_REGION: 'us-gov-west-1' } }).send(aGet());

    expect(bySdk()).toEqual([true]);
  });

  it('passes a failed condition on as it is: nothing of its own went before', async () => {
    service.answer(refusal('ConditionalCheckFailedException', 400, { Item: { pk: { S: 'p' } } }));

    const error: unknown = await aClient()
      .send(anUpdate())
      .catch((thrown: unknown) => thrown);

    expect(isFailedCondition(error) && error.Item).toEqual({ pk: { S: 'p' } });
    expect(isFailedCondition(error) && (error.$metadata.attempts ?? 1)).toBe(1);
    expect(service.seen).toHaveLength(1);
  });

  const FAULTS: readonly (readonly [string, Script])[] = [
    ['500', refusal('InternalServerError', 500)],
    ['503 with a page of HTML', sendText('<html>busy</html>', 503, 'text/html')],
    ['throttled', refusal('ProvisionedThroughputExceededException')],
    ['expired credentials', refusal('ExpiredTokenException')],
    ['cut off before the answer', cut],
    ['no JSON', sendText('not json', 200, 'text/plain')],
    ['no answer in time', () => {}],
  ];
  for (const [name, fault] of FAULTS) {
    it(`hands a failed try over to the SDK, and counts it (${name})`, async () => {
      service.inTurn(fault, sendJson({ Attributes: { a: { N: '1' } } }));

      const { Attributes, $metadata } = await aClient({ timeoutMs: 200 }).send(anUpdate());

      expect(Attributes).toEqual({ a: { N: '1' } });
      expect($metadata.attempts).toBe(2);
      expect(bySdk()).toEqual([false, true]);
      expect(service.seen[1]?.body).toEqual(service.seen[0]?.body);
    });
  }

  it('tells of a refusal after a lost try that it may be of its own making', async () => {
    service.inTurn(cut, refusal('ConditionalCheckFailedException'));

    const error: unknown = await aClient()
      .send(anUpdate())
      .catch((thrown: unknown) => thrown);

    expect(isFailedCondition(error) && error.$metadata.attempts).toBe(2);
  });

  it('counts a try that a kept connection broke off: it may have got through', async () => {
    service.inTurn(sendJson({}), cut, refusal('ConditionalCheckFailedException'));
    const client = aClient();
    await client.send(aGet());
    await turn(); // until its connection is free

    const error: unknown = await client.send(anUpdate()).catch((thrown: unknown) => thrown);

    expect(isFailedCondition(error) && error.$metadata.attempts).toBe(2);
    expect(service.seen).toHaveLength(3);
  });

  it('gives up when the SDK does', async () => {
    service.answer(refusal('InternalServerError', 500));

    await expect(aClient({ maxAttempts: 2 }).send(anUpdate())).rejects.toMatchObject({
      name: 'InternalServerError',
      $metadata: { attempts: 3 },
    });
    expect(service.seen).toHaveLength(3);
  });

  it('lets no more than 64 calls go at once', async () => {
    const most = service.countOpen();
    const client = aClient();

    await Promise.all(Array.from({ length: 300 }, () => client.send(aGet())));

    expect(most()).toBeLessThanOrEqual(64);
    expect(service.seen).toHaveLength(300);
  });

  it('closes its connections, loaded or not', async () => {
    for (const commands of [[], [aGet()], [aGet(), new ScanCommand({ TableName: 't' })]] as const) {
      let closed = 0;
      const http = leadingTo(service.url);
      const client = newClientFor(service.url, { http: { ...http, close: () => (closed++, http.close()) } });
      for (const command of commands) await client.send<Awaited<ReturnType<Dynamo['send']>>>(command);
      client.destroy();
      await new Promise((resolve) => setImmediate(resolve));
      expect(closed).toBe(1);
    }
  });
});
