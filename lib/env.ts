/**
 * Every environment variable of Tollgate, in one place: `infra/` imports the names, the functions import the parsed values, so
 * the two cannot drift. Nothing else reads `process.env`.
 */
import * as z from 'zod/mini';
import { readTokenSettings, type TokenSettings } from './auth/settings.ts';
import { parseDuration } from './domain/duration.ts';
import { faultOfId, isId } from './domain/id.ts';
import { keyBounds } from './management/keys/key-rules.ts';
import { parseUsd } from './domain/money.ts';
import { readAddresses } from './domain/addresses.ts';
import { parseJson } from './kinds/json.ts';

/** Names and meaning of the variables. Kept as data for `infra/` and the generated reference. */
export const ENV = {
  TOLLGATE_REGISTRY_TABLE: 'DynamoDB table of keys, models and credential facts.',
  TOLLGATE_METERS_TABLE: 'DynamoDB table of meters and their holds.',
  TOLLGATE_LEDGER_TABLE: 'DynamoDB table of the ledger.',
  TOLLGATE_TOTALS_TABLE: 'DynamoDB table of the totals projected from the ledger.',
  TOLLGATE_SECRET_PREFIX: 'Prefix of the secrets that hold provider credentials; default `tollgate/`.',
  TOLLGATE_MASTER_KEY_SECRET: 'ARN of the secret that holds the master key, or its name below the prefix.',
  TOLLGATE_MASTER_KEY: 'The master key itself; local runs only.',
  TOLLGATE_EXPIRED_HOLD:
    'Cost booked for a call nobody came back to settle: `hold` (default) books the amount held, `zero` nothing.',
  TOLLGATE_MAX_BUDGET: 'Most that all calls together may cost, in USD; LiteLLM `max_budget`.',
  TOLLGATE_BUDGET_DURATION: 'Window of that budget, aligned to the calendar (UTC): `1d`, `1w`, `1mo`; absent means for good.',
  TOLLGATE_MODEL_LIMITS:
    'JSON: limits of models whoever calls them, by name or pattern: `{"gpt-4o": {"max_budget": 100, "budget_duration": "1d", "rpm_limit": 60, "tpm_limit": 100000}}`.',
  TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS:
    "true: a user's budget counts for keys of teams too; LiteLLM's setting of that name.",
  TOLLGATE_BUDGET_EXCEEDED_THROTTLE_PERCENTAGE:
    'Share of its rates (0 to 1) at which a scope with `throttle_on_budget_exceeded` goes on over budget; absent refuses. LiteLLM `budget_exceeded_throttle_percentage`.',
  TOLLGATE_ON_STORE_FAILURE:
    'What becomes of calls whose limits cannot be asked, by kind: `budget=closed,rate=open,parallel=open`; closed (default) refuses with 503, open lets through uncounted.',
  TOLLGATE_MAX_BODY_BYTES: 'Largest request body in bytes; default 6291456 on a function URL, 33554432 elsewhere.',
  TOLLGATE_RESPONSE_COST_IN_STREAM:
    'true: the cost is part of the usage of streams; LiteLLM `include_cost_in_streaming_usage`.',
  TOLLGATE_NUM_RETRIES: 'Repeats of a failed provider call before the first byte; default 2.',
  TOLLGATE_RESPONSE_TTL_DAYS: 'Days that responses are kept for `previous_response_id`; default 30, and 0 keeps none.',
  TOLLGATE_STORE_BODIES:
    'true: requests and answers are kept, unless key or team say otherwise; LiteLLM `store_prompts_in_spend_logs`.',
  TOLLGATE_REDACT_BODIES: 'true: what is kept of requests and answers has no words in it; LiteLLM `turn_off_message_logging`.',
  TOLLGATE_BODY_BUCKET: 'S3 bucket of requests and answers.',
  TOLLGATE_BODY_TTL_DAYS: 'Days that requests and answers are kept; default 30.',
  TOLLGATE_DISABLE_LEDGER:
    'true: no ledger entries for calls with the master key that count against no limit; LiteLLM `disable_spend_logs`.',
  TOLLGATE_COST_DISCOUNTS: 'JSON, shares taken off prices by provider: `{"openai": 0.05}`; LiteLLM `cost_discount_config`.',
  TOLLGATE_COST_MARGINS:
    'JSON, shares or USD a call put on top by provider: `{"global": 0.05, "anthropic": {"percentage": 0.1, "fixed_amount": 0.001}}`; LiteLLM `cost_margin_config`.',
  TOLLGATE_PRICE_MAP_URL:
    'Address (https, or http on this machine) of a price map in the format of LiteLLM, for `POST /reload/model_cost_map`; absent: prices come with the release. LiteLLM `LITELLM_MODEL_COST_MAP_URL`.',
  TOLLGATE_CORS_ORIGINS:
    'Origins whose pages may call from browsers, by commas: `https://chat.example.com`; `*` (default) means any, `none` means none. LiteLLM `LITELLM_CORS_ORIGINS`.',
  TOLLGATE_ALLOWED_IPS: 'Addresses and CIDR ranges that may call, by commas; default any. LiteLLM `allowed_ips`.',
  TOLLGATE_ALLOWED_ROUTES: 'Routes that may be called, by commas; default all. LiteLLM `allowed_routes`.',
  TOLLGATE_REQUIRED_PARAMS: 'Body parameters that every request has to carry, by commas. LiteLLM `enforced_params`.',
  TOLLGATE_JWT_AUTH:
    'JSON: tokens of which identity provider are accepted, and what their claims mean. LiteLLM `litellm_jwtauth` with `public_key_url`, `issuer`, `audience`.',
  TOLLGATE_ROTATION_GRACE:
    'How long an old secret works after the keeper gave its key a new one (`auto_rotate`); default `1d`, never longer than the interval.',
  TOLLGATE_KEY_BOUNDS:
    'JSON: the most that keys may be given: `{"max_budget": 100, "duration": "30d"}`. LiteLLM `upperbound_key_generate_params`.',
  TOLLGATE_KEY_DEFAULTS: 'JSON: fields of new keys where nothing is said. LiteLLM `default_key_generate_params`.',
  TOLLGATE_KEY_HEADER: 'A header that may carry the key. LiteLLM `litellm_key_header_name`.',
  TOLLGATE_USER_HEADER: 'A header that names the customer. LiteLLM `user_header_name`.',
  TOLLGATE_REJECT_CLIENT_TAGS: 'true: requests may name no tags. LiteLLM `reject_clientside_metadata_tags`.',
  TOLLGATE_CUSTOMER_BUDGET_ID: 'Shared budget of customers nobody has made. LiteLLM `max_end_user_budget_id`.',
  TOLLGATE_CUSTOMERS_OF_TEAMS:
    'true: customers nobody has made belong to the team, or else the organization, of the key that names them first.',
  TOLLGATE_LOG_LEVEL: '`debug`, `info` (default), `warn`, `error` or `silent`.',
} as const;

