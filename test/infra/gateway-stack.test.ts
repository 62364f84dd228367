import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ENV } from '../../lib/env.ts';
import { resourcesOf, synth, type TemplateJson } from './synth.ts';

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

const shells = { url: synth().gateway, web: synth({ gateway: 'web' }).gateway };
const { url, web } = shells;

const listed = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** Statements of the policies attached to the role of a function; functions that CDK made for itself are not ours to judge. */
function statementsOf(template: TemplateJson, role: string): readonly Statement[] {
  const policies = Object.entries(resourcesOf(template, 'AWS::IAM::Policy')).filter(([id]) => id.startsWith(`${role}Role`));
  return policies.flatMap(
    ([, { Properties }]) => (Properties['PolicyDocument'] as { readonly Statement: readonly Statement[] }).Statement,
  );
}

/** Actions of one service on our data. */
const actionsOf = (template: TemplateJson, role: string, service: string): readonly string[] =>
  statementsOf(template, role)
    .flatMap(({ Action }) => listed(Action))
    .filter((action) => action.startsWith(`${service}:`))
    .map((action) => action.slice(service.length + 1))
    .toSorted();

const ours = (template: TemplateJson) =>
  Object.entries(resourcesOf(template, 'AWS::Lambda::Function')).filter(([id]) => !id.startsWith('Custom'));

