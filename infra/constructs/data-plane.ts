/** The gateway function in its two shells: same core, same settings, same rights; they differ in how AWS hands requests over. */
import { DefaultStackSynthesizer, Duration, Stack, Validations } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  FunctionUrlAuthType,
  InvokeMode,
  WebFunction,
  WebFunctionAuthType,
  WebFunctionCode,
  WebFunctionRuntime,
} from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { PERIOD, type Alarms } from './alarms.ts';
import { functionRole, LambdaFunction, logGroup, type Settings } from './lambda-function.ts';

/** The shells: a function URL with a streamed response, or a Lambda Web Function. */
export const SHELLS = ['url', 'web'] as const;
export type Shell = (typeof SHELLS)[number];

/** The longest a request may take, on both shells. */
const LONGEST = Duration.minutes(15);

/** How a shell is made. */
export interface DataPlaneProps {
  /** `dist/`. */
  readonly bundles: string;
  readonly settings: Settings;
  readonly alarms: Alarms;
  /** Whether callers may also come with a signature of AWS, at an address of their own. */
  readonly iam: boolean;
}

/** What the stack needs to know of a shell. */
export interface DataPlane {
  /** Base URL for clients, ends with a slash. */
  readonly url: string;
  /** The address for callers that sign their requests, and the ARN that their policies allow. */
  readonly signed?: { readonly url: string; readonly functionArn: string };
  readonly role: Role;
  readonly logs: LogGroup;
}

/** One request per environment, 6 MB of request, streamed answers. */
function urlShell(scope: Construct, { bundles, settings, alarms, iam }: DataPlaneProps): DataPlane {
  const gateway = new LambdaFunction(scope, 'Gateway', {
    description: 'Tollgate data plane behind a function URL',
    bundle: `${bundles}/gateway`,
    settings,
    timeout: LONGEST,
    // Streams wait more than they compute, and waiting is billed by memory.
    memorySize: 512,
  });
  // No IAM at the door: clients bring virtual keys, which the gateway checks itself.
  const { url } = gateway.addFunctionUrl({ authType: FunctionUrlAuthType.NONE, invokeMode: InvokeMode.RESPONSE_STREAM });
  alarms.watch('GatewayCrashes', {
    metric: gateway.metricErrors({ period: PERIOD }),
    meaning: 'The gateway function crashed or timed out: an answer was cut short. Its holds are settled by the keeper.',
  });
  alarms.watch('GatewayThrottles', {
    metric: gateway.metricThrottles({ period: PERIOD }),
    meaning: 'Requests were refused by AWS with 429: the concurrency limit of the account (or of the function) is reached.',
  });
  return { url, role: gateway.dedicatedRole, logs: gateway.logs, ...(iam ? { signed: signedDoor(scope, gateway) } : {}) };
}

/**
 * A second door to the same function: a function has one URL, and an alias has one more. Lambda checks the signature and tells the gateway
 * whose it is. Nobody is let in here: callers of this account are allowed by policies of their own, `lambda:InvokeFunctionUrl` and
 * `lambda:InvokeFunction` on the alias; the latter through the URL alone (`lambda:InvokedViaFunctionUrl`), since whoever may invoke the
 * function with an event of its own may write any identity into it.
 */
function signedDoor(scope: Construct, gateway: LambdaFunction): { readonly url: string; readonly functionArn: string } {
  const alias = new Alias(scope, 'GatewayIam', { aliasName: 'iam', version: gateway.latestVersion });
  const { url } = alias.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM, invokeMode: InvokeMode.RESPONSE_STREAM });
  return { url, functionArn: alias.functionArn };
}

/** Many requests per environment, no idle wait billed; no X-Ray, layers or provisioned capacity on this kind of function. */
function webShell(scope: Construct, { bundles, settings, iam }: DataPlaneProps): DataPlane {
  // A Web Function with IamAuth does not tell its program who signed a request.
  if (iam) throw new Error('context iam: needs the function URL shell (-c gateway=url)');
  const logs = logGroup(scope, 'WebGatewayLogs');
  const role = functionRole(scope, 'WebGatewayRole', logs);
  const gateway = new WebFunction(scope, 'WebGateway', {
    revisionDescription: 'Tollgate data plane as a Lambda Web Function',
    code: WebFunctionCode.fromAssetToManagedBucket(`${bundles}/web`),
    runtime: WebFunctionRuntime.NODEJS_24_X,
    role,
    logGroup: logs,
    environment: { ...settings },
    timeout: LONGEST,
    maxConcurrencyPerEnvironment: 64,
    // The same door as above: `Authorization` reaches the gateway, which checks virtual keys.
    defaultEndpointAuth: WebFunctionAuthType.APPLICATION_MANAGED,
  });
  Validations.of(gateway.endpoint).acknowledge({
    id: 'Annotation::@aws-cdk/aws-lambda:webFunctionPublicEndpoint',
    reason: 'The gateway itself asks every caller for a key, but on its health routes.',
  });
  acknowledgeCodeCopy(Stack.of(scope));
  return { url: `https://${gateway.endpoint.domainName}/`, role, logs };
}

/** A Web Function reads its code from a bucket; CDK makes one, and a function that copies the code there while it deploys. */
function acknowledgeCodeCopy(stack: Stack): void {
  const bucket = stack.node.findChild('AWSCDKWebFunctionAssetBucket');
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'Holds our published bundle only and is read by Lambda. Made by CDK, which offers no access logs for it.',
  });
  const bucketId = stack.getLogicalId(bucket.node.defaultChild as CfnBucket);
  const staging = `cdk-${DefaultStackSynthesizer.DEFAULT_QUALIFIER}-assets-<AWS::AccountId>-<AWS::Region>`;
  const findings = [
    'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
    `IAM5[Resource::arn:<AWS::Partition>:s3:::${staging}/*]`,
    `IAM5[Resource::<${bucketId}.Arn>/web-function/*]`,
    'IAM5[Action::s3:Abort*]',
    'IAM5[Action::s3:DeleteObject*]',
  ];
  const reason = 'Made by CDK; runs only during a deployment, between the bootstrap bucket and the bucket of the code.';
  for (const part of stack.node.children.filter(({ node }) => node.id.startsWith('Custom::S3ObjectCopy'))) {
    Validations.of(part).acknowledge(...findings.map((finding) => ({ id: `AwsSolutions-${finding}`, reason })));
  }
}

/** Makes the shell asked for. */
export const dataPlane = (scope: Construct, shell: Shell, props: DataPlaneProps): DataPlane =>
  shell === 'url' ? urlShell(scope, props) : webShell(scope, props);