/** Name of a variable. */
export type EnvName = keyof typeof ENV;

const WHOLE = 'expected a whole number, 0 or more';
const POSITIVE = 'expected a whole number above 0';

const flag = z.pipe(
  z._default(z.enum(['true', 'false', '1', '0', ''], 'expected true or false'), 'false'),
  z.transform((value) => value === 'true' || value === '1'),
);
/** Texts by commas. */
const list = z.pipe(
  z._default(z.string(), ''),
  z.transform((value): readonly string[] =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ),
);
const ORIGINS = 'expected origins such as https://chat.example.com, by commas, or * or none';
const origins = z.pipe(
  list.check(z.refine((items) => items.every((item) => /^(\*|none|[a-z][\w+.-]*:\/\/[^/\s]+)$/i.test(item)), ORIGINS)),
  z.transform((items) => items.filter((item) => item !== 'none')),
);
const header = z.optional(
  z.pipe(
    z.string().check(z.regex(/^[\w-]+$/, 'expected the name of a header')),
    z.transform((name) => name.toLowerCase()),
  ),
);
const count = (initial: number) => z._default(z.coerce.number(WHOLE).check(z.int(WHOLE), z.nonnegative(WHOLE)), initial);

const USD = 'expected an amount in USD';
/** USD as text or JSON number, as 1e-12 USD. */
const amount = z.pipe(
  z.union([z.number(USD).check(z.nonnegative(USD)), z.string().check(z.regex(/^\d{1,13}(\.\d{1,20})?$/, USD))], USD),
  z.transform(parseUsd),
);