describe.each(Object.entries(shells))('gateway stack with the %s shell', (_, template) => {
  const roles = Object.keys(resourcesOf(template, 'AWS::IAM::Role'))
    .filter((id) => !id.startsWith('Custom'))
    .map((id) => id.replace(/Role[0-9A-F]+$/, ''));

  test('grants no action by wildcard', () => {
    const actions = roles.flatMap((role) => statementsOf(template, role)).flatMap(({ Action }) => listed(Action));
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('grants nothing on everything but what has no resources: traces', () => {
    const open = roles.flatMap((role) => statementsOf(template, role)).filter(({ Resource }) => Resource === '*');
    expect(new Set(open.flatMap(({ Action }) => listed(Action)))).toEqual(
      new Set(['xray:PutTraceSegments', 'xray:PutTelemetryRecords']),
    );
  });

  test('attaches no managed policy to our roles', () => {
    const named = Object.entries(resourcesOf(template, 'AWS::IAM::Role')).filter(([id]) => !id.startsWith('Custom'));
    for (const [, { Properties }] of named) expect(Properties).not.toHaveProperty('ManagedPolicyArns');
  });

  test('runs every function on arm64 and Node 24, traced, with JSON logs', () => {
    for (const [, { Properties }] of ours(template)) {
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogFormat: 'JSON' },
      });
    }
  });

  test('keeps the logs of every function for a month', () => {
    const logs = Object.entries(resourcesOf(template, 'AWS::Logs::LogGroup')).filter(([id]) => !id.startsWith('S3ObjectCopy'));
    expect(logs).toHaveLength(5);
    for (const [, { Properties }] of logs) expect(Properties['RetentionInDays']).toBe(30);
  });

  test('sets only variables that lib/env.ts knows, and never the master key itself', () => {
    const functions = ours(template).map(([, { Properties }]) => Properties['Environment'] as { Variables: object });
    const revisions = Object.values(resourcesOf(template, 'AWS::Lambda::WebFunctionRevision')).map(
      ({ Properties }) => Properties['ServiceConfig'] as { EnvironmentVariables: object },
    );
    const names = [
      ...functions.map(({ Variables }) => Variables),
      ...revisions.map((service) => service.EnvironmentVariables),
    ].flatMap((variables) => Object.keys(variables));
    expect(names.filter((name) => !(name in ENV))).toEqual([]);
    expect(names).not.toContain('TOLLGATE_MASTER_KEY');
  });

  test('lets only management and the keeper write secrets, and only below the prefix', () => {
    const writes = roles
      .flatMap((role) => statementsOf(template, role).map((statement) => ({ role, ...statement })))
      .filter(({ Action }) => listed(Action).some((action) => /^secretsmanager:(Create|Put|Delete|Tag|Restore)/.test(action)));
    // The keeper leaves the newest secrets of keys that it rotates below `key/`, and has no business elsewhere.
    const resources = Object.fromEntries(writes.map(({ role, Resource }) => [role, JSON.stringify(Resource)]));
    expect(Object.keys(resources).toSorted()).toEqual(['Admin', 'Keeper']);
    expect(resources['Admin']).toContain(':secret:tollgate/*');
    expect(resources['Keeper']).toContain(':secret:tollgate/key/*');
    expect(Object.values(resources).join()).not.toContain('MasterKey');
  });

  test('lets the gateway read credentials of providers, not the secrets of virtual keys nor the key that signs receipts', () => {
    const read = roles
      .filter((role) => role.endsWith('Gateway'))
      .flatMap((role) => statementsOf(template, role))
      .filter(({ Action }) => JSON.stringify(Action).includes('secretsmanager:'));
    const below = [...JSON.stringify(read).matchAll(/:secret:(tollgate\/[^"]*)/g)].map(([, name]) => name);
    expect(new Set(below)).toEqual(new Set(['tollgate/credential/*', 'tollgate/model/*']));
  });

  test('gives the ledger consumer no secrets', () => {
    expect(actionsOf(template, 'LedgerConsumer', 'secretsmanager')).toEqual([]);
  });

  test('has no right to change or delete a ledger entry anywhere', () => {
    const onLedger = roles
      .flatMap((role) => statementsOf(template, role))
      .filter(({ Resource }) => JSON.stringify(Resource).includes('GetAttLedger'))
      .flatMap(({ Action }) => listed(Action));
    expect(onLedger).toContain('dynamodb:PutItem');
    expect(onLedger).not.toContain('dynamodb:UpdateItem');
    expect(onLedger).not.toContain('dynamodb:DeleteItem');
  });

  test('bounds the retries of the ledger consumer and keeps what failed', () => {
    const [mapping] = Object.values(resourcesOf(template, 'AWS::Lambda::EventSourceMapping'));
    expect(mapping?.Properties).toMatchObject({
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 8,
      MaximumRecordAgeInSeconds: 43_200,
      DestinationConfig: { OnFailure: { Destination: expect.anything() } },
    });
  });

  test('starts the keeper each minute', () => {
    const [rule] = Object.values(resourcesOf(template, 'AWS::Events::Rule'));
    expect(rule?.Properties).toMatchObject({
      ScheduleExpression: 'rate(1 minute)',
      Targets: [{ DeadLetterConfig: expect.anything(), RetryPolicy: { MaximumRetryAttempts: 0 } }],
    });
  });

  test('compares the books each night, and makes a metric of the difference', () => {
    const schedules = Object.values(resourcesOf(template, 'AWS::Events::Rule')).map(
      ({ Properties }) => Properties['ScheduleExpression'],
    );
    expect(schedules).toContain('cron(17 3 * * ? *)');
    const filters = Object.values(resourcesOf(template, 'AWS::Logs::MetricFilter')).map(({ Properties }) => Properties);
    expect(filters).toContainEqual(
      expect.objectContaining({
        FilterPattern: '{ $.message = "reconciliation" }',
        MetricTransformations: [expect.objectContaining({ MetricValue: '$.differenceUsd' })],
      }),
    );
  });

  test('encrypts what waits in the dead-letter queue', () => {
    const [queue] = Object.values(resourcesOf(template, 'AWS::SQS::Queue'));
    expect(queue?.Properties).toMatchObject({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 1_209_600 });
  });

  test('sends every alarm to the topic, and has no more alarms than cost nothing', () => {
    const alarms = Object.values(resourcesOf(template, 'AWS::CloudWatch::Alarm'));
    for (const { Properties } of alarms) expect(Properties['AlarmActions']).toHaveLength(1);
    expect(alarms.length).toBeLessThanOrEqual(10);
  });

  test('says where to call and where the master key is', () => {
    expect(Object.keys(template.Outputs ?? {})).toEqual(expect.arrayContaining(['GatewayUrl', 'AdminUrl', 'MasterKeySecret']));
  });
});

describe('function URL shell', () => {
  const functionOf = (id: string) => ours(url).find(([name]) => name.startsWith(id))?.[1].Properties;
  const urlOf = (id: string) =>
    Object.entries(resourcesOf(url, 'AWS::Lambda::Url')).find(([name]) => name.startsWith(id))?.[1].Properties;

  test('answers no pages by itself: the functions do, and browsers refuse what is said twice', () => {
    for (const { Properties } of Object.values(resourcesOf(url, 'AWS::Lambda::Url')))
      expect(Properties).not.toHaveProperty('Cors');
  });

  test('streams, for fifteen minutes at most', () => {
    expect(urlOf('Gateway')).toMatchObject({ AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' });
    expect(functionOf('Gateway')).toMatchObject({ Timeout: 900, MemorySize: 512 });
  });

  test.each(['Gateway', 'Admin'])('gives the %s URL both permissions it needs', (id) => {
    const permissions = Object.entries(resourcesOf(url, 'AWS::Lambda::Permission'))
      .filter(([name]) => name.startsWith(id))
      .map(([, { Properties }]) => Properties);
    expect(permissions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE', Principal: '*' }),
        expect.objectContaining({ Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true, Principal: '*' }),
      ]),
    );
    expect(permissions).toHaveLength(2);
  });

  test('makes no Web Function', () => {
    expect(resourcesOf(url, 'AWS::Lambda::WebFunction')).toEqual({});
  });
});

describe('Web Function shell', () => {
  const [revision] = Object.values(resourcesOf(web, 'AWS::Lambda::WebFunctionRevision'));
  const [endpoint] = Object.values(resourcesOf(web, 'AWS::Lambda::WebFunctionEndpoint'));

  test('lets Authorization through to the gateway, for fifteen minutes at most', () => {
    expect(endpoint?.Properties).toMatchObject({ AuthType: 'ApplicationManaged' });
    expect(revision?.Properties).toMatchObject({
      BuildConfig: { RuntimeConfig: { Runtime: 'nodejs24.x' } },
      ServiceConfig: { TimeoutSeconds: 900, MaxConcurrencyPerEnvironment: 64 },
    });
  });

  test('may write logs, without which there would be none', () => {
    expect(actionsOf(web, 'WebGateway', 'logs')).toEqual(['CreateLogStream', 'PutLogEvents']);
  });

  test('has the rights of the other shell, tracing aside', () => {
    for (const service of ['dynamodb', 'secretsmanager']) {
      expect(actionsOf(web, 'WebGateway', service)).toEqual(actionsOf(url, 'Gateway', service));
    }
  });

  test('refers to nothing outside its template but by import', () => {
    const known = new Set([...Object.keys(web.Resources), 'BootstrapVersion']);
    const named = [...JSON.stringify(web).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"([^"]+)"/g)].map(([, name]) => name as string);
    expect(named.filter((name) => !known.has(name) && !name.startsWith('AWS::'))).toEqual([]);
  });

  test('makes no function URL for the data plane', () => {
    expect(Object.keys(resourcesOf(web, 'AWS::Lambda::Url')).filter((id) => id.startsWith('Gateway'))).toEqual([]);
  });
});

describe('context', () => {
  test('says how long ledger entries wait for each other', () => {
    const delayOf = (choices: Record<string, string>): unknown =>
      Object.values(resourcesOf(synth(choices).gateway, 'AWS::Lambda::EventSourceMapping'))[0]?.Properties[
        'MaximumBatchingWindowInSeconds'
      ];

    expect(delayOf({})).toBe(30);
    expect(delayOf({ totalsDelay: '5' })).toBe(5);
    expect(() => synth({ totalsDelay: '1m' })).toThrow('context totalsDelay: expected seconds, 0 to 300, got 1m');
  });

  test('refuses a shell that does not exist', () => {
    expect(() => synth({ gateway: 'websocket' })).toThrow('context gateway: expected url or web, got websocket');
  });

  test('begins names of stacks and secrets with the name given', () => {
    const { gateway } = synth({ name: 'staging' });
    expect(JSON.stringify(gateway)).toContain(':secret:staging/*');
    expect(JSON.stringify(gateway)).not.toContain('tollgate/');
  });

  test('mails alarms to whom it is told', () => {
    const { gateway } = synth({ alarmEmail: 'ops@example.com' });
    const [subscription] = Object.values(resourcesOf(gateway, 'AWS::SNS::Subscription'));
    expect(subscription?.Properties).toMatchObject({ Protocol: 'email', Endpoint: 'ops@example.com' });
  });

  test('passes settings of the operator on to every function', () => {
    const { gateway } = synth({ TOLLGATE_EXPIRED_HOLD: 'zero' });
    for (const [, { Properties }] of ours(gateway)) {
      expect(Properties['Environment']).toMatchObject({ Variables: { TOLLGATE_EXPIRED_HOLD: 'zero' } });
    }
  });
});

test('gives the keeper room for a price map where there is one, and no role a right for it', () => {
  const { gateway } = synth({ TOLLGATE_PRICE_MAP_URL: 'https://prices.example.com/map.json' });
  const memoryOf = (template: TemplateJson): unknown =>
    ours(template).find(([name]) => name.startsWith('Keeper'))?.[1].Properties['MemorySize'];

  expect([memoryOf(url), memoryOf(gateway)]).toEqual([256, 512]);
  expect(resourcesOf(gateway, 'AWS::IAM::Policy')).toEqual(resourcesOf(url, 'AWS::IAM::Policy'));
});

test('lets the gateway call Bedrock only when asked to', () => {
  const asked = synth({ bedrock: 'true' }).gateway;
  const gatewayRole = (template: TemplateJson) => actionsOf(template, 'Gateway', 'bedrock');

  expect(gatewayRole(url)).toEqual([]);
  expect(gatewayRole(asked)).toEqual(['CountTokens', 'InvokeModel', 'InvokeModelWithResponseStream']);
  expect(() => synth({ bedrock: 'yes' })).toThrow('context bedrock: expected true or false');
});

describe('the door for signed requests', () => {
  const { gateway: template } = synth({ iam: 'true' });
  const urls = Object.entries(resourcesOf(template, 'AWS::Lambda::Url'));

  test('is a second URL of the same function, which checks signatures and streams', () => {
    const [, signed] = urls.find(([name]) => name.startsWith('GatewayIam')) ?? [];
    expect(signed?.Properties).toMatchObject({ AuthType: 'AWS_IAM', InvokeMode: 'RESPONSE_STREAM', Qualifier: 'iam' });
    const [alias] = Object.values(resourcesOf(template, 'AWS::Lambda::Alias'));
    expect(alias?.Properties).toMatchObject({ Name: 'iam', FunctionVersion: '$LATEST' });
    expect(urls.filter(([, { Properties }]) => Properties['AuthType'] === 'AWS_IAM')).toHaveLength(1);
    expect(urls).toHaveLength(3);
  });

  test('lets nobody in by itself: callers need policies of their own', () => {
    const permissions = Object.values(resourcesOf(template, 'AWS::Lambda::Permission')).map(({ Properties }) =>
      JSON.stringify(Properties),
    );
    expect(permissions.filter((text) => text.includes('GatewayIam') || text.includes('AWS_IAM'))).toEqual([]);
  });

  test('is told of in the guide with a policy that lets nobody hand over an event, and with it an identity, of its own', () => {
    const guide = readFileSync(new URL('../../docs/guides/callers.md', import.meta.url), 'utf8');
    const statements = [...guide.matchAll(/```json\n([^`]*lambda:[^`]*)```/g)].flatMap(
      ([, json]) => JSON.parse(json ?? '') as { Action: string | string[]; Condition?: object }[],
    );
    const invoking = statements.filter(({ Action }) => listed(Action).includes('lambda:InvokeFunction'));
    expect(invoking).toHaveLength(1);
    for (const { Action, Condition } of invoking) {
      expect(Action).toBe('lambda:InvokeFunction');
      expect(Condition).toEqual({ Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } });
    }
  });

  test('gives the gateway no more rights, and says where it is', () => {
    expect(actionsOf(template, 'Gateway', 'dynamodb')).toEqual(actionsOf(url, 'Gateway', 'dynamodb'));
    expect(Object.keys(template.Outputs ?? {})).toEqual(expect.arrayContaining(['IamGatewayUrl', 'IamGatewayArn']));
    expect(Object.keys(url.Outputs ?? {})).not.toContain('IamGatewayUrl');
  });

  test('is not to be had with the Web Function shell, which does not tell who signed', () => {
    expect(() => synth({ iam: 'true', gateway: 'web' })).toThrow('context iam: needs the function URL shell');
  });
});
