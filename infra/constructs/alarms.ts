/** Alarms and where they go. */
import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData, type Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

/** What an alarm watches. */
export interface Watch {
  readonly metric: Metric;
  /** What it means and where to look, for the person it wakes. */
  readonly meaning: string;
  /** Fires at this value or above; default 1. */
  readonly atLeast?: number;
  /** Fires at this value or below, or when there is no data at all. */
  readonly atMost?: number;
  /** Periods in a row; default 1. */
  readonly periods?: number;
}

/** The period of our alarms. */
export const PERIOD = Duration.minutes(5);

/** One topic for all alarms; mail goes to `email` when there is one. */
export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, email?: string) {
    super(scope, id);
    this.topic = new Topic(this, 'Topic', { displayName: `${Stack.of(this).stackName} alarms`, enforceSSL: true });
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
  }

  watch(id: string, { metric, meaning, atLeast = 1, atMost, periods = 1 }: Watch): void {
    const quiet = atMost !== undefined;
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: meaning,
      threshold: quiet ? atMost : atLeast,
      comparisonOperator: quiet
        ? ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: quiet ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
  }
}
