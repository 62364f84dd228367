/** Everything without state: the data plane in one of its shells, management, the keeper, the ledger's consumer, and their alarms. */
import { CfnOutput, Duration, Stack, Validations, type StackProps } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { EventSourceMapping, FunctionUrlAuthType, InvokeMode, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { FilterPattern, MetricFilter, type LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { ACCESS, grantAccess, grantBedrock, type Stores } from './constructs/access.ts';
import { Alarms, PERIOD } from './constructs/alarms.ts';
import { dataPlane, type Shell } from './constructs/data-plane.ts';
import { LambdaFunction, type Settings } from './constructs/lambda-function.ts';

/** What the stack is told. */
export interface GatewayStackProps extends StackProps {
  readonly shell: Shell;
  readonly stores: Stores;
  /** `dist/`, as `npm run build` leaves it. */
  readonly bundles: string;
  /** What the operator chose, for every function. */
  readonly settings: Settings;
  /** How long ledger entries wait for others before they are added to the totals, seconds; 0 to 300. */
  readonly totalsDelay: number;
  /** Whether the gateway's role may call Bedrock. */
  readonly bedrock: boolean;
  /** Whether the gateway has a second URL for callers that sign their requests as AWS roles. */
  readonly iam: boolean;
  /** Where alarms are mailed to; without it they only show in CloudWatch. */
  readonly alarmEmail?: string;
}

/** The stateless stack: may be destroyed and deployed again at any time. */
export class GatewayStack extends Stack {
  readonly #stores: Stores;
  readonly #bundles: string;
  readonly #settings: Settings;
  readonly #totalsDelay: number;
  readonly #alarms: Alarms;
  readonly #deadLetters: Queue;

  constructor(
    scope: Construct,
    id: string,
    { shell, stores, bundles, settings, bedrock, iam, alarmEmail, ...props }: GatewayStackProps,
  ) {
    super(scope, id, props);
    this.#stores = stores;
    this.#bundles = bundles;
    this.#alarms = new Alarms(this, 'Alarms', alarmEmail);
    this.#deadLetters = this.#createDeadLetters();

    this.#totalsDelay = props.totalsDelay;
    this.#settings = {
      ...settings,
      TOLLGATE_REGISTRY_TABLE: stores.registry.tableName,
      TOLLGATE_METERS_TABLE: stores.meters.tableName,
      TOLLGATE_LEDGER_TABLE: stores.ledger.tableName,
      TOLLGATE_TOTALS_TABLE: stores.totals.tableName,
    };

    const doors = {
      ...this.#settings,
      TOLLGATE_BODY_BUCKET: stores.bodies.bucketName,
      TOLLGATE_SECRET_PREFIX: stores.secretPrefix,
      TOLLGATE_MASTER_KEY_SECRET: stores.masterKeyArn,
    };
    const gateway = dataPlane(this, shell, { bundles, settings: doors, alarms: this.#alarms, iam });
    grantAccess(gateway.role, ACCESS.gateway, stores);
    if (bedrock) grantBedrock(gateway.role);
    this.#watchErrorLog(gateway.logs);
    const adminUrl = this.#createAdmin(doors);
    this.#createKeeper();
    this.#createReconciler();
    this.#createLedgerConsumer();

    new CfnOutput(this, 'GatewayUrl', { value: gateway.url, description: 'Base URL for clients' });
    if (gateway.signed !== undefined) {
      const { url, functionArn } = gateway.signed;
      new CfnOutput(this, 'IamGatewayUrl', {
        value: url,
        description: 'Base URL for callers that sign as AWS roles (service lambda)',
      });
      new CfnOutput(this, 'IamGatewayArn', {
        value: functionArn,
        description: 'What their policies allow calls through the URL on (docs/guides/callers.md)',
      });
    }
    new CfnOutput(this, 'AdminUrl', { value: adminUrl, description: 'Management API: keys, models, credentials, spend' });
    new CfnOutput(this, 'MasterKeySecret', {
      value: stores.masterKey.secretName,
      description: 'Secret that holds the master key',
    });
  }

  #createDeadLetters(): Queue {
    const queue = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'This is the dead-letter queue itself.' });
    this.#alarms.watch('DeadLettersWaiting', {
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
      meaning: 'A ledger batch could not be projected, or the keeper could not be started. The message says which.',
    });
    return queue;
  }

  /** The gateway never fails an invocation on purpose: what goes wrong inside is an answer and a line of level `error`. */
  #watchErrorLog(logs: LogGroup): void {
    const filter = new MetricFilter(this, 'GatewayErrorLines', {
      logGroup: logs,
      // Both shells: on the Web Function our JSON line arrives as escaped text inside AWS's own JSON.
      filterPattern: FilterPattern.literal(String.raw`%level\W+[eE][rR][rR][oO][rR]%`),
      metricNamespace: 'Tollgate',
      metricName: `${this.stackName}-gateway-errors`,
    });
    this.#alarms.watch('GatewayErrors', {
      metric: filter.metric({ period: PERIOD, statistic: 'Sum' }),
      meaning: 'The gateway logged errors of its own (not of providers or clients). Look for level "error" in its log.',
    });
  }

  #createAdmin(settings: Settings): string {
    const admin = new LambdaFunction(this, 'Admin', {
      description: 'Tollgate management API',
      bundle: `${this.#bundles}/admin`,
      settings,
      timeout: Duration.seconds(30),
      memorySize: 512,
    });
    grantAccess(admin.dedicatedRole, ACCESS.admin, this.#stores);
    this.#alarms.watch('AdminErrors', {
      metric: admin.metricErrors({ period: PERIOD }),
      meaning: 'The management API crashed or timed out.',
    });
    return admin.addFunctionUrl({ authType: FunctionUrlAuthType.NONE, invokeMode: InvokeMode.BUFFERED }).url;
  }

  /** Settles what nobody came back for. Ends before the next minute begins; a failed sweep is made good by the next one. */
  #createKeeper(): void {
    const keeper = new LambdaFunction(this, 'Keeper', {
      description: 'Settles holds whose lease has ended',
      bundle: `${this.#bundles}/keeper`,
      settings: { ...this.#settings, TOLLGATE_SECRET_PREFIX: this.#stores.secretPrefix },
      timeout: Duration.seconds(50),
      // A price map is read whole.
      memorySize: this.#settings.TOLLGATE_PRICE_MAP_URL === undefined ? 256 : 512,
    });
    keeper.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    grantAccess(keeper.dedicatedRole, ACCESS.keeper, this.#stores);
    new Rule(this, 'EachMinute', {
      description: 'Starts the keeper',
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [
        new LambdaTarget(keeper, { retryAttempts: 0, maxEventAge: Duration.minutes(1), deadLetterQueue: this.#deadLetters }),
      ],
    });
    this.#alarms.watch('KeeperErrors', {
      metric: keeper.metricErrors({ period: PERIOD }),
      meaning: 'Sweeps fail: holds of lost requests stay open and keep budgets smaller than they are.',
      atLeast: 3,
    });
    this.#alarms.watch('KeeperSilent', {
      metric: keeper.metricInvocations({ period: PERIOD }),
      meaning: 'The keeper was not started for fifteen minutes.',
      atMost: 0,
      periods: 3,
    });
  }

  /** Compares meters and totals with the ledger each night, and says by how much they differ: 0 is the only pass. */
  #createReconciler(): void {
    const reconciler = new LambdaFunction(this, 'Reconciler', {
      description: 'Compares the ledger with meters and totals',
      bundle: `${this.#bundles}/reconciler`,
      settings: this.#settings,
      timeout: Duration.minutes(15),
      memorySize: 1_024,
    });
    reconciler.configureAsyncInvoke({ retryAttempts: 1, maxEventAge: Duration.hours(1) });
    grantAccess(reconciler.dedicatedRole, ACCESS.reconciler, this.#stores);
    new Rule(this, 'EachNight', {
      description: 'Starts the reconciliation',
      schedule: Schedule.cron({ hour: '3', minute: '17' }),
      targets: [
        new LambdaTarget(reconciler, { retryAttempts: 1, maxEventAge: Duration.hours(1), deadLetterQueue: this.#deadLetters }),
      ],
    });
    new MetricFilter(this, 'BooksDifference', {
      logGroup: reconciler.logs,
      filterPattern: FilterPattern.stringValue('$.message', '=', 'reconciliation'),
      metricNamespace: 'Tollgate',
      metricName: `${this.stackName}-books-difference-usd`,
      metricValue: '$.differenceUsd',
    });
    this.#alarms.watch('BooksDiffer', {
      metric: reconciler.metricErrors({ period: PERIOD }),
      meaning:
        'Meters or totals differ from the ledger, or the comparison failed. The log names them; `npm run reconcile` shows all.',
    });
  }

  /** Projects new ledger entries. Bounded everywhere: one poisonous entry must not hold up the stream for its whole day. */
  #createLedgerConsumer(): void {
    const consumer = new LambdaFunction(this, 'LedgerConsumer', {
      description: 'Projects ledger entries into totals',
      bundle: `${this.#bundles}/ledger`,
      settings: this.#settings,
      timeout: Duration.minutes(1),
      memorySize: 256,
    });
    grantAccess(consumer.dedicatedRole, ACCESS.ledger, this.#stores);
    const { table } = this.#stores.ledger;
    const { tableStreamArn } = table;
    if (tableStreamArn === undefined) throw new Error('the ledger table has no stream');
    table.grantStreamRead(consumer);
    new EventSourceMapping(this, 'LedgerStream', {
      target: consumer,
      eventSourceArn: tableStreamArn,
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      // What lets entries share writes, and bounds what lone ones cost: a batch comes when it is full, or this long after its first entry.
      maxBatchingWindow: Duration.seconds(this.#totalsDelay),
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      retryAttempts: 8,
      maxRecordAge: Duration.hours(12),
      onFailure: new SqsDlq(this.#deadLetters),
    });
    this.#alarms.watch('LedgerErrors', {
      metric: consumer.metricErrors({ period: PERIOD }),
      meaning: 'Projecting ledger entries fails: totals fall behind. The ledger itself is complete.',
      atLeast: 3,
    });
    this.#alarms.watch('LedgerBehind', {
      metric: consumer.metric('IteratorAge', { period: PERIOD, statistic: 'Maximum' }),
      meaning: 'Totals are more than ten minutes behind the ledger (milliseconds).',
      atLeast: 600_000,
    });
  }
}
