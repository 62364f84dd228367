/** Our defaults of a Lambda function, said once. */
import { RemovalPolicy, Validations, type Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { EnvName } from '../../lib/env.ts';

/** Values for the variables that `lib/env.ts` names. */
export type Settings = Readonly<Partial<Record<EnvName, string>>>;

/** What differs between our functions. */
export interface LambdaFunctionProps {
  readonly description: string;
  /** Folder that `npm run build` filled: `dist/gateway`. */
  readonly bundle: string;
  readonly settings: Settings;
  readonly timeout: Duration;
  /** Megabytes; the share of CPU grows with it. */
  readonly memorySize: number;
}

/** A log group that goes with its stack; a month is long enough to look into a failure, and the ledger keeps what counts. */
export const logGroup = (scope: Construct, id: string): LogGroup =>
  new LogGroup(scope, id, { retention: RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY });

/** A role that may do nothing yet but write to `logs`. */
export function functionRole(scope: Construct, id: string, logs: LogGroup): Role {
  const role = new Role(scope, id, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logs.grantWrite(role);
  return role;
}

/** A function on arm64 and Node 24 with JSON logs, tracing, and a role of its own that starts with no rights to our data. */
export class LambdaFunction extends Function {
  readonly logs: LogGroup;
  readonly dedicatedRole: Role;

  constructor(scope: Construct, id: string, props: LambdaFunctionProps) {
    const logs = logGroup(scope, `${id}Logs`);
    const role = functionRole(scope, `${id}Role`, logs);
    super(scope, id, {
      description: props.description,
      code: Code.fromAsset(props.bundle),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: props.timeout,
      memorySize: props.memorySize,
      environment: { ...props.settings },
      role,
      logGroup: logs,
      loggingFormat: LoggingFormat.JSON,
      tracing: Tracing.ACTIVE,
    });
    this.logs = logs;
    this.dedicatedRole = role;
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'X-Ray actions (PutTraceSegments, PutTelemetryRecords) know no resources: the service takes only `*`.',
    });
  }
}
