/**
 * The CDK app, started by `cdk` (see `cdk.json`) or alone: `node infra/app.ts`. The only place that reads CDK context:
 *
 * - `-c gateway=url|web` which shell serves the data plane (default `url`)
 * - `-c name=tollgate` begins the names of the stacks and of the secrets, so that two installations fit into one account
 * - `-c bedrock=true` lets the gateway's role call Bedrock, so that its models need no stored credential
 * - `-c iam=true` a second URL of the gateway for callers that sign their requests as AWS roles and need no key
 * - `-c totalsDelay=30` how long ledger entries wait for others before reports show them, seconds (default 30)
 * - `-c alarmEmail=you@example.com` where alarms go
 * - `-c TOLLGATE_NUM_RETRIES=3`: a setting of `lib/env.ts`, for all functions
 */
import { resolve } from 'node:path';
import { App, Validations, type AppProps } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { EnvName } from '../lib/env.ts';
import { SHELLS, type Shell } from './constructs/data-plane.ts';
import type { Settings } from './constructs/lambda-function.ts';
import { DataStack } from './data-stack.ts';
import { GatewayStack } from './gateway-stack.ts';

const BUNDLES = resolve(import.meta.dirname, '../dist');

/**
 * Both stacks and the checks on them.
 *
 * @throws Error when a context value is not one we know
 */
export function createApp(
  props: AppProps = {},
  bundles = BUNDLES,
): { readonly app: App; readonly data: DataStack; readonly gateway: GatewayStack } {
  const app = new App(props);
  const name = text(app, 'name') ?? 'tollgate';
  const alarmEmail = text(app, 'alarmEmail');
  const data = new DataStack(app, `${name}-data`, {
    description: 'Tollgate: tables, bodies and master key',
    secretPrefix: `${name}/`,
    bodyDays: Number(text(app, 'TOLLGATE_BODY_TTL_DAYS') ?? 30),
  });
  const gateway = new GatewayStack(app, `${name}-gateway`, {
    description: 'Tollgate: gateway, management, keeper, ledger',
    shell: shell(app),
    stores: data.stores,
    bundles,
    settings: operatorSettings(app),
    bedrock: flag(app, 'bedrock'),
    iam: flag(app, 'iam'),
    totalsDelay: seconds(app, 'totalsDelay', 30),
    ...(alarmEmail === undefined ? {} : { alarmEmail }),
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return { app, data, gateway };
}

/** What an operator may choose. The rest of `ENV` is known to the stacks, or is a secret and has no place in a template. */
const CHOICES = [
  'TOLLGATE_EXPIRED_HOLD',
  'TOLLGATE_MAX_BUDGET',
  'TOLLGATE_BUDGET_DURATION',
  'TOLLGATE_MODEL_LIMITS',
  'TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS',
  'TOLLGATE_BUDGET_EXCEEDED_THROTTLE_PERCENTAGE',
  'TOLLGATE_ON_STORE_FAILURE',
  'TOLLGATE_MAX_BODY_BYTES',
  'TOLLGATE_RESPONSE_COST_IN_STREAM',
  'TOLLGATE_NUM_RETRIES',
  'TOLLGATE_RESPONSE_TTL_DAYS',
  'TOLLGATE_STORE_BODIES',
  'TOLLGATE_REDACT_BODIES',
  'TOLLGATE_BODY_TTL_DAYS',
  'TOLLGATE_DISABLE_LEDGER',
  'TOLLGATE_COST_DISCOUNTS',
  'TOLLGATE_COST_MARGINS',
  'TOLLGATE_PRICE_MAP_URL',
  'TOLLGATE_LOG_LEVEL',
  'TOLLGATE_CORS_ORIGINS',
  'TOLLGATE_ALLOWED_IPS',
  'TOLLGATE_ALLOWED_ROUTES',
  'TOLLGATE_REQUIRED_PARAMS',
  'TOLLGATE_JWT_AUTH',
  'TOLLGATE_ROTATION_GRACE',
  'TOLLGATE_KEY_BOUNDS',
  'TOLLGATE_KEY_DEFAULTS',
  'TOLLGATE_KEY_HEADER',
  'TOLLGATE_USER_HEADER',
  'TOLLGATE_REJECT_CLIENT_TAGS',
  'TOLLGATE_CUSTOMER_BUDGET_ID',
  'TOLLGATE_CUSTOMERS_OF_TEAMS',
] as const satisfies readonly EnvName[];

function operatorSettings(app: App): Settings {
  const chosen = CHOICES.map((name) => [name, text(app, name)] as const);
  return Object.fromEntries(chosen.filter(([, value]) => value !== undefined));
}

function text(app: App, key: string): string | undefined {
  const value: unknown = app.node.tryGetContext(key);
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new Error(`context ${key}: expected a text, got ${JSON.stringify(value)}`);
}

function flag(app: App, key: string): boolean {
  const value = text(app, key) ?? 'false';
  if (value !== 'true' && value !== 'false') throw new Error(`context ${key}: expected true or false, got ${value}`);
  return value === 'true';
}

/** Lambda waits for a batch of a stream five minutes at most. */
const LONGEST_DELAY = 300;

function seconds(app: App, key: string, usual: number): number {
  const value = text(app, key) ?? String(usual);
  if (/^\d+$/.test(value) && Number(value) <= LONGEST_DELAY) return Number(value);
  throw new Error(`context ${key}: expected seconds, 0 to ${LONGEST_DELAY}, got ${value}`);
}

function shell(app: App): Shell {
  const value = text(app, 'gateway') ?? 'url';
  const known = SHELLS.find((name) => name === value);
  if (known === undefined) throw new Error(`context gateway: expected ${SHELLS.join(' or ')}, got ${value}`);
  return known;
}

if (import.meta.main) createApp().app.synth();