const DURATION = 'expected a duration: 12h, 1d, 1w, 1mo';
const duration = z.string(DURATION).check(z.refine(isDuration, DURATION));

const RATE = 'expected a whole number, 0 or more';
const rate = z.number(RATE).check(z.int(RATE), z.nonnegative(RATE));

/** Limits of models as JSON. */
const modelLimits = z.pipe(
  z.pipe(z.string(), z.transform(parseJson)),
  z.record(
    z.string().check(z.refine(isId, { error: ({ input }) => faultOfId(String(input)) ?? '' })),
    z.strictObject({
      max_budget: z.optional(amount),
      budget_duration: z.optional(duration),
      rpm_limit: z.optional(rate),
      tpm_limit: z.optional(rate),
    }),
    'expected a JSON object: {"model": {"max_budget": 100, "budget_duration": "1d", "rpm_limit": 60, "tpm_limit": 100000}}',
  ),
);

const SHARE = 'expected a number between 0 and 1';
const MARGIN =
  'expected a number between 0 and 10, or an object with percentage (0 to 10), fixed_amount (USD, 0 or more) or both';

/** Discounts by provider; LiteLLM `cost_discount_config`. */
export const discounts = z.record(
  z.string(),
  z.number(SHARE).check(z.gte(0, SHARE), z.lte(1, SHARE)),
  'expected an object of numbers by provider',
);

const percentage = z.number(MARGIN).check(z.gte(0, MARGIN), z.lte(10, MARGIN));
const amounts = z
  .strictObject(
    { percentage: z.optional(percentage), fixed_amount: z.optional(z.number(MARGIN).check(z.gte(0, MARGIN))) },
    MARGIN,
  )
  .check(z.refine((margin) => Object.keys(margin).length > 0, MARGIN));

/** Margins by provider, or `global`; LiteLLM `cost_margin_config`. */
export const margins = z.record(
  z.string(),
  z.union([percentage, amounts], MARGIN),
  'expected an object of margins by provider',
);

/** JSON in the text of a variable; an absent one is an empty object. */
const json = <T>(inner: z.ZodMiniType<T>) => z.pipe(z.pipe(z._default(z.string(), '{}'), z.transform(parseJson)), inner);

/** Settings of tokens; a fault is told as the variable's. */
function tokenSettings(text: string, context: { readonly issues: unknown[] }): TokenSettings {
  try {
    return readTokenSettings(text);
  } catch (error) {
    context.issues.push({ code: 'custom', message: error instanceof Error ? error.message : String(error), input: text });
    return z.NEVER;
  }
}

function areAddresses(entries: readonly string[]): boolean {
  try {
    readAddresses(entries);
    return true;
  } catch {
    return false;
  }
}

const share = z.coerce.number(SHARE).check(z.gte(0, SHARE), z.lte(1, SHARE));

const CHOICES = 'expected choices such as budget=closed,rate=open,parallel=open';
/** `kind=open` or `kind=closed`, with commas in between, as an object. */
const onStoreFailure = z.pipe(
  z.string(CHOICES).check(z.regex(/^((budget|rate|parallel)=(open|closed)(,|$))*$/, CHOICES)),
  z.transform((text): Readonly<Partial<Record<'budget' | 'rate' | 'parallel', 'open' | 'closed'>>> =>
    Object.fromEntries(text.split(',').flatMap((choice) => (choice === '' ? [] : [choice.split('=')]))),
  ),
);

const MAP_URL =
  'expected an address that begins with https:// (http:// on this machine only), without user name, password and fragment';
const priceMapUrl = z.string(MAP_URL).check(z.refine(isMapUrl, MAP_URL));

const schema = z.object({
  TOLLGATE_REGISTRY_TABLE: z._default(z.string(), 'tollgate-registry'),
  TOLLGATE_METERS_TABLE: z._default(z.string(), 'tollgate-meters'),
  TOLLGATE_LEDGER_TABLE: z._default(z.string(), 'tollgate-ledger'),
  TOLLGATE_TOTALS_TABLE: z._default(z.string(), 'tollgate-totals'),
  TOLLGATE_SECRET_PREFIX: z._default(z.string(), 'tollgate/'),
  TOLLGATE_MASTER_KEY_SECRET: z.optional(z.string()),
  TOLLGATE_MASTER_KEY: z.optional(z.string()),
  TOLLGATE_EXPIRED_HOLD: z._default(z.enum(['hold', 'zero'], 'expected hold or zero'), 'hold'),
  TOLLGATE_MAX_BUDGET: z.optional(amount),
  TOLLGATE_BUDGET_DURATION: z.optional(duration),
  TOLLGATE_MODEL_LIMITS: z.optional(modelLimits),
  TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS: flag,
  TOLLGATE_BUDGET_EXCEEDED_THROTTLE_PERCENTAGE: z.optional(share),
  TOLLGATE_ON_STORE_FAILURE: z._default(onStoreFailure, {}),
  TOLLGATE_MAX_BODY_BYTES: z.optional(z.coerce.number(POSITIVE).check(z.int(POSITIVE), z.positive(POSITIVE))),
  TOLLGATE_RESPONSE_COST_IN_STREAM: flag,
  TOLLGATE_NUM_RETRIES: count(2),
  TOLLGATE_RESPONSE_TTL_DAYS: count(30),
  TOLLGATE_STORE_BODIES: flag,
  TOLLGATE_REDACT_BODIES: flag,
  TOLLGATE_BODY_BUCKET: z.optional(z.string()),
  TOLLGATE_BODY_TTL_DAYS: z._default(z.coerce.number(POSITIVE).check(z.int(POSITIVE), z.positive(POSITIVE)), 30),
  TOLLGATE_DISABLE_LEDGER: flag,
  TOLLGATE_COST_DISCOUNTS: json(discounts),
  TOLLGATE_COST_MARGINS: json(margins),
  TOLLGATE_PRICE_MAP_URL: z.optional(priceMapUrl),
  TOLLGATE_CORS_ORIGINS: z._default(origins, ['*']),
  TOLLGATE_ALLOWED_IPS: list.check(z.refine(areAddresses, 'expected IP addresses and CIDR ranges, by commas')),
  TOLLGATE_ALLOWED_ROUTES: list,
  TOLLGATE_REQUIRED_PARAMS: list,
  TOLLGATE_JWT_AUTH: z.optional(z.pipe(z.string(), z.transform(tokenSettings))),
  TOLLGATE_ROTATION_GRACE: z._default(duration, '1d'),
  TOLLGATE_KEY_BOUNDS: json(keyBounds),
  TOLLGATE_KEY_DEFAULTS: json(z.record(z.string(), z.unknown(), 'expected a JSON object')),
  TOLLGATE_KEY_HEADER: header,
  TOLLGATE_USER_HEADER: header,
  TOLLGATE_REJECT_CLIENT_TAGS: flag,
  TOLLGATE_CUSTOMER_BUDGET_ID: z.optional(z.string().check(z.minLength(1))),
  TOLLGATE_CUSTOMERS_OF_TEAMS: flag,
  TOLLGATE_LOG_LEVEL: z._default(
    z.enum(['debug', 'info', 'warn', 'error', 'silent'], 'expected debug, info, warn, error or silent'),
    'info',
  ),
});

function isMapUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname));
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}

/** The parsed settings. */
export type Env = z.infer<typeof schema>;

/**
 * Reads and checks the variables.
 *
 * @throws Error naming each variable that is wrong and what it may be.
 */
export function readEnv(source: Readonly<Record<string, string | undefined>> = process.env): Env {
  const parsed = z.safeParse(schema, source);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`Environment: ${faults.join('; ')}`);
}

/**
 * Where a Lambda Web Function has to listen: `AWS_LAMBDA_HTTP_ENDPOINT`, set by the platform as `host:port`.
 *
 * @throws Error when it is absent or has another form
 */
export function readWebEndpoint(source: Readonly<Record<string, string | undefined>> = process.env): {
  readonly host: string;
  readonly port: number;
} {
  const value = source['AWS_LAMBDA_HTTP_ENDPOINT'];
  const [, host, port] = /^(?:http:\/\/)?\[?([^\]/]+)\]?:(\d+)\/?$/.exec(value ?? '') ?? [];
  if (host !== undefined && port !== undefined) return { host, port: Number(port) };
  throw new Error(`Environment: AWS_LAMBDA_HTTP_ENDPOINT: expected host:port, got ${value ?? 'nothing'}`);
}
